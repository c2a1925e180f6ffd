//! Names that the web server's image takes for granted: its nginx passes `/api` on to `apiserver` and `/files` to
//! `fileserver`, and does not start where one of them is not found.
//!
//! Where the user's services have other names, the web server gets links. A link is a name that only the container with
//! the link sees, and wins over whatever has the same name in a network: no two containers ever share it, so nobody
//! else's requests go astray (moby, `Sandbox.ResolveName`: "First check for local container alias"). In the machine's
//! own network there are neither links nor names, but `extra_hosts`.
//! Source of names and ports: upstream's docker/build/internal_files/entrypoint.sh; `NGINX_APISERVER_ADDRESS` and
//! `NGINX_FILESERVER_ADDRESS` say other addresses there, and mean these names where they are not set.

use super::{Part, Problem, Rules};
use crate::compose::change::{Change, Path};
use crate::compose::model::Project;
use crate::role::Role;
use serde_json::Value;
use std::collections::BTreeSet;

/// A server, the name under which the web server looks for it, and the port.
const TAKEN_FOR_GRANTED: [(Role, &str, u16); 2] =
    [(Role::Apiserver, "apiserver", 8008), (Role::Fileserver, "fileserver", 8081)];

impl Rules<'_> {
    /// Lets the web server find the two others under the names that it looks for.
    pub(super) fn names(&mut self) -> Result<(), Problem> {
        for web in self.named(Role::Webserver) {
            for (role, name, port) in TAKEN_FOR_GRANTED {
                let Some(server) = self.named(role).into_iter().next().or_else(|| self.in_its_place(&web, role)) else {
                    continue;
                };
                match (self.network_mode(&web), self.network_mode(&server)) {
                    (None, None) => self.link(&web, &server, name)?,
                    (Some(mode), _) if mode == "host" => self.host(&web, &server, name, port)?,
                    (None, Some(mode)) if mode == "host" => self.gateway(&web, &server, name),
                    _ => self.note(format!(
                        "{web} must find {server} under the name {name}, port {port}; whether it does so in the network that the file gives it (network_mode), is not known here."
                    )),
                }
            }
        }
        Ok(())
    }

    /// Without a file server the API server takes its name, so that the web server starts.
    fn in_its_place(&mut self, web: &str, role: Role) -> Option<String> {
        let api = self.named(Role::Apiserver).into_iter().next().filter(|_| role == Role::Fileserver)?;
        self.note(format!(
            "There is no file server here, and {web} does not start without one, so it finds {api} under that name."
        ));
        Some(api)
    }

    fn link(&mut self, web: &str, server: &str, name: &str) -> Result<(), Problem> {
        let link = format!("{server}:{name}");
        if self.answers_alone(web, server, name) || self.listed(web, "links").contains(&link) {
            return Ok(());
        }
        if self.waits_for(server, web, &mut BTreeSet::new()) {
            return Err(self.problem_at(
                server,
                "depends_on",
                format!("{web} must find {server} under the name {name}, and {server} is started behind {web}"),
                format!("Take {web} out of the depends_on of {server}, or call the service {name}, and start again."),
            ));
        }
        self.note(format!("{web} finds {server} under the name that its image looks for, {name} (links)."));
        self.add_to_list(web, "links", link);
        Ok(())
    }

    /// Whether in the web server's networks this service has the name, and no other one. Who else is in a network that other
    /// projects may join is not known.
    fn answers_alone(&self, web: &str, server: &str, name: &str) -> bool {
        let networks = self.networks_after(web);
        if networks.iter().any(|network| self.is_shared(network)) {
            return false;
        }
        let has_it = |service: &String| {
            !self.networks_after(service).is_disjoint(&networks) && self.names_of(service, &networks).contains(name)
        };
        let all: Vec<&String> = self.roles.keys().filter(|service| has_it(service)).collect();
        matches!(all.as_slice(), [one] if one.as_str() == server)
    }

    /// Whether a network is made outside of this project, or has a name of its own for others to know.
    pub(super) fn is_shared(&self, network: &str) -> bool {
        let at = Path::of(["networks", network]);
        let is_set = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
        let mut parts = self.files.iter().filter_map(|draft| at.get(draft.model()));
        parts.any(|part| ["external", "name"].iter().any(|key| part.get(*key).is_some_and(is_set)))
    }

    /// Returns the names that docker gives a service in these networks.
    pub(super) fn names_of(&self, service: &str, networks: &BTreeSet<String>) -> BTreeSet<String> {
        let mut names = BTreeSet::from([service.to_owned()]);
        for part in self.parts(service) {
            names.extend(self.text(part.file, &part.at.key("container_name")));
            for network in networks {
                let aliases = part.at.key("networks").key(network).key("aliases");
                let items = self.value(part.file, &aliases).and_then(Value::as_array).map_or(0, Vec::len);
                names.extend((0..items).filter_map(|index| self.text(part.file, &aliases.item(index))));
            }
        }
        names
    }

    /// In the machine's network the others are where the machine has them.
    fn host(&mut self, web: &str, server: &str, name: &str, port: u16) -> Result<(), Problem> {
        if self.network_mode(server).as_deref() != Some("host") && !self.publishes(server, port) {
            return Err(self.problem_at(
                server,
                "ports",
                format!("{web} uses the machine's network and must find {server} at port {port} of it, where {server} is not"),
                format!("Publish it there (`- \"{port}:{port}\"` in the ports of {server}), or give {web} the networks of {server} in place of network_mode, and start again."),
            ));
        }
        self.note(format!(
            "{web} uses the machine's network: its page is at port 80 of this machine, http://localhost."
        ));
        self.add_host(web, name, "127.0.0.1");
        Ok(())
    }

    /// From a network of docker's the machine is the way to what is in the machine's network.
    fn gateway(&mut self, web: &str, server: &str, name: &str) {
        self.note(format!(
            "{server} uses the machine's network and {web} does not: {web} finds it by way of the machine (host-gateway, which docker knows from 20.10 on); a firewall must let it through."
        ));
        self.add_host(web, name, "host-gateway");
    }

    fn add_host(&mut self, web: &str, name: &str, address: &str) {
        let is_there = |item: &String| item.split([':', '=']).next() == Some(name);
        let in_map =
            self.parts(web).into_iter().find_map(|part| match self.value(part.file, &part.at.key("extra_hosts")) {
                Some(Value::Object(map)) => Some((part, map.contains_key(name))),
                _ => None,
            });
        match in_map {
            Some((_, true)) => {}
            Some((part, false)) => {
                let (at, value) = (part.at.key("extra_hosts"), Value::from(address));
                self.change(part.file, Change::Insert { at, key: name.to_owned(), value });
            }
            None if self.listed(web, "extra_hosts").iter().any(is_there) => {}
            None => self.add_to_list(web, "extra_hosts", format!("{name}:{address}")),
        }
    }

    /// Adds an item to a list of a service, which may be missing.
    fn add_to_list(&mut self, service: &str, key: &str, item: String) {
        let Some(part) = self.part_for(service, key) else { return };
        let at = part.at.key(key);
        match self.value(part.file, &at) {
            Some(Value::Array(_)) => self.change(part.file, Change::Push { at, value: item }),
            _ => self.grow(part, key, item),
        }
    }

    /// A list that this rewriting adds has all its items at once.
    fn grow(&mut self, part: Part, key: &str, item: String) {
        let added = self.files.get_mut(part.file).and_then(|draft| draft.added(&part.at, key));
        match added {
            Some(Value::Array(items)) => items.push(item.into()),
            _ => {
                let value = Value::from(vec![item]);
                self.change(part.file, Change::Insert { at: part.at, key: key.to_owned(), value });
            }
        }
    }

    /// Returns the texts of a list of a service, from all files.
    pub(super) fn listed(&self, service: &str, key: &str) -> Vec<String> {
        let mut found = Vec::new();
        for part in self.parts(service) {
            let at = part.at.key(key);
            let items = self.value(part.file, &at).and_then(Value::as_array).map_or(0, Vec::len);
            found.extend((0..items).filter_map(|index| self.text(part.file, &at.item(index))));
        }
        found
    }

    /// Whether compose starts a service only behind another one.
    fn waits_for(&self, service: &str, other: &str, seen: &mut BTreeSet<String>) -> bool {
        if !seen.insert(service.to_owned()) {
            return false;
        }
        let models = self.files.iter().filter_map(|draft| Project::from_value(draft.model()).ok());
        let before: BTreeSet<String> = models
            .filter_map(|mut model| model.services.remove(service))
            .flat_map(|service| {
                let links = service.links.into_iter().filter_map(|link| link.split(':').next().map(str::to_owned));
                service.depends_on.into_iter().chain(links).collect::<Vec<_>>()
            })
            .collect();
        before.iter().any(|one| one == other || self.waits_for(one, other, seen))
    }

    pub(super) fn publishes(&self, service: &str, port: u16) -> bool {
        let models = self.files.iter().filter_map(|draft| Project::from_value(draft.model()).ok());
        let services = models.filter_map(|mut model| model.services.remove(service));
        let mut ports = services.flat_map(|service| service.ports);
        ports.any(|one| one.target == port && one.published.as_deref() == Some(port.to_string().as_str()))
    }

    fn problem_at(&self, service: &str, key: &str, message: String, hint: String) -> Problem {
        let part = self.part_for(service, key).unwrap_or(Part { file: 0, at: Path::of(["services"]) });
        let at = match self.value(part.file, &part.at.key(key)) {
            Some(_) => part.at.key(key),
            None => part.at,
        };
        Problem { file: part.file, at, message, hint }
    }
}
