//! What a target index will be: its name, mapping, settings and aliases, decided before anything is written.

use super::indices::SourceIndex;
use super::mapping::{FieldChange, TargetMapping, field_count, is_refused_by, target_mapping, types};
use super::node::Version;
use super::templates::Templates;
use super::unindexed::Unindexed;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Settings of the source that go to the target. They decide which documents are accepted and how they are found;
/// everything else is either set here or belonged to the old node.
const KEPT_SETTINGS: [&str; 5] =
    ["analysis", "max_result_window", "refresh_interval", "codec", "max_inner_result_window"];
/// The same, below `index.mapping`. Others, such as `single_type`, are refused by Elasticsearch 7.
const KEPT_MAPPING_SETTINGS: [&str; 6] =
    ["total_fields", "depth", "nested_fields", "nested_objects", "ignore_malformed", "coerce"];
/// Settings that say what an index is rather than how it behaves: of no interest where they are left behind.
const OWN_SETTINGS: [&str; 6] =
    ["number_of_shards", "number_of_replicas", "uuid", "version", "creation_date", "provided_name"];

/// A copy to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexPlan {
    /// The name, the same in source and target.
    pub index: String,
    /// Documents to expect: from a node as many, from files at most as many.
    pub documents: u64,
    /// Bytes on disk in the source.
    pub bytes: u64,
    /// Shards of the source, read side by side.
    pub shards: u32,
    /// Mapping types of the source. With more than one, an `_id` may occur twice.
    pub types: Vec<String>,
    /// The mapping of the target, without types.
    pub mapping: Value,
    /// Settings of the target that come from the source, as an `index` object.
    pub settings: Value,
    /// `{ALIAS: {…}}`.
    pub aliases: Value,
    /// Settings of the source that are left behind, by name, for the log.
    pub settings_left: Vec<String>,
    /// Whether the source's index is closed. The target's is closed too, once it has been compared.
    #[serde(default)]
    pub closed: bool,
    /// Fields that are others in the target than they were.
    #[serde(default)]
    pub changes: Vec<FieldChange>,
    /// Fields with values that the target would not take as its mapping was: changed in it, so that it does.
    #[serde(default)]
    pub unindexed: Vec<Unindexed>,
}

impl IndexPlan {
    /// Decides the target of `source`.
    ///
    /// # Errors
    /// Refuses an index whose documents are not stored, saying so.
    pub fn new(source: &SourceIndex, templates: &Templates) -> Result<Self> {
        let template = templates.mapping_for(&source.name);
        let TargetMapping { mapping, changes } = target_mapping(&source.name, &source.mappings, &template)?;
        let (mut settings, left) = sort_settings(&source.settings);
        make_room(&mut settings, field_count(&mapping), field_count(&template));
        Ok(Self {
            index: source.name.clone(),
            documents: source.documents,
            bytes: source.bytes,
            shards: source.shards,
            types: types(&source.mappings).into_iter().map(str::to_owned).collect(),
            mapping,
            settings: Value::Object(settings),
            aliases: source.aliases.clone(),
            settings_left: left,
            closed: source.closed,
            changes,
            unindexed: Vec::new(),
        })
    }

    /// Returns the fields at the top of documents that a node of this version refuses, whatever the mapping says. The
    /// source's mapping has them; whether any document still does, it does not tell.
    pub fn refused_fields(&self, version: &Version) -> impl Iterator<Item = &str> {
        self.changes.iter().map(|change| change.field.as_str()).filter(|field| is_refused_by(field, version))
    }

    /// Returns the body that creates the target index for loading: no refresh, no fsync for each bulk.
    pub fn creation(&self) -> Value {
        let mut index = self.settings.as_object().cloned().unwrap_or_default();
        index.insert("number_of_shards".to_owned(), json!(1));
        index.insert("number_of_replicas".to_owned(), json!(0));
        if let Some(Value::Object(load)) = self.during_load().get("index") {
            index.extend(load.clone());
        }
        json!({"settings": {"index": index}, "mappings": self.mapping, "aliases": self.aliases})
    }

    /// Returns the settings that begin a load.
    pub(super) fn during_load(&self) -> Value {
        let translog = json!({"durability": "async", "flush_threshold_size": "1gb"});
        json!({"index": {"refresh_interval": "-1", "translog": translog}})
    }

    /// Returns the settings that end the load. `null` takes a setting back to its default.
    pub(super) fn after_load(&self) -> Value {
        let refresh = self.settings.get("refresh_interval").cloned().unwrap_or(Value::Null);
        json!({"index": {
            "refresh_interval": refresh,
            "translog": {"durability": null, "flush_threshold_size": null}
        }})
    }

