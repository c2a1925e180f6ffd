//! The index templates of target releases. They must be in the target before any index and before the new server's
//! first start: without a template named `events…` the server believes that nothing was migrated and refuses to work.

use super::client::{Call, Client};
use crate::error::{Error, Result};
use reqwest::Method;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A legacy index template (`PUT /_template/NAME`).
#[derive(Debug, Clone, PartialEq)]
struct Template {
    name: String,
    order: i64,
    patterns: Vec<String>,
    body: Value,
}

/// The templates of one release of the server.
#[derive(Debug, Clone, PartialEq)]
pub struct Templates(Vec<Template>);

/// What release 1.1 of ClearML Server puts at its start: no routing, no types, one shard.
const RELEASE_1_1: [(&str, &str); 6] = [
    ("events", include_str!("templates/events.json")),
    ("events_log", include_str!("templates/events_log.json")),
    ("events_plot", include_str!("templates/events_plot.json")),
    ("events_training_debug_image", include_str!("templates/events_training_debug_image.json")),
    ("queue_metrics", include_str!("templates/queue_metrics.json")),
    ("worker_stats", include_str!("templates/worker_stats.json")),
];

impl Templates {
    /// Returns the templates of release 1.1, for Elasticsearch 7.
    ///
    /// # Errors
    /// Fails only if the program was built with a damaged template.
    pub fn release_1_1() -> Result<Self> {
        let parse = |(name, text): &(&str, &str)| {
            let damaged =
                |cause| Error::internal(format!("The built-in index template {name} is damaged.")).because(cause);
            Template::parse(name, serde_json::from_str(text).map_err(damaged)?)
        };
        RELEASE_1_1.iter().map(parse).collect::<Result<_>>().map(Self)
    }

    /// Returns the templates that a plan has, name by name, as [`Templates::stored`] gave them; those of release 1.1 where
    /// it has none.
    ///
    /// # Errors
    /// Fails when one of them is no template.
    pub fn of_plan(stored: &BTreeMap<String, Value>) -> Result<Self> {
        if stored.is_empty() {
            return Self::release_1_1();
        }
        stored.iter().map(|(name, body)| Template::parse(name, body.clone())).collect::<Result<_>>().map(Self)
    }

    /// Returns the body of each template by its name, for a plan.
    pub fn stored(&self) -> BTreeMap<String, Value> {
        self.0.iter().map(|template| (template.name.clone(), template.body.clone())).collect()
    }

    /// Returns the mapping that a new index of this name would get: `{"properties": {…}, …}`. Templates of a higher
    /// order win, field by field, as in Elasticsearch.
    pub fn mapping_for(&self, index: &str) -> Value {
        let mut matching: Vec<&Template> = self.0.iter().filter(|template| template.matches(index)).collect();
        matching.sort_by_key(|template| template.order);
        let mut mapping = Map::new();
        for template in matching {
            if let Some(Value::Object(own)) = template.body.get("mappings") {
                merge(&mut mapping, own);
            }
        }
        Value::Object(mapping)
    }

    /// Puts every template into the node, in place of those of the same names.
    ///
    /// # Errors
    /// Fails when the node refuses one.
    pub async fn put(&self, target: &Client) -> Result<()> {
        for template in &self.0 {
            let call = Call::change(Method::PUT, &["_template", &template.name], "elastic.put_template");
            target.done(&call.json(&template.body)).await.map_err(|failure| {
                failure.explain(format!("The index template {} could not be put into Elasticsearch.", template.name))
            })?;
        }
        Ok(())
    }
}

impl Template {
    fn parse(name: &str, body: Value) -> Result<Self> {
        let damaged = || Error::internal(format!("The index template {name} is damaged."));
        let order = body.get("order").and_then(Value::as_i64).ok_or_else(damaged)?;
        let patterns = body.get("index_patterns").and_then(Value::as_array).ok_or_else(damaged)?;
        let patterns = patterns.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(Self { name: name.to_owned(), order, patterns, body })
    }

    fn matches(&self, index: &str) -> bool {
        // All patterns of the server end in their only star.
        self.patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => index.starts_with(prefix),
            None => index == pattern,
        })
    }
}

fn merge(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            _ => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_templates_without_types_and_without_routing() {
        let templates = Templates::release_1_1().unwrap();
        assert_eq!(templates.0.len(), 6);
        for template in &templates.0 {
            let mapping = template.body.get("mappings").unwrap();
            assert!(mapping.get("properties").is_some() && mapping.get("_routing").is_none(), "{}", template.name);
        }
    }

    #[test]
    fn a_plan_s_templates_count_whatever_the_program_has_and_a_plan_of_old_means_release_1_1() {
        let own = Templates::release_1_1().unwrap();
        let mut stored = own.stored();
        assert_eq!(Templates::of_plan(&stored).unwrap(), own);
        assert_eq!(Templates::of_plan(&BTreeMap::new()).unwrap(), own);
        stored.get_mut("events_log").unwrap()["mappings"]["properties"]["msg"] =
            serde_json::json!({"type": "wildcard"});
        let mapping = Templates::of_plan(&stored).unwrap().mapping_for("events-log-d1bd92a3");
        assert_eq!(mapping["properties"]["msg"]["type"], "wildcard");
        stored.insert("broken".to_owned(), serde_json::json!({"order": 1}));
        assert!(Templates::of_plan(&stored).unwrap_err().message().contains("broken"));
    }

    #[test]
    fn a_log_index_gets_the_fields_of_both_its_templates() {
        let mapping = Templates::release_1_1().unwrap().mapping_for("events-log-d1bd92a3");
        assert_eq!(mapping["properties"]["msg"], serde_json::json!({"type": "text", "index": false}));
        assert_eq!(mapping["properties"]["task"]["type"], "keyword");
        assert_eq!(mapping["properties"].get("plot_str"), None);
    }

    #[test]
    fn an_index_that_no_template_names_gets_nothing() {
        let mapping = Templates::release_1_1().unwrap().mapping_for(".monitoring-es-6-2020.05.04");
        assert_eq!(mapping, serde_json::json!({}));
    }
}
