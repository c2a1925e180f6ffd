//! What the services agent needs to be told, and is not: it starts without, and its tasks fail later.
//!
//! Source of the names: upstream's compose files from 0.15.0 to 1.1.1, and the agent's entrypoint, which reads each
//! `CLEARML_` name and, where that is empty, the `TRAINS_` one.

use super::Rules;
use crate::compose::interpolate;
use crate::role::Role;
use std::collections::BTreeMap;

impl Rules<'_> {
    /// Explains what is missing, and that no agent was added where there is none.
    pub(super) fn agents(&mut self) {
        let agents = self.named(Role::AgentServices);
        if agents.is_empty() {
            self.note(
                "There is no services agent here, and none was added, since it runs privileged with the docker socket. Tasks in the queue \"services\" wait for an agent: run one anywhere with `clearml-agent daemon --services-mode --queue services`.",
            );
        }
        for service in agents {
            let told = Told { variables: self.resolved(&service) };
            let notes = [told.without_address(), told.without_git(), self.without_keys(&told)];
            notes.into_iter().flatten().for_each(|note| self.note(format!("{service} {note}")));
        }
    }

    /// Returns the environment that a service will have, as far as it is not empty.
    fn resolved(&self, service: &str) -> BTreeMap<String, String> {
        let after = &self.request.variables.after;
        let variables = self.environment(service).into_iter().filter_map(|variable| {
            let value = match self.text(variable.file, &variable.at) {
                // Written as `NAME=VALUE`, or as `NAME` alone, which takes the shell's value.
                Some(text) if variable.listed => text.split_once('=').map(|(_, value)| value.to_owned()),
                text => text,
            };
            let value = match value {
                Some(text) => interpolate::resolve(&text, after),
                None => after.get(&variable.name).cloned(),
            };
            Some((variable.name, value.filter(|value| !value.is_empty())?))
        });
        variables.collect()
    }

    /// With fixed users the default keys of an agent are no good, and it ends and is restarted for ever.
    fn without_keys(&self, told: &Told) -> Option<String> {
        (self.request.fixed_users && !(told.has("API_ACCESS_KEY") && told.has("API_SECRET_KEY"))).then(|| {
            "has no keys of its own, and with fixed users the new server lets no agent in without: create credentials in the web application, and write them into .env as CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY.".to_owned()
        })
    }
}

/// What an agent is told.
struct Told {
    variables: BTreeMap<String, String>,
}

impl Told {
    /// Whether a name is there, under its new or its old prefix.
    fn has(&self, name: &str) -> bool {
        ["CLEARML_", "TRAINS_"].iter().any(|prefix| self.variables.contains_key(&format!("{prefix}{name}")))
    }

    fn without_address(&self) -> Option<String> {
        let told = self.has("HOST_IP") || self.has("WEB_HOST") && self.has("FILES_HOST");
        (!told).then(|| {
            "is not told this machine's address, which its tasks use for web and file server: write CLEARML_HOST_IP=ADDRESS into .env beside the compose file (the old name was TRAINS_HOST_IP).".to_owned()
        })
    }

    fn without_git(&self) -> Option<String> {
        let names = ["AGENT_GIT_USER", "AGENT_GIT_PASS"];
        let missing: Vec<String> =
            names.iter().filter(|name| !self.has(name)).map(|name| format!("CLEARML_{name}")).collect();
        match missing.as_slice() {
            [] => None,
            [one] => Some(format!("lacks {one}, so that it can clone public git repositories only.")),
            both => Some(format!(
                "has no git user, so that it can clone public repositories only. For others set {} in .env (the old names began with TRAINS_).",
                both.join(" and ")
            )),
        }
    }
}