    /// Returns `index.max_result_window`, which bounds a page of a scroll.
    pub(super) fn max_page(&self) -> u64 {
        let set = self.settings.get("max_result_window").and_then(Value::as_str);
        set.and_then(|window| window.parse().ok()).unwrap_or(10_000).max(1)
    }

    /// Returns the source bytes to expect of one document. Stored sources compress to about a third.
    pub(super) fn document_bytes(&self) -> u64 {
        self.bytes.saturating_mul(3) / self.documents.max(1)
    }
}

/// Returns the settings that go to the target, and the names of those that do not.
fn sort_settings(source: &Value) -> (Map<String, Value>, Vec<String>) {
    let (mut kept, mut left) = (Map::new(), Vec::new());
    for (name, value) in source.as_object().into_iter().flatten() {
        match (name.as_str(), value) {
            ("mapping", Value::Object(mapping)) => {
                let mut own = Map::new();
                for (name, value) in mapping {
                    if KEPT_MAPPING_SETTINGS.contains(&name.as_str()) {
                        own.insert(name.clone(), value.clone());
                    } else {
                        left.push(format!("mapping.{name}"));
                    }
                }
                kept.insert(name.clone(), Value::Object(own));
            }
            (known, _) if KEPT_SETTINGS.contains(&known) => {
                kept.insert(name.clone(), value.clone());
            }
            (own, _) if OWN_SETTINGS.contains(&own) => {}
            _ => left.push(name.clone()),
        }
    }
    (kept, left)
}

/// Fields that an index may have, if nothing else is set (`index.mapping.total_fields.limit`).
const MOST_FIELDS: u64 = 1000;

/// Lets the index have the fields of the template besides its own, and as many more as it could have before.
fn make_room(settings: &mut Map<String, Value>, fields: u64, of_template: u64) {
    let pointer = |settings: &Map<String, Value>| {
        let limit = settings.get("mapping")?.pointer("/total_fields/limit")?;
        limit.as_u64().or_else(|| limit.as_str()?.parse().ok())
    };
    let limit = pointer(settings).unwrap_or(MOST_FIELDS);
    if fields + of_template <= limit {
        return;
    }
    let mapping = settings.entry("mapping").or_insert_with(|| json!({}));
    if let Value::Object(mapping) = mapping {
        let raised = fields.max(limit) + of_template;
        mapping.insert("total_fields".to_owned(), json!({"limit": raised.to_string()}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> SourceIndex {
        SourceIndex {
            name: "events-log-x".into(),
            documents: 10,
            bytes: 1000,
            shards: 5,
            mappings: json!({"event": {"properties": {"extra": {"type": "long"}}}}),
            settings: json!({"number_of_shards": "5", "number_of_replicas": "1", "refresh_interval": "30s",
                "mapping": {"total_fields": {"limit": "2000"}, "single_type": "true"}, "blocks": {"read_only": "true"}, "uuid": "u",
                "mapper": {"dynamic": "true"}}),
            aliases: json!({"logs": {}}),
            closed: false,
        }
    }

    #[test]
    fn an_index_that_is_full_of_fields_has_room_for_those_of_the_template() {
        let limit = |fields: u64, limit: Value| {
            let all: Map<String, Value> = (0..fields).map(|n| (format!("f{n}"), json!({"type": "long"}))).collect();
            let settings = json!({"number_of_shards": "1", "mapping": {"total_fields": {"limit": limit}}});
            let source = SourceIndex { mappings: json!({"event": {"properties": all}}), settings, ..source() };
            let plan = IndexPlan::new(&source, &Templates::release_1_1().unwrap()).unwrap();
            plan.settings["mapping"]["total_fields"]["limit"].clone()
        };
        assert_eq!(limit(500, json!("1000")), "1000");
        // Of an events-log index, the template names eleven.
        assert_eq!(limit(1000, json!("1000")), "1022");
        assert_eq!(limit(995, json!(null)), "1017");
        assert_eq!(limit(1995, json!(2000)), "2017");
    }

    #[test]
    fn a_load_has_one_shard_no_replica_no_refresh() {
        let plan = IndexPlan::new(&source(), &Templates::release_1_1().unwrap()).unwrap();
        let settings = &plan.creation()["settings"]["index"];
        let expected = json!({"refresh_interval": "-1", "mapping": {"total_fields": {"limit": "2000"}},
            "number_of_shards": 1, "number_of_replicas": 0,
            "translog": {"durability": "async", "flush_threshold_size": "1gb"}});
        assert_eq!(*settings, expected);
        assert_eq!(plan.creation()["mappings"]["properties"]["extra"]["type"], "long");
        assert_eq!(plan.after_load()["index"]["refresh_interval"], "30s");
        assert_eq!(plan.settings_left, ["mapping.single_type", "blocks", "mapper"]);
    }
}
