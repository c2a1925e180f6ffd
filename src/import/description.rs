//! What a target index will be, from the description in the export.

use super::check::ExportedIndex;
use crate::elastic::{IndexPlan, SourceIndex, Templates, Version};
use crate::error::{Error, Result};
use serde_json::{Map, Value, json};

/// Stored sources compress to about a third.
const COMPRESSION: u64 = 3;

/// Decides the target of an index of an export in a node of this version.
///
/// # Errors
/// Refuses a description that is none, and an index that newer versions cannot hold, saying why.
pub fn plan(name: &str, exported: &ExportedIndex, templates: &Templates, version: &Version) -> Result<IndexPlan> {
    let mut plan = IndexPlan::new(&source(name, exported)?, templates)?;
    // The newest indices have no weights of fields any more: those are said in queries.
    if version.major >= 8 && drop_boosts(&mut plan.mapping) {
        plan.settings_left.push("boost of fields".to_owned());
    }
    Ok(plan)
}

fn source(name: &str, exported: &ExportedIndex) -> Result<SourceIndex> {
    let part = |path: &str| exported.description.pointer(path).filter(|value| value.is_object()).cloned();
    let (Some(mappings), Some(settings)) = (part("/mappings"), part("/settings/index")) else {
        return Err(Error::refused(format!("{} lacks mappings or settings.", exported.entry.description))
            .hint("Export the index once more, into another directory."));
    };
    let shards = settings.get("number_of_shards").and_then(Value::as_str).and_then(|shards| shards.parse().ok());
    Ok(SourceIndex {
        name: name.to_owned(),
        documents: exported.documents(),
        bytes: exported.source_bytes() / COMPRESSION,
        shards: shards.unwrap_or(1),
        mappings,
        settings,
        aliases: part("/aliases").unwrap_or_else(|| json!({})),
        closed: exported.entry.closed,
    })
}

/// Takes the weights off all fields, and tells whether there were any. A field may itself be called `boost`.
fn drop_boosts(mapping: &mut Value) -> bool {
    let Value::Object(mapping) = mapping else { return false };
    let mut dropped = false;
    for children in ["properties", "fields"] {
        for field in mapping.get_mut(children).and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
            dropped |= field.as_object_mut().is_some_and(|field| field.shift_remove("boost").is_some());
            dropped |= drop_boosts(field);
        }
    }
    dropped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::{FileEntry, RegistryEntry};
    use std::collections::BTreeMap;

    fn exported(description: Value) -> ExportedIndex {
        let file = FileEntry { documents: 7, source_bytes: 900, ..FileEntry::default() };
        let entry = RegistryEntry {
            uuid: "u".into(),
            content: String::new(),
            complete: true,
            units: 1,
            converted: 0,
            apart: None,
            closed: true,
            description: "x.json".into(),
            files: BTreeMap::from([("event".to_owned(), file.clone()), ("other".to_owned(), file)]),
        };
        ExportedIndex { entry, description, content: String::new() }
    }

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn an_index_is_made_as_a_migration_makes_it() {
        let description = json!({
            "aliases": {"logs": {}},
            "mappings": {"event": {"properties": {"extra": {"type": "long"}}}, "other": {}},
            "settings": {"index": {"number_of_shards": "5", "refresh_interval": "7s"}}
        });
        let templates = Templates::release_1_1().unwrap();
        let plan = plan("events-log-x", &exported(description), &templates, &version("7.6.2")).unwrap();
        assert_eq!((plan.documents, plan.shards, plan.closed), (14, 5, true));
        assert_eq!(plan.types, ["event", "other"]);
        assert_eq!(plan.aliases, json!({"logs": {}}));
        let properties = &plan.mapping["properties"];
        assert_eq!((&properties["task"]["type"], &properties["extra"]["type"]), (&json!("keyword"), &json!("long")));
        assert_eq!(plan.creation()["settings"]["index"]["number_of_shards"], 1);
    }

    #[test]
    fn weights_of_fields_are_left_behind_where_they_are_refused() {
        let description = json!({
            "mappings": {"doc": {"properties": {
                "title": {"type": "text", "boost": 2.0, "fields": {"raw": {"type": "keyword", "boost": 3.0}}},
                "boost": {"type": "float"}
            }}},
            "settings": {"index": {"number_of_shards": "1"}}
        });
        let templates = Templates::release_1_1().unwrap();
        let of = |text| plan("library", &exported(description.clone()), &templates, &version(text)).unwrap();
        assert_eq!(of("7.17.29").mapping["properties"]["title"]["boost"], 2.0);
        let expected = json!({
            "title": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
            "boost": {"type": "float"}
        });
        assert_eq!(
            (&of("8.17.0").mapping["properties"], of("8.17.0").settings_left),
            (&expected, vec!["boost of fields".to_owned()])
        );
    }

    #[test]
    fn a_description_without_mappings_is_refused_by_its_file() {
        let templates = Templates::release_1_1().unwrap();
        let error = plan("x", &exported(json!({"settings": {}})), &templates, &version("8.17.0")).unwrap_err();
        assert_eq!(error.message(), "x.json lacks mappings or settings.");
    }
}
