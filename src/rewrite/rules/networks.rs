//! Networks: the web server now talks to the other two, so it must be able to reach them.

use super::Rules;
use super::draft::Draft;
use crate::compose::change::{Change, Path};
use crate::role::Role;
use serde_json::Value;
use std::collections::BTreeSet;

const BACKEND: &str = "backend";
const FRONTEND: &str = "frontend";
const DEFAULT: &str = "default";

impl Rules<'_> {
    /// Brings a stock layout to the release's; in a layout of the user's own, adds only what is missing to work.
    pub(super) fn networks(&mut self) {
        let in_docker = |rules: &Self, role: Role| -> Vec<String> {
            rules.named(role).into_iter().filter(|service| !rules.has_network_mode(service)).collect()
        };
        let mut outside = [Role::Webserver, Role::Apiserver].into_iter().flat_map(|role| self.named(role));
        if outside.any(|service| self.has_network_mode(&service)) {
            return;
        }
        let Some(backend_file) = self.files.iter().position(|draft| declares(draft.model(), BACKEND)) else {
            return self.connect_web_server();
        };
        let others = [in_docker(self, Role::Apiserver), in_docker(self, Role::Fileserver)].concat();
        let on_backend = others.iter().all(|service| self.networks_of(service).contains(BACKEND));
        if !on_backend {
            return self.connect_web_server();
        }
        for service in others {
            self.join(&service, &[FRONTEND]);
        }
        for service in in_docker(self, Role::Webserver) {
            if self.networks_of(&service).contains(DEFAULT) && self.has_neighbours_on_default() {
                self.note(format!(
                    "{service} stays in the default network besides {BACKEND} and {FRONTEND}, since services of your own are there."
                ));
                self.join(&service, &[DEFAULT, BACKEND, FRONTEND]);
            } else {
                self.join(&service, &[BACKEND, FRONTEND]);
            }
        }
        if !self.files.iter().any(|draft| declares(draft.model(), FRONTEND)) {
            let like_backend = Path::of(["networks", BACKEND, "driver"]);
            let driver = self.value(backend_file, &like_backend).cloned();
            let value = driver.map_or(Value::Null, |driver| serde_json::json!({ "driver": driver }));
            self.insert_all(backend_file, &Path::default(), "networks", vec![(FRONTEND.to_owned(), value)]);
        }
    }

    /// Gives the web server a network of each of the other two.
    fn connect_web_server(&mut self) {
        for service in self.named(Role::Webserver) {
            let mut networks = self.networks_of(&service);
            let mut more = Vec::new();
            for (role, title) in [(Role::Apiserver, "API server"), (Role::Fileserver, "file server")] {
                let Some(server) = self.named(role).into_iter().next() else { continue };
                let others = self.networks_of(&server);
                let Some(first) = others.first().filter(|_| networks.is_disjoint(&others)) else { continue };
                self.note(format!("{service} joins the network {first}: it passes requests on to the {title} now."));
                networks.insert(first.clone());
                more.push(first.clone());
            }
            if !more.is_empty() && self.part_with_networks(&service).is_none() {
                more.insert(0, DEFAULT.to_owned());
            }
            let more: Vec<&str> = more.iter().map(String::as_str).collect();
            if !more.is_empty() {
                self.join(&service, &more);
            }
        }
    }

    /// Adds a service to networks that it is not in by name.
    fn join(&mut self, service: &str, networks: &[&str]) {
        let own = self.networks_of(service);
        let Some((file, at)) = self.part_with_networks(service) else {
            let Some(part) = self.part_for(service, "image") else { return };
            let value = Value::from(networks.to_vec());
            return self.change(part.file, Change::Insert { at: part.at, key: "networks".into(), value });
        };
        for network in networks.iter().filter(|network| !own.contains(**network)) {
            let change = match self.value(file, &at) {
                Some(Value::Array(_)) => Change::Push { at: at.clone(), value: (*network).to_owned() },
                _ => Change::Insert { at: at.clone(), key: (*network).to_owned(), value: Value::Null },
            };
            self.change(file, change);
        }
    }

    fn part_with_networks(&self, service: &str) -> Option<(usize, Path)> {
        let written = |file: usize, at: &Path| match self.value(file, at) {
            Some(Value::Array(items)) => !items.is_empty(),
            Some(Value::Object(map)) => !map.is_empty(),
            _ => false,
        };
        let places = self.parts(service).into_iter().map(|part| (part.file, part.at.key("networks")));
        places.into_iter().find(|(file, at)| written(*file, at))
    }

    /// Returns the networks of a service, which are `default` where none is written.
    pub(super) fn networks_of(&self, service: &str) -> BTreeSet<String> {
        networks_in(self.files.iter().map(|draft| draft.model().clone()), service)
    }

    /// Returns the networks that a service will have.
    pub(super) fn networks_after(&self, service: &str) -> BTreeSet<String> {
        networks_in(self.files.iter().map(Draft::after), service)
    }

    /// Returns what is written as `network_mode`, such as `host`; nothing for docker's networks.
    pub(super) fn network_mode(&self, service: &str) -> Option<String> {
        self.parts(service).iter().find_map(|part| self.text(part.file, &part.at.key("network_mode")))
    }

    fn has_network_mode(&self, service: &str) -> bool {
        self.network_mode(service).is_some()
    }

    fn has_neighbours_on_default(&self) -> bool {
        self.named(Role::Other).iter().any(|service| self.networks_of(service).contains(DEFAULT))
    }
}

fn networks_in(models: impl Iterator<Item = Value>, service: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut has_mode = false;
    for model in models {
        let at = Path::of(["services", service]);
        has_mode |= at.key("network_mode").get(&model).is_some_and(|mode| !mode.is_null());
        match at.key("networks").get(&model) {
            Some(Value::Array(items)) => found.extend(items.iter().filter_map(Value::as_str).map(str::to_owned)),
            Some(Value::Object(map)) => found.extend(map.keys().cloned()),
            _ => {}
        }
    }
    if found.is_empty() && !has_mode {
        found.insert(DEFAULT.to_owned());
    }
    found
}

fn declares(model: &Value, network: &str) -> bool {
    Path::of(["networks", network]).get(model).is_some()
}
