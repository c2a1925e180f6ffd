//! What docker-compose 1.x says of a project, `docker-compose config`, brought into the form of [`super::model`].
//!
//! Seen with 1.25.0, 1.26.2, 1.27.4, 1.28.6 and 1.29.2. Unlike version 2 it
//! - answers in YAML, written by PyYAML, whose plain scalars follow YAML 1.1: `1e3` and `0o14` are texts there;
//! - doubles the dollars of every text and key, but not in mounts of the short form, which are all it has unless the
//!   file itself uses the long one;
//! - says neither the project's name nor docker's names of volumes and networks;
//! - lists services of every profile, and `depends_on` without conditions before 1.27.
//!
//! Alike are paths (absolute, `~` expanded), merged files, and environment files, which are in `environment`.

use super::model::{Project, single_dollars};
use crate::error::{Error, Result};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The texts that must not be taken for numbers: a password may well be `1e3`.
#[derive(Deserialize)]
struct Texts {
    #[serde(default)]
    services: BTreeMap<String, ServiceTexts>,
}

#[derive(Deserialize)]
struct ServiceTexts {
    #[serde(default)]
    environment: BTreeMap<String, Option<String>>,
}

/// Reads the output of `docker-compose config`. `name` is the project's; services that belong to profiles are kept if
/// one of theirs is active.
///
/// # Errors
/// If the text is not YAML, or has no services.
pub fn project(text: &str, name: &str, active_profiles: &[String]) -> Result<Project> {
    let unreadable = |cause| {
        Error::failed("The answer of `docker-compose config` cannot be read as YAML.")
            .because(anyhow::Error::new(cause))
    };
    let mut value: Value = serde_saphyr::from_str(text).map_err(unreadable)?;
    let texts: Texts = serde_saphyr::from_str(text).map_err(unreadable)?;
    for (name, service) in services(&mut value) {
        let exact = texts.services.get(name).map(|service| &service.environment);
        if let (Some(exact), Some(environment)) = (exact, service.get_mut("environment").and_then(Value::as_object_mut))
        {
            environment.extend(exact.iter().map(|(name, text)| (name.clone(), text.clone().into())));
        }
        double_in_short_mounts(service);
    }
    single_dollars(&mut value);
    let mut project = Project::from_value(&value)?;
    let active = |profiles: &[String]| {
        profiles.is_empty()
            || profiles.iter().any(|one| active_profiles.iter().any(|active| active == one || active == "*"))
    };
    project.services.retain(|_, service| active(&service.profiles));
    project.name = Some(name.to_owned());
    Ok(project)
}

fn services(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.get_mut("services").and_then(Value::as_object_mut).into_iter().flatten()
}

/// Brings the short mounts to the form of everything else.
fn double_in_short_mounts(service: &mut Value) {
    for mount in service.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::String(text) = mount {
            *text = text.replace('$', "$$");
        }
    }
}

#[cfg(test)]
#[path = "v1_tests.rs"]
mod tests;
