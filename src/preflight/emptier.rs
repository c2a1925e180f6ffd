//! Whether the rewritten files still give each service what it is told today: a variable that nobody sets any more is an
//! empty text to compose, and `http://${HOST}:8081` becomes `http://:8081` without a word.

use crate::compose::model::Project;
use crate::compose::{dotenv, interpolate};
use crate::deployment::Deployment;
use crate::docker::ProjectArgs;
use crate::environment;
use crate::error::{Context, Result};
use crate::findings::Finding;
use crate::message::{About, Code};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What the files say before compose fills in variables, and which variables there are to fill in.
#[derive(Debug, Default)]
pub(super) struct Written {
    models: Vec<Project>,
    set: BTreeSet<String>,
}

impl Written {
    /// Reads the files of a project.
    ///
    /// # Errors
    /// Failed when one cannot be read.
    pub(super) fn read(args: &ProjectArgs) -> Result<Self> {
        let text =
            |path: &PathBuf| std::fs::read_to_string(path).context(|| format!("{} cannot be read.", path.display()));
        let mut written = Self { models: Vec::new(), set: environment::texts().into_keys().collect() };
        for path in &args.files {
            // Compose has read it; what it is no help with here is told in plainer words.
            written.models.extend(Project::from_yaml(text(path)?.trim_start_matches('\u{feff}')));
        }
        for path in &args.env_files {
            written.set.extend(dotenv::names(&text(path)?));
        }
        Ok(written)
    }

    /// Returns what these variables of a service are made of and nobody sets. A new name was never a shell's to set.
    fn unset(&self, service: &str, variables: &[String]) -> Vec<String> {
        let services = self.models.iter().filter_map(|model| model.services.get(service));
        let values =
            services.flat_map(|service| variables.iter().filter_map(|name| service.environment.get(name)?.as_ref()));
        let names: BTreeSet<String> = values.flat_map(|value| interpolate::variables(value)).collect();
        names.into_iter().filter(|name| !self.set.contains(name) && !name.starts_with("CLEARML_")).collect()
    }
}

/// Finds variables of services whose values have lost something. Values may be secrets: only names are told.
/// `written` is what the files are by now, when they were rewritten from a shell that may have been another one.
pub(super) fn services(deployment: &Deployment, model: &Project, written: &Written) -> Vec<Finding> {
    let mut findings = Vec::new();
    for service in &deployment.services {
        let Some(new) = model.services.get(&service.name) else { continue };
        let emptier = emptier(&service.environment, &new.environment);
        let unset = written.unset(&service.name, &emptier);
        if !emptier.is_empty() && !unset.is_empty() {
            let (names, them) = (unset.join(", "), if unset.len() == 1 { "it" } else { "them" });
            findings.push(Finding::refusal(
                Code::VariableUnset,
                format!(
                    "{} of {} would lack something that the old server has: {names} is set neither in the files nor in this shell. The shell that the migration was begun from had {them} set.",
                    emptier.join(", "),
                    service.name,
                ),
                format!("Set {them} again as in that shell (export {}=…), and run the same command again.", unset.join("=… ")),
            )
            .about(About::service(&service.name)));
        } else if !emptier.is_empty() {
            findings.push(Finding::refusal(
                Code::VariableLost,
                format!(
                    "After the migration {} of {} would lack something that {} now: a variable in the value is not set under its new name.",
                    emptier.join(", "),
                    service.name,
                    if emptier.len() == 1 { "it has" } else { "they have" }
                ),
                "Write the value out in the compose file or in .env, without other variables, and run the same command again.",
            )
            .about(About::service(&service.name)));
        }
    }
    findings
}

/// Returns the new names of variables whose values are what is left of the old ones when something is taken out.
fn emptier(old: &BTreeMap<String, String>, new: &BTreeMap<String, Option<String>>) -> Vec<String> {
    let lost = |(name, before): (&String, &String)| {
        let renamed = name.strip_prefix("TRAINS_").map(|rest| format!("CLEARML_{rest}"));
        // What moved to another key has another meaning as well. An old name that is still there is the variable itself,
        // and the new one beside it another.
        let (name, after) = new.get_key_value(name).or_else(|| new.get_key_value(renamed.as_ref()?))?;
        let after = after.as_ref()?;
        (after.len() < before.len() && is_left_of(after, before)).then(|| name.clone())
    };
    old.iter().filter_map(lost).collect()
}

