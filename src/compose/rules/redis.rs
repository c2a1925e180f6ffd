//! Redis, which Trains had none of before 0.12, and which every server since needs: the service is added, as the release
//! has it.

use super::{Part, Problem, Rules};
use crate::compose::change::{Change, Path};
use crate::compose::interpolate;
use crate::compose::roles::image_name;
use crate::deployment::Role;
use serde_json::{Map, Value};

const NAME: &str = "redis";
/// The one name that every server since 0.17 reads; the databases' are as old as the service variables of Kubernetes.
const HOST: &str = "CLEARML_REDIS_SERVICE_HOST";

/// How the API server reaches the service.
struct Reached {
    host: String,
    ports: Vec<String>,
    networks: Vec<String>,
}

impl Rules<'_> {
    /// Adds Redis to a server that has none, and is told of none elsewhere.
    pub(super) fn redis(&mut self) -> Result<(), Problem> {
        let Some(api) = self.named(Role::Apiserver).into_iter().next() else { return Ok(()) };
        let told = self.environment(&api).iter().any(|variable| variable.name.ends_with("REDIS_SERVICE_HOST"));
        if told || !self.named(Role::Redis).is_empty() {
            return Ok(());
        }
        let Some(part) = self.part_for(&api, "image") else { return Ok(()) };
        let name = self.free_name();
        let reached = self.reached(&api, &part, &name)?;
        let image = self.redis_image();
        let directory = self.request.redis.display().to_string();
        let text = |key: &str| self.text(part.file, &part.at.key(key));
        let mut service = Map::new();
        service.insert("image".into(), image.clone().into());
        if text("container_name").is_some_and(|own| own.starts_with("clearml-")) {
            service.insert("container_name".into(), "clearml-redis".into());
        }
        if let Some(restart) = text("restart") {
            service.insert("restart".into(), restart.into());
        }
        service.insert("volumes".into(), vec![format!("{}:/data", interpolate::escape(&directory))].into());
        for (key, values) in [("ports", reached.ports), ("networks", reached.networks)] {
            if !values.is_empty() {
                service.insert(key.into(), values.into());
            }
        }
        let services = Path::of(["services"]);
        self.change(part.file, Change::Insert { at: services, key: name.clone(), value: Value::Object(service) });
        self.starts_before(&api, &name);
        self.add_variables(&api, vec![(HOST.to_owned(), reached.host)]);
        self.note(format!(
            "The server has no Redis, as before Trains 0.12, and {} needs one. The service {name} is added ({image}), with its data in {directory}.",
            self.request.release.version
        ));
        self.added.push(name);
        Ok(())
    }

    fn free_name(&self) -> String {
        let is_taken = |name: &str| self.files.iter().any(|draft| draft.services().any(|(taken, _)| taken == name));
        let mut names = std::iter::once(NAME.to_owned()).chain((1..).map(|number| match number {
            1 => "clearml-redis".to_owned(),
            number => format!("clearml-redis-{number}"),
        }));
        names.find(|name| !is_taken(name)).unwrap_or_else(|| NAME.to_owned())
    }

    /// In the first of the API server's networks; or on this machine's loopback, for an API server on the host's network.
    fn reached(&self, api: &str, part: &Part, name: &str) -> Result<Reached, Problem> {
        let mode = self.parts(api).into_iter().find_map(|part| self.text(part.file, &part.at.key("network_mode")));
        match mode.as_deref() {
            None => {
                let own = self.networks_of(api);
                let network = own.get("backend").or_else(|| own.first()).filter(|network| *network != "default");
                Ok(Reached { host: name.to_owned(), ports: vec![], networks: network.cloned().into_iter().collect() })
            }
            Some("bridge") => Err(Problem {
                file: part.file,
                at: part.at.key("network_mode"),
                message: format!(
                    "The server has no Redis, and {api} is in docker's own network, where services do not find each other by name"
                ),
                hint: "Take network_mode out, so that the services are in a network of the project, and start again."
                    .into(),
            }),
            Some("host") => Ok(Reached {
                host: "127.0.0.1".to_owned(),
                ports: vec!["127.0.0.1:6379:6379".to_owned()],
                networks: vec![],
            }),
            Some(other) => Err(Problem {
                file: part.file,
                at: part.at.key("network_mode"),
                message: format!("The server has no Redis, and {api} is in the network of something else ({other})"),
                hint: format!(
                    "Add a service `{NAME}` with `image: redis:{}` and a directory of its own mounted at /data, tell the API server its host with {HOST}, and start again.",
                    self.request.release.redis_tag
                ),
            }),
        }
    }

    /// From where MongoDB's image comes.
    fn redis_image(&self) -> String {
        let stock = format!("redis:{}", self.request.release.redis_tag);
        let mongo = self.named(Role::Mongo).into_iter().find_map(|service| {
            let part = self.part_for(&service, "image")?;
            self.text(part.file, &part.at.key("image"))
        });
        let registry = mongo.as_deref().filter(|image| image_name(image) == "mongo").and_then(|image| {
            let (registry, last) = image.rsplit_once('/')?;
            (!last.contains('$')).then(|| registry.to_owned())
        });
        registry.map_or(stock.clone(), |registry| format!("{registry}/{stock}"))
    }

    fn starts_before(&mut self, api: &str, name: &str) {
        let Some(part) = self.part_for(api, "depends_on") else { return };
        let at = part.at.key("depends_on");
        let change = match self.value(part.file, &at) {
            Some(Value::Array(items)) if !items.is_empty() => Change::Push { at, value: name.to_owned() },
            Some(Value::Object(map)) if !map.is_empty() => {
                let value = serde_json::json!({ "condition": "service_started" });
                Change::Insert { at, key: name.to_owned(), value }
            }
            Some(_) => return,
            None => Change::Insert { at: part.at, key: "depends_on".into(), value: vec![name.to_owned()].into() },
        };
        self.change(part.file, change);
    }
}
