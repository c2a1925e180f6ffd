//! What is left as it is, but should not be left unsaid.

use super::Rules;
use crate::compose::model::Project;
use crate::role::Role;

impl Rules<'_> {
    /// Notes published databases, and files with variables that nobody renames.
    pub(super) fn advice(&mut self) {
        let mut notes = Vec::new();
        for (service, role) in self.roles {
            let database = match role {
                Role::Elasticsearch => "Elasticsearch",
                Role::Mongo => "MongoDB",
                Role::Redis => "Redis",
                _ => {
                    notes.extend(self.variables_in_files(service, *role));
                    continue;
                }
            };
            for published in self.published(service) {
                notes.push(format!(
                    "{service} publishes {database} on port {published} of this machine, without a password. Upstream stopped doing that; it was left as you have it. Remove the port if nothing outside needs it."
                ));
            }
        }
        notes.into_iter().for_each(|note| self.note(note));
    }

    /// Ports that are open to more than this machine itself.
    fn published(&self, service: &str) -> Vec<String> {
        let models = self.files.iter().filter_map(|draft| Project::from_value(draft.model()).ok());
        let services: Vec<_> = models.filter_map(|mut model| model.services.remove(service)).collect();
        let ports = services.iter().flat_map(|service| &service.ports);
        let open = ports.filter(|port| !(port.host_ip.starts_with("127.") || port.host_ip == "::1"));
        open.filter_map(|port| port.published.clone()).collect()
    }

    fn variables_in_files(&self, service: &str, role: Role) -> Option<String> {
        let ours = matches!(role, Role::Apiserver | Role::Webserver | Role::Fileserver | Role::AgentServices);
        let named = self.parts(service).iter().any(|part| self.value(part.file, &part.at.key("env_file")).is_some());
        (ours && named).then(|| {
            format!("{service} takes variables from a file (env_file), in which names stay as they are. The new server still reads those that begin with TRAINS_, but CLEARML_ names win.")
        })
    }
}