/// Whether one text is another with parts taken out.
fn is_left_of(left: &str, whole: &str) -> bool {
    let mut rest = whole.chars();
    left.chars().all(|char| rest.any(|other| other == char))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::model;
    use crate::plan::sample;
    use crate::role::Role;

    #[test]
    fn a_value_that_has_lost_its_variable_is_refused_by_name() {
        let mut deployment = sample::deployment();
        let api = deployment.services.iter_mut().find(|one| one.role == Role::Apiserver).unwrap();
        let old = [
            ("TRAINS_FILES_HOST", "http://10.0.0.1:8081"),
            ("TRAINS_WEB_HOST", "http://10.0.0.1:8080"),
            ("TRAINS__SECURE__A", "secret"),
            ("WORKERS", "4"),
            ("TRAINS_ROOT", "/opt/trains"),
        ];
        api.environment = old.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let found = |new: [(&str, Option<&str>); 5]| {
            let environment = new.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))).into();
            let service = model::Service { environment, ..Default::default() };
            let model = Project { services: [("apiserver".to_owned(), service)].into(), ..Default::default() };
            services(&deployment, &model, &Written::default())
                .into_iter()
                .map(|one| one.what)
                .collect::<Vec<_>>()
                .join("\n")
        };
        let same = [
            ("CLEARML_FILES_HOST", Some("http://10.0.0.1:8081")),
            ("CLEARML_WEB_HOST", Some("http://10.0.0.1:8080")),
            ("CLEARML__SECURE__A", None),
            ("WORKERS", Some("4")),
            ("CLEARML_ROOT", Some("/opt/clearml")),
        ];
        assert_eq!(found(same), "");
        let mut lost = same;
        lost[0].1 = Some("http://:8081");
        insta::assert_snapshot!(found(lost), @"After the migration CLEARML_FILES_HOST of apiserver would lack something that it has now: a variable in the value is not set under its new name.");
        lost[3].1 = Some("");
        let mut both = same;
        both[2] = ("TRAINS_FILES_HOST", Some("http://10.0.0.1:8081"));
        both[0].1 = Some("http://1.0.1");
        assert_eq!(found(both), "");
        insta::assert_snapshot!(found(lost), @"After the migration CLEARML_FILES_HOST, WORKERS of apiserver would lack something that they have now: a variable in the value is not set under its new name.");
    }

    #[test]
    fn a_variable_of_the_shell_that_began_is_asked_for_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let compose =
            "services: {apiserver: {environment: {CLEARML_FILES_HOST: 'http://${TRAINS_ONLY_THERE}:${PORT}'}}}";
        let args = |env: &str| ProjectArgs {
            files: vec![file("docker-compose.yml", compose)],
            name: None,
            directory: None,
            env_files: vec![file(".env", env)],
        };
        let mut deployment = sample::deployment();
        let api = deployment.services.iter_mut().find(|one| one.role == Role::Apiserver).unwrap();
        api.environment = [("TRAINS_FILES_HOST".to_owned(), "http://10.0.0.1:8081".to_owned())].into();
        let environment = [("CLEARML_FILES_HOST".to_owned(), Some("http://:8081".to_owned()))].into();
        let service = model::Service { environment, ..Default::default() };
        let model = Project { services: [("apiserver".to_owned(), service)].into(), ..Default::default() };
        let found = |env: &str| services(&deployment, &model, &Written::read(&args(env)).unwrap()).remove(0);
        let asked = found("PORT=8081\n");
        insta::assert_snapshot!(format!("{}\n{}", asked.what, asked.remedy), @r"
        CLEARML_FILES_HOST of apiserver would lack something that the old server has: TRAINS_ONLY_THERE is set neither in the files nor in this shell. The shell that the migration was begun from had it set.
        Set it again as in that shell (export TRAINS_ONLY_THERE=…), and run the same command again.
        ");
        let plain = found("PORT=8081\nTRAINS_ONLY_THERE=\n");
        assert!(plain.what.contains("under its new name"), "{plain:?}");
    }
}
