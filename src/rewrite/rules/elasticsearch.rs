//! Elasticsearch's settings: from 5.6 to the release's version.

use super::environment::Variable;
use super::settings::{Fate, fate};
use super::{Problem, Rules};
use crate::role::Role;

/// A cluster of several nodes has its data in several places.
const CLUSTER_SETTINGS: [&str; 3] =
    ["discovery.zen.ping.unicast.hosts", "discovery.seed_hosts", "cluster.initial_master_nodes"];

const WATERMARKS: [&str; 3] = [
    "cluster.routing.allocation.disk.watermark.low",
    "cluster.routing.allocation.disk.watermark.high",
    "cluster.routing.allocation.disk.watermark.flood_stage",
];

impl Rules<'_> {
    /// Takes out what the new version refuses, renames cluster and node, and adds what it needs.
    pub(super) fn elasticsearch(&mut self) -> Result<(), Problem> {
        for service in self.named(Role::Elasticsearch) {
            let variables = self.environment(&service);
            if let Some(several) = variables.iter().find(|found| CLUSTER_SETTINGS.contains(&found.name.as_str())) {
                return Err(Problem {
                    file: several.file,
                    at: several.at.clone(),
                    message: format!("{service} is part of a cluster of several Elasticsearch nodes ({})", several.name),
                    hint: "This program moves the data of one node. Bring the cluster down to one node that holds everything, remove this setting, and start again.".into(),
                });
            }
            for variable in &variables {
                self.elasticsearch_setting(&service, variable);
            }
            self.elasticsearch_additions(&service, &variables);
        }
        Ok(())
    }

    fn elasticsearch_setting(&mut self, service: &str, variable: &Variable) {
        let value = variable.value.as_deref().unwrap_or_default();
        let version = self.request.release.elasticsearch_version;
        match (variable.name.as_str(), value) {
            ("cluster.name" | "node.name", "trains") => self.set_variable(variable, "clearml"),
            // Accepted, but upstream dropped its own value; a value of the user's stays.
            ("thread_pool.search.queue_size", "10000") => self.remove_variable(variable),
            ("ES_JAVA_OPTS", options) if options.split_whitespace().any(|flag| flag.starts_with("-XX:")) => self.note(
                format!("{service} sets JVM flags ({options}); the newer Java of Elasticsearch {version} may not know all of them."),
            ),
            ("path.data", place) => self.note(format!(
                "{service} sets path.data to {place}, which stays: the new data are made in the directory that this is on the host.",
            )),
            (name, _) => match fate(name) {
                Some(Fate::Refused) => {
                    // Upstream's own are of no interest; one of the user's is.
                    let stock = ["script.inline", "script.update", "thread_pool.bulk.queue_size"].contains(&name);
                    if !stock {
                        self.note(format!("{name} was removed from {service}: Elasticsearch {version} does not start with it (it was {value:?})."));
                    }
                    self.remove_variable(variable);
                }
                Some(Fate::Unknown) => self.note(format!(
                    "{service} sets {name}, which stays. Should Elasticsearch {version} not know it, it will not start and will say so."
                )),
                Some(Fate::Accepted) | None => {}
            },
        }
    }

    fn elasticsearch_additions(&mut self, service: &str, variables: &[Variable]) {
        let wanted = |rules: &Self, name: &str| {
            let stack = rules.stack.services.get("elasticsearch")?;
            stack.environment.get(name).cloned().flatten().map(|value| (name.to_owned(), value))
        };
        let current =
            |name: &str| variables.iter().find(|found| found.name == name).and_then(|found| found.value.clone());
        let mut added = Vec::new();
        if current("discovery.type").is_none() {
            added.extend(wanted(self, "discovery.type"));
        }
        let [low, high, flood] = WATERMARKS;
        match (current(low), current(high), current(flood)) {
            (None, None, None) => added.extend(WATERMARKS.iter().filter_map(|name| wanted(self, name))),
            // 5.6 had no flood stage. Its default is in percent, and 7.6 does not start with both kinds.
            (_, Some(high), None) if !high.contains('%') && !high.contains('$') => {
                self.note(format!("{flood} is set to {high} for {service}, since your other disk watermarks are sizes and not percentages."));
                added.push((flood.to_owned(), high));
            }
            _ => {}
        }
        self.add_variables(service, added);
    }
}
