//! What a compose file takes from outside: variables, and the files that services take theirs from.

use super::edit::MARK;
use super::interpolate;
use crate::error::{Error, Result};
use serde_json::Value;
use std::collections::BTreeSet;

/// Returns the names of all variables that a compose file takes from the shell or the environment file.
///
/// Counts those in values (`${NAME}`) and environment entries without a value.
///
/// # Errors
/// If the text is not YAML.
pub fn interpolations(text: &str) -> Result<BTreeSet<String>> {
    let model: Value = serde_saphyr::from_str(text.trim_start_matches(MARK))
        .map_err(|cause| Error::refused("The compose file is not valid YAML.").because(cause))?;
    let mut names = BTreeSet::new();
    collect_variables(&model, &mut names);
    if let Ok(project) = super::model::Project::from_value(&model) {
        let variables = project.services.into_values().flat_map(|service| service.environment);
        names.extend(variables.filter(|(_, value)| value.is_none()).map(|(name, _)| name));
    }
    Ok(names)
}

/// Returns the services that take variables from files (`env_file`), each with the path of one, as a compose file writes it.
/// None of a text that is not YAML.
pub fn env_file_paths(text: &str) -> Vec<(String, String)> {
    let model: Value = serde_saphyr::from_str(text.trim_start_matches(MARK)).unwrap_or_default();
    let services = model.get("services").and_then(Value::as_object).into_iter().flatten();
    let listed = services.filter_map(|(name, service)| Some((name, service.get("env_file")?)));
    let items = listed.flat_map(|(name, value)| {
        let items = match value {
            Value::Array(items) => items.iter().collect(),
            one => vec![one],
        };
        items.into_iter().map(move |item| (name, item))
    });
    items
        .filter_map(|(name, item)| Some((name.clone(), item.get("path").unwrap_or(item).as_str()?.to_owned())))
        .collect()
}

fn collect_variables(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => names.extend(interpolate::variables(text)),
        Value::Array(items) => items.iter().for_each(|item| collect_variables(item, names)),
        Value::Object(map) => map.values().for_each(|value| collect_variables(value, names)),
        _ => {}
    }
}
