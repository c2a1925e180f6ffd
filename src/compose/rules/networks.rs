//! Networks: the web server now talks to the other two, so it must be able to reach them.

use super::Rules;
use crate::compose::change::{Change, Path};
use crate::deployment::Role;
use serde_json::Value;
use std::collections::BTreeSet;

const BACKEND: &str = "backend";
const FRONTEND: &str = "frontend";
const DEFAULT: &str = "default";

impl Rules<'_> {
    /// Brings a stock layout to the release's; in a layout of the user's own, adds only what is missing to work.
    pub(super) fn networks(&mut self) {
        let servers: Vec<String> = [Role::Apiserver, Role::Fileserver, Role::Webserver]
            .into_iter()
            .flat_map(|role| self.named(role))
            .collect();
        if servers.iter().any(|service| self.has_network_mode(service)) {
            return;
        }
        let Some(backend_file) = self.files.iter().position(|draft| declares(draft.model(), BACKEND)) else {
            return self.connect_web_server();
        };
        let others = self.named(Role::Apiserver).into_iter().chain(self.named(Role::Fileserver));
        let on_backend = others.clone().all(|service| self.networks_of(&service).contains(BACKEND));
        if !on_backend {
            return self.connect_web_server();
        }
        for service in others.collect::<Vec<_>>() {
            self.join(&service, &[FRONTEND]);
        }
        for service in self.named(Role::Webserver) {
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

    /// Gives the web server a network that the API server is in.
    fn connect_web_server(&mut self) {
        let Some(api) = self.named(Role::Apiserver).first().map(|service| self.networks_of(service)) else { return };
        for service in self.named(Role::Webserver) {
            let own = self.networks_of(&service);
            let Some(first) = api.first().filter(|_| own.is_disjoint(&api)) else { continue };
            self.note(format!("{service} joins the network {first}: it passes requests on to the API server now."));
            if self.part_with_networks(&service).is_none() {
                self.join(&service, &[DEFAULT, first]);
            } else {
                self.join(&service, &[first]);
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
        let mut found = BTreeSet::new();
        for part in self.parts(service) {
            match self.value(part.file, &part.at.key("networks")) {
                Some(Value::Array(items)) => found.extend(items.iter().filter_map(Value::as_str).map(str::to_owned)),
                Some(Value::Object(map)) => found.extend(map.keys().cloned()),
                _ => {}
            }
        }
        if found.is_empty() && !self.has_network_mode(service) {
            found.insert(DEFAULT.to_owned());
        }
        found
    }

    fn has_network_mode(&self, service: &str) -> bool {
        self.parts(service).iter().any(|part| self.text(part.file, &part.at.key("network_mode")).is_some())
    }

    fn has_neighbours_on_default(&self) -> bool {
        self.named(Role::Other).iter().any(|service| self.networks_of(service).contains(DEFAULT))
    }
}

fn declares(model: &Value, network: &str) -> bool {
    Path::of(["networks", network]).get(model).is_some()
}
