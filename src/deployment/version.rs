//! Which version the old server is, by what its compose project shows. `latest` says nothing.
//!
//! Source of the table: the compose files in the history of allegroai/clearml-server, tags 0.10.0 to 2.3.0.

use super::{Role, VersionEvidence};
use crate::compose::model::{Project, Service};
use crate::compose::roles::image_name;
use std::collections::BTreeMap;

/// Concludes the version from the server image's tag, else from the tag of Elasticsearch and the settings that each
/// version added.
pub(super) fn conclude(model: &Project, roles: &BTreeMap<String, Role>) -> VersionEvidence {
    let of = |role: Role| {
        let (name, _) = roles.iter().find(|(_, held)| **held == role)?;
        model.services.get(name)
    };
    let api = of(Role::Apiserver);
    if let Some(version) = api.and_then(by_server_tag) {
        return version;
    }
    let Some(tag) = of(Role::Elasticsearch).and_then(|service| image_tag(service.image.as_deref()?)) else {
        return evidence("unknown", "no image of the project has a tag that says more than `latest`".to_owned());
    };
    let agent = of(Role::AgentServices).is_some();
    let (version, why) = match (major(tag), api) {
        (Some(5), Some(api)) => in_times_of_elasticsearch_5(api, agent),
        (Some(5), None) => ("0.10 to 0.15", None),
        (Some(_), api) => (in_times_of_later_elasticsearch(tag, api), None),
        (None, _) => ("unknown", None),
    };
    let why = why.map(|why| format!(", {why}")).unwrap_or_default();
    evidence(version, format!("Elasticsearch {tag}{why}"))
}

fn evidence(version: &str, evidence: String) -> VersionEvidence {
    VersionEvidence { version: version.to_owned(), evidence }
}

/// Tags are `0.15.1`, or `0.15.0-352` with a build number.
fn by_server_tag(api: &Service) -> Option<VersionEvidence> {
    let image = api.image.as_deref()?;
    let known = matches!(image_name(image), "trains" | "clearml" | "trains-server" | "clearml-server" | "server");
    let tag = image_tag(image).filter(|_| known)?;
    let version = tag.split('-').next()?;
    let numbers = version.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    (numbers && version.contains('.')).then(|| evidence(version, format!("image {image}")))
}

/// Newest first: each version kept what the ones before it had added.
fn in_times_of_elasticsearch_5(api: &Service, agent: bool) -> (&'static str, Option<&'static str>) {
    let has = |name: &str| api.environment.contains_key(name);
    let has_any = |prefix: &str| api.environment.keys().any(|name| name.starts_with(prefix));
    if has("TRAINS_SERVER_DEPLOYMENT_TYPE") {
        ("0.15.1", Some("TRAINS_SERVER_DEPLOYMENT_TYPE is set"))
    } else if agent {
        ("0.15", Some("there is a services agent"))
    } else if has_any("TRAINS__apiserver__") {
        ("0.14 to 0.15", Some("the API server is told to fill an empty database"))
    } else if has("TRAINS_ELASTIC_SERVICE_HOST") {
        ("0.13 to 0.15", Some("TRAINS_ELASTIC_SERVICE_HOST is set"))
    } else if has("ELASTIC_SERVICE_HOST") {
        ("0.12", Some("ELASTIC_SERVICE_HOST is set"))
    } else if has("ELASTIC_SERVICE_SERVICE_HOST") {
        ("0.11", Some("ELASTIC_SERVICE_SERVICE_HOST is set"))
    } else if api.network_mode.as_deref() == Some("host") {
        ("0.10", Some("the services share the host's network"))
    } else {
        ("0.10 to 0.15", None)
    }
}

fn in_times_of_later_elasticsearch(tag: &str, api: Option<&Service>) -> &'static str {
    let image = api.and_then(|api| api.image.as_deref()).map(image_name);
    let has_prefix = |prefix: &str| api.is_some_and(|api| api.environment.keys().any(|name| name.starts_with(prefix)));
    match tag {
        "7.6.2" if image == Some("trains") => "0.16",
        "7.6.2" if has_prefix("CLEARML_") => "1.0 to 1.1",
        "7.6.2" if image == Some("clearml") && has_prefix("TRAINS_") => "0.17",
        "7.6.2" => "0.16 to 1.1",
        "7.17.7" => "1.10 to 1.14",
        "7.17.18" => "1.15 to 1.16",
        "8.15.3" => "1.17",
        _ if tag.starts_with("7.16.") => "1.2 to 1.9",
        _ if tag.starts_with("7.17.") => "1.10 to 1.16",
        _ if tag.starts_with("8.") => "2.0 or later",
        _ => "unknown",
    }
}

/// Returns the tag of an image, unless it is `latest`, which names whatever was newest when it was pulled.
fn image_tag(image: &str) -> Option<&str> {
    let image = image.split('@').next()?;
    let (_, tag) = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))?;
    (tag != "latest").then_some(tag)
}

fn major(tag: &str) -> Option<u32> {
    tag.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn version_of(api: serde_json::Value, elastic: &str, agent: bool) -> String {
        let mut services = json!({ "apiserver": api, "elasticsearch": { "image": elastic } });
        if agent {
            services["agent"] = json!({ "image": "allegroai/trains-agent-services:latest" });
        }
        let model = Project::from_value(&json!({ "services": services })).unwrap();
        let roles = crate::compose::roles::assign(&model).unwrap();
        conclude(&model, &roles).version
    }

    #[test]
    fn each_version_is_known_by_what_it_added() {
        let api = |environment: serde_json::Value| json!({ "image": "allegroai/trains:latest", "command": ["apiserver"], "environment": environment });
        let es = "docker.elastic.co/elasticsearch/elasticsearch:5.6.16";
        let table = [
            (
                json!({ "TRAINS_SERVER_DEPLOYMENT_TYPE": "linux", "TRAINS_ELASTIC_SERVICE_HOST": "elasticsearch" }),
                true,
                "0.15.1",
            ),
            (json!({ "TRAINS_ELASTIC_SERVICE_HOST": "elasticsearch" }), true, "0.15"),
            (json!({ "TRAINS__apiserver__mongo__pre_populate__enabled": "true" }), false, "0.14 to 0.15"),
            (json!({ "TRAINS_ELASTIC_SERVICE_HOST": "elasticsearch" }), false, "0.13 to 0.15"),
            (json!({ "ELASTIC_SERVICE_HOST": "elasticsearch" }), false, "0.12"),
            (json!({ "ELASTIC_SERVICE_SERVICE_HOST": "elasticsearch" }), false, "0.11"),
            (json!({}), false, "0.10 to 0.15"),
        ];
        for (environment, agent, version) in table {
            assert_eq!(version_of(api(environment), es, agent), version);
        }
    }

    #[test]
    fn a_tag_goes_before_the_shape_and_latest_says_nothing() {
        let api = |image: &str| json!({ "image": image, "command": ["apiserver"] });
        assert_eq!(version_of(api("allegroai/trains-server:0.15.0-352"), "elasticsearch:5.6.16", true), "0.15.0");
        assert_eq!(version_of(api("mirror:5000/allegroai/clearml:1.0.2"), "elasticsearch:7.6.2", false), "1.0.2");
        assert_eq!(version_of(api("allegroai/trains:latest"), "elasticsearch:7.6.2", false), "0.16");
        assert_eq!(version_of(api("allegroai/trains:latest"), "elasticsearch:latest", false), "unknown");
        assert_eq!(version_of(api("jarvis:v1"), "elasticsearch:7.17.7", false), "1.10 to 1.14");
    }
}
