//! What an index is, from its state file: `org.elasticsearch.cluster.metadata.IndexMetaData` of 5.x, and what stayed the
//! same in 7.x and 8.x.
//!
//! ```text
//! {"<name>": {"state": "open", "settings": {"index.uuid": "…", …}, "mappings": [{"<type>": {…}}, …], "aliases": {…}}}
//! ```

use super::version::VersionId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The mapping from which new types take over; no documents are of it.
const DEFAULT: &str = "_default_";
/// Elasticsearch refuses more shards in an index than this.
const MAX_SHARDS: u32 = 1024;

/// Whether an index answers queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Openness {
    /// It does.
    Open,
    /// It does not, but its data are there all the same.
    Closed,
}

/// An index as its state file describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexMetadata {
    /// Name.
    pub name: String,
    /// Id, which is the name of its directory.
    pub uuid: String,
    /// Open or closed.
    pub openness: Openness,
    /// The Elasticsearch that created it.
    pub created: VersionId,
    /// How many shards it has.
    pub shards: u32,
    /// Settings by full name, such as `index.number_of_shards`; the values are text.
    pub settings: Map<String, Value>,
    /// Mappings by type: what is below the type's name. `_default_` may be among them.
    pub mappings: Map<String, Value>,
    /// Aliases by name, with filter and routing.
    pub aliases: Map<String, Value>,
}

impl IndexMetadata {
    /// Reads the content of a state file; nothing if that does not describe an index.
    pub fn parse(content: &Value) -> Option<Self> {
        let (name, index) = content.as_object()?.iter().next()?;
        let settings = index.get("settings")?.as_object()?;
        let setting = |name: &str| settings.get(name)?.as_str();
        let openness = match index.get("state")?.as_str()? {
            "open" => Openness::Open,
            "close" => Openness::Closed,
            _ => return None,
        };
        let mappings = index.get("mappings").and_then(Value::as_array).into_iter().flatten();
        let mappings = mappings.filter_map(Value::as_object).flatten();
        Some(Self {
            name: name.clone(),
            uuid: setting("index.uuid")?.to_owned(),
            openness,
            created: VersionId(setting("index.version.created")?.parse().ok()?),
            shards: setting("index.number_of_shards")?.parse().ok().filter(|count| (1..=MAX_SHARDS).contains(count))?,
            mappings: mappings.map(|(kind, mapping)| (kind.clone(), mapping.clone())).collect(),
            aliases: index.get("aliases").and_then(Value::as_object).cloned().unwrap_or_default(),
            settings: settings.clone(),
        })
    }

    /// Returns the types of its documents.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.mappings.keys().map(String::as_str).filter(|kind| *kind != DEFAULT)
    }

    /// Returns the only type of an index that was created for a single one: its documents do not name their type.
    pub fn single_type(&self) -> Option<&str> {
        let single = self.settings.get("index.mapping.single_type")?;
        if *single != Value::Bool(true) && single != "true" {
            return None;
        }
        let mut types = self.types();
        types.next().filter(|_| types.next().is_none())
    }

    /// Returns whether a crash may have lost an operation from the translog that is in the commit, so that an older one on
    /// the same document would seem the last.
    pub fn may_lose_operations(&self) -> bool {
        let durability = self.settings.get("index.translog.durability").and_then(Value::as_str);
        durability.is_some_and(|durability| durability.eq_ignore_ascii_case("async"))
    }

    /// Returns a type whose documents are not kept as they were sent: `_source` is switched off or filtered.
    pub fn type_without_source(&self) -> Option<&str> {
        self.types().find(|kind| {
            let Some(source) = self.mappings.get(*kind).and_then(|mapping| mapping.get("_source")) else {
                return false;
            };
            let filters = |key: &str| match source.get(key) {
                None | Some(Value::Null) => false,
                Some(Value::Array(patterns)) => !patterns.is_empty(),
                Some(_) => true,
            };
            let enabled =
                source.get("enabled").is_none_or(|enabled| *enabled == Value::Bool(true) || enabled == "true");
            // Elasticsearch 8: `synthetic` and `disabled` store nothing.
            let stored = source.get("mode").is_none_or(|mode| mode == "stored");
            !enabled || !stored || filters("includes") || filters("excludes")
        })
    }

    /// Returns why the documents are not kept as they were sent, if they are not: a phrase.
    pub fn why_not_whole(&self) -> Option<String> {
        if self.type_without_source().is_some() {
            return Some("its mapping switches `_source` off, filters it or computes it".to_owned());
        }
        // The settings of Elasticsearch 8 that compute sources or ids, with the value that does not.
        [("index.mode", "standard"), ("index.mapping.source.mode", "stored")].into_iter().find_map(|(key, whole)| {
            let value = self.settings.get(key).filter(|value| **value != whole)?;
            Some(format!("its setting `{key}` is {value}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn index(mappings: Value, single: Value) -> IndexMetadata {
        let settings = json!({"index.uuid": "u", "index.version.created": "5061699", "index.number_of_shards": "5",
            "index.mapping.single_type": single});
        let content = json!({"events": {"state": "close", "settings": settings, "mappings": mappings,
            "aliases": {"all": {}}}});
        IndexMetadata::parse(&content).unwrap()
    }

    #[test]
    fn an_index_is_read_from_its_state() {
        let index = index(json!([{"_default_": {}}, {"log": {"properties": {}}}, {"plot": {}}]), json!("false"));
        assert_eq!((index.name.as_str(), index.openness, index.shards), ("events", Openness::Closed, 5));
        assert_eq!(index.types().collect::<Vec<_>>(), ["log", "plot"]);
        assert_eq!(index.aliases.keys().collect::<Vec<_>>(), ["all"]);
        assert_eq!((index.single_type(), index.type_without_source()), (None, None));
        assert_eq!(IndexMetadata::parse(&json!({"events": {"state": "open"}})), None);
    }

    #[test]
    fn the_only_type_of_a_single_type_index_is_known() {
        assert_eq!(index(json!([{"_default_": {}}, {"doc": {}}]), json!("true")).single_type(), Some("doc"));
        assert_eq!(index(json!([{"a": {}}, {"b": {}}]), json!("true")).single_type(), None);
    }

    #[test]
    fn documents_that_are_not_kept_whole_are_noticed() {
        for (source, whole) in [
            (json!({"enabled": false}), false),
            (json!({"enabled": "false"}), false),
            (json!({"excludes": ["secret"]}), false),
            (json!({"includes": ["a.*"]}), false),
            (json!({"enabled": true, "excludes": [], "includes": []}), true),
            (json!({"mode": "synthetic"}), false),
            (json!({"mode": "stored"}), true),
            (json!({}), true),
        ] {
            let found = index(json!([{"log": {}}, {"plot": {"_source": source}}]), json!(null));
            assert_eq!(found.type_without_source(), (!whole).then_some("plot"), "{source}");
            assert_eq!(found.why_not_whole().is_none(), whole, "{source}");
        }
        let mut series = index(json!([]), json!(null));
        assert_eq!(series.why_not_whole(), None);
        for (mode, whole) in [("standard", true), ("time_series", false), ("logsdb", false)] {
            series.settings.insert("index.mode".to_owned(), json!(mode));
            assert_eq!(series.why_not_whole().is_none(), whole, "{mode}");
        }
    }
}
