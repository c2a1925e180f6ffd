//! Data without what they should hold. Nothing that is read from a directory that is not known to be empty is an error:
//! a disk that is not mounted, and a copy that was cut off, look like an empty server.

use super::DataDir;
use std::path::Path;

/// As many names are told.
const NAMED: usize = 4;

impl DataDir {
    /// Returns names of indices, the first ones of many.
    pub fn some_indices(&self) -> String {
        named(self.indices.iter().map(|index| index.name.as_str()))
    }

    /// Returns a sentence for data in `place` that have no index of those that are `meant`, such as "of the server": where
    /// none is, and what speaks for there having been some. Without its period.
    pub fn nothing_of(&self, meant: &str, place: &Path) -> String {
        let indices = place.join("nodes/0/indices");
        let found = match self.indices.as_slice() {
            [] => format!("nothing is in {}", indices.display()),
            _ => format!("there are only {}", self.some_indices()),
        };
        let though = match (self.templates.as_slice(), &self.cluster_uuid) {
            ([], None) => String::new(),
            ([], Some(id)) => format!(", though the node has belonged to the cluster {id}"),
            (templates, _) => {
                format!(", though the node has the index templates {}", named(templates.iter().map(String::as_str)))
            }
        };
        format!("{} holds no index{meant}: {found}{though}", place.display())
    }
}

fn named<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_speaks_for_there_having_been_indices_is_told() {
        let data = |cluster: Option<&str>, templates: &[&str]| DataDir {
            cluster_uuid: cluster.map(str::to_owned),
            templates: templates.iter().map(|name| (*name).to_owned()).collect(),
            ..DataDir::default()
        };
        let told = |data: DataDir| data.nothing_of(" of the server", Path::new("/data/elastic"));
        let nothing = "/data/elastic holds no index of the server: nothing is in /data/elastic/nodes/0/indices";
        assert_eq!(told(data(None, &[])), nothing);
        assert_eq!(told(data(Some("x"), &[])), format!("{nothing}, though the node has belonged to the cluster x"));
        let templates = told(data(Some("x"), &["events", "queue_metrics", "worker_stats", "a", "b", "c"]));
        assert_eq!(
            templates,
            format!(
                "{nothing}, though the node has the index templates events, queue_metrics, worker_stats, a and 2 more"
            )
        );
    }
}
