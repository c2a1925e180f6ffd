//! Redis, which Trains had none of before 0.12, and which every server since needs: the service is added, as the release
//! has it. Where there is one already, the API server is told of it: of itself it looks at its own loopback.

use super::{Part, Problem, Rules};
use crate::compose::change::{Change, Path};
use crate::compose::interpolate;
use crate::compose::model::Project;
use crate::compose::roles::image_name;
use crate::role::Role;
use serde_json::{Map, Value};

const NAME: &str = "redis";
/// One that no other application has, where others may be found in the same network.
const OWN_NAME: &str = "clearml-redis";
/// The one name that every server since 0.17 reads; the databases' are as old as the service variables of Kubernetes.
const HOST: &str = "CLEARML_REDIS_SERVICE_HOST";
const PORT: &str = "CLEARML_REDIS_SERVICE_PORT";
const DEFAULT_PORT: &str = "6379";

/// Whether a variable tells the API server where Redis is. Source of the names: apiserver/redis_manager.py of 1.1, and
/// its environment's way of saying `hosts.redis.…host` of the configuration.
pub(crate) fn tells_of_redis(variable: &str) -> bool {
    let prefix = ["CLEARML_", "TRAINS_"].into_iter().find(|prefix| variable.starts_with(prefix)).unwrap_or_default();
    let rest = variable.strip_prefix(prefix).unwrap_or(variable);
    let key = rest.to_ascii_lowercase();
    matches!(rest, "REDIS_SERVICE_HOST" | "REDIS_SERVICE_SERVICE_HOST")
        || (key.starts_with("_hosts__redis__") && key.ends_with("__host"))
}

/// How the API server reaches the service.
struct Reached {
    host: String,
    ports: Vec<String>,
    networks: Vec<String>,
}

impl Rules<'_> {
    /// Tells the API server of its Redis, where nothing does, and adds one to a server that has none.
    pub(super) fn redis(&mut self) -> Result<(), Problem> {
        let Some(api) = self.named(Role::Apiserver).into_iter().next() else { return Ok(()) };
        let told = self.environment(&api).iter().any(|variable| tells_of_redis(&variable.name));
        if told || self.request.redis_told {
            return Ok(());
        }
        if let Some(redis) = self.named(Role::Redis).into_iter().next() {
            self.tell(&api, &redis);
            return Ok(());
        }
        let Some(part) = self.part_for(&api, "image") else { return Ok(()) };
        let name = self.free_name(&self.network_to_join(&api));
        let reached = self.reached(&api, &part, &name)?;
        let image = self.redis_image();
        let directory = self.request.redis.display().to_string();
        let text = |key: &str| self.text(part.file, &part.at.key(key));
        let mut service = Map::new();
        service.insert("image".into(), image.clone().into());
        if text("container_name").is_some_and(|own| own.starts_with("clearml-")) {
            let own = if name.starts_with(OWN_NAME) { name.as_str() } else { OWN_NAME };
            service.insert("container_name".into(), own.into());
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

    /// Says where the server's own Redis is, as far as the files tell.
    fn tell(&mut self, api: &str, redis: &str) {
        if self.parts(redis).is_empty() {
            return;
        }
        let links = self.listed(api, "links");
        let alias = links.iter().find_map(|link| {
            let (service, alias) = link.split_once(':').unwrap_or((link, link));
            (service == redis).then(|| alias.to_owned())
        });
        let meet = !self.networks_of(api).is_disjoint(&self.networks_of(redis));
        let host = match (self.network_mode(api), self.network_mode(redis)) {
            (None, None) if meet => alias.unwrap_or_else(|| redis.to_owned()),
            (Some(mode), Some(other)) if mode == "bridge" && other == "bridge" && alias.is_some() => {
                alias.unwrap_or_default()
            }
            // In the machine's network it is where the server looks for it of itself.
            (Some(mode), other)
                if mode == "host" && (other.as_deref() == Some("host") || self.publishes(redis, 6379)) =>
            {
                return;
            }
            (Some(mode), _) if mode == format!("service:{redis}") => return,
            _ => {
                return self.note(format!(
                    "Nothing tells {api} where Redis is, and whether it finds the service {redis} from the network that the file gives it, is not known here: set {HOST} in its environment."
                ));
            }
        };
        let mut variables = vec![(HOST.to_owned(), host.clone())];
        variables.extend(self.port_of(redis).filter(|port| port != DEFAULT_PORT).map(|port| (PORT.to_owned(), port)));
        self.note(format!(
            "Nothing told {api} where Redis is, and {} would look for it in its own container; it is told of the service {redis} ({HOST}={host}).",
            self.request.release.version
        ));
        self.add_variables(api, variables);
    }

    /// Returns the port that a Redis is told to listen at by its command.
    fn port_of(&self, redis: &str) -> Option<String> {
        let models = self.files.iter().rev().filter_map(|draft| Project::from_value(draft.model()).ok());
        let command = models.filter_map(|mut model| model.services.remove(redis)).map(|service| service.command);
        let command = command.into_iter().find(|command| !command.is_empty())?;
        let mut words = command.iter().skip_while(|word| *word != "--port" && !word.starts_with("--port="));
        let option = words.next()?;
        option.strip_prefix("--port=").map(str::to_owned).or_else(|| words.next().cloned())
    }

    /// Returns the first name that is not taken. Where other applications are found, or may be, in the same network, it is
    /// one that none of them has: docker asks any container that answers to a name.
    fn free_name(&self, network: &str) -> String {
        let is_taken = |name: &str| {
            let services = self.files.iter().flat_map(|draft| draft.services().map(|(service, _)| service.to_owned()));
            let mut services: Vec<String> = services.collect();
            services.dedup();
            services.iter().any(|service| self.names_of(service, &self.networks_of(service)).contains(name))
        };
        let neighbours = self.named(Role::Other);
        let has_others = neighbours.iter().any(|service| self.networks_of(service).contains(network));
        let stock = (!has_others && !self.is_shared(network)).then(|| NAME.to_owned());
        let mut names = stock.into_iter().chain((1..).map(|number| match number {
            1 => OWN_NAME.to_owned(),
            number => format!("{OWN_NAME}-{number}"),
        }));
        names.find(|name| !is_taken(name)).unwrap_or_else(|| OWN_NAME.to_owned())
    }

    /// Returns the network in which a new service is to be.
    fn network_to_join(&self, api: &str) -> String {
        let own = self.networks_of(api);
        own.get("backend").or_else(|| own.first()).cloned().unwrap_or_else(|| "default".to_owned())
    }

    /// In the first of the API server's networks; or on this machine's loopback, for an API server on the host's network.
    fn reached(&self, api: &str, part: &Part, name: &str) -> Result<Reached, Problem> {
        let mode = self.parts(api).into_iter().find_map(|part| self.text(part.file, &part.at.key("network_mode")));
        match mode.as_deref() {
            None => {
                let network = Some(self.network_to_join(api)).filter(|network| network != "default");
                Ok(Reached { host: name.to_owned(), ports: vec![], networks: network.into_iter().collect() })
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
