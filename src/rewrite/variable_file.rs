//! Files from which services take variables (`env_file`). Their names stay: whoever reads them finds what he looks for, and
//! the new server's images read the old names, too. What their values say follows as in `environment:`.

use super::request::Request;
use super::rules::{names_path, place_of};
use crate::compose::dotenv::{self, Rewritten};
use crate::role::Role;
use std::path::PathBuf;

/// A file, and who reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableFile {
    /// Where it is, absolute.
    pub path: PathBuf,
    /// All of its text, with other characters in place of what is no UTF-8.
    pub text: String,
    /// Whether it is UTF-8. Any other file is not edited.
    pub is_text: bool,
    /// The services that name it.
    pub readers: Vec<Reader>,
}

/// A service that takes variables from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Its name.
    pub service: String,
    /// What it is for.
    pub role: Role,
    /// Whether its variables are the server's own. A neighbour's, and those of an image of the user's own, are left alone.
    pub is_ours: bool,
}

impl VariableFile {
    /// Returns the readers whose variables are left alone.
    pub fn others(&self) -> impl Iterator<Item = &Reader> {
        self.readers.iter().filter(|reader| !reader.is_ours)
    }

    /// Returns the file with places in its values as they are in the new server. Values may be secrets: notes have only names.
    pub fn rewritten(&self, request: &Request) -> Rewritten {
        let mut notes = Vec::new();
        let path = self.path.display();
        if !self.is_text {
            notes.push(format!("{path} is not UTF-8, and stays as it is. Look for places in it that have moved."));
            return Rewritten { text: self.text.clone(), notes };
        }
        let text = dotenv::with_values(&self.text, |line, name, value| {
            let followed = self.readers.iter().filter(|reader| reader.is_ours).find_map(|reader| {
                let new = place_of(reader.role, name, value, request).filter(|new| new != value)?;
                Some((reader, new))
            });
            if let Some((reader, new)) = followed {
                let Some(other) = self.others().next() else { return Some(new) };
                notes.push(format!(
                    "{name} in {path}, line {line}, is read by {}, too, and stays. For {} of the new server it would be {new}: set it in that service's environment.",
                    other.service, reader.service
                ));
            } else if let Some((old, new)) = &request.home
                && old.to_str().is_some_and(|old| names_path(value, old))
            {
                notes.push(format!(
                    "{name} in {path}, line {line}, still names {}. If that is a place on this machine, it is now {}.",
                    old.display(),
                    new.display()
                ));
            }
            None
        });
        Rewritten { text, notes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::Variables;
    use std::collections::BTreeMap;

    fn request() -> Request {
        Request {
            release: crate::release::find("1.1").unwrap(),
            project_directory: "/srv/trains".into(),
            paths: vec![],
            mounts: vec![],
            home: Some(("/srv/trains".into(), "/srv/clearml".into())),
            volumes: vec![],
            pinned_volumes: vec![],
            variables: Variables::default(),
            fixed_users: false,
            redis: "/srv/clearml/data/redis".into(),
            redis_told: true,
            mentions: BTreeMap::new(),
        }
    }

    fn reader(service: &str, role: Role) -> Reader {
        Reader { service: service.into(), role, is_ours: role != Role::Other }
    }

    fn rewritten(readers: &[Reader]) -> Rewritten {
        let text = "# of the server\nTRAINS_CONFIG_DIR=/opt/trains/config\n\
            TRAINS_AGENT_DOCKER_HOST_MOUNT=\"/srv/trains/agent:/root/.trains\" # here\nBACKUP=/srv/trains/data\nKEY=/srv/trains2\n";
        VariableFile { path: "/srv/trains/own.env".into(), text: text.into(), is_text: true, readers: readers.to_vec() }
            .rewritten(&request())
    }

    #[test]
    fn places_follow_under_names_that_stay() {
        let Rewritten { text, notes } =
            rewritten(&[reader("apiserver", Role::Apiserver), reader("agent", Role::AgentServices)]);
        insta::assert_snapshot!(text, @r#"
        # of the server
        TRAINS_CONFIG_DIR=/opt/clearml/config
        TRAINS_AGENT_DOCKER_HOST_MOUNT="/srv/clearml/agent:/root/.clearml" # here
        BACKUP=/srv/trains/data
        KEY=/srv/trains2
        "#);
        insta::assert_snapshot!(notes.join("\n"), @"BACKUP in /srv/trains/own.env, line 4, still names /srv/trains. If that is a place on this machine, it is now /srv/clearml.");
    }

    #[test]
    fn what_a_neighbour_reads_stays_and_is_told_by_its_line() {
        let Rewritten { text, notes } =
            rewritten(&[reader("apiserver", Role::Apiserver), reader("backup", Role::Other)]);
        assert!(text.contains("=/opt/trains/config\n"), "{text}");
        insta::assert_snapshot!(notes.join("\n"), @r"
        TRAINS_CONFIG_DIR in /srv/trains/own.env, line 2, is read by backup, too, and stays. For apiserver of the new server it would be /opt/clearml/config: set it in that service's environment.
        TRAINS_AGENT_DOCKER_HOST_MOUNT in /srv/trains/own.env, line 3, still names /srv/trains. If that is a place on this machine, it is now /srv/clearml.
        BACKUP in /srv/trains/own.env, line 4, still names /srv/trains. If that is a place on this machine, it is now /srv/clearml.
        ");
    }
}
