//! `_mdb_catalog.wt`: which collections and indexes MongoDB has in the tables
//! (`src/mongo/db/storage/kv/kv_catalog.cpp` of 3.6, `durable_catalog_impl.cpp` of 4.4).

use super::Corrupt;
use super::bson::{Document, Value};
use super::corrupt::refused;
use super::metadata::Metadata;
use super::replay::Replay;
use crate::error::Result;

/// The table of the catalog.
pub(super) const CATALOG: &str = "_mdb_catalog";

/// A collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Database and name, such as `backend.task`.
    pub namespace: String,
    /// The table that it is in.
    pub table: String,
    /// Its options, as BSON.
    pub options: Vec<u8>,
    /// Its indexes.
    pub indexes: Vec<Index>,
}

/// An index of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Such as `_id_`.
    pub name: String,
    /// The table that it is in, where the catalog tells it.
    pub table: Option<String>,
    /// What it is, as BSON: key, name, options.
    pub definition: Vec<u8>,
    /// It was built to the end.
    pub ready: bool,
}

impl Collection {
    /// Returns the database.
    pub fn database(&self) -> &str {
        self.namespace.split_once('.').map_or(self.namespace.as_str(), |(database, _)| database)
    }

    /// Returns the name within the database.
    pub fn name(&self) -> &str {
        self.namespace.split_once('.').map_or("", |(_, name)| name)
    }

    /// Returns the table of the index that every document has an entry in; nothing where a collection has none.
    pub fn id_table(&self) -> Option<&str> {
        self.indexes.iter().find(|index| index.name == "_id_")?.table.as_deref()
    }
}

/// Reads the catalog, with what `replay` has of it.
///
/// # Errors
/// Refuses one that is damaged, or has an entry that is not understood.
pub fn read(metadata: &Metadata, replay: Option<&Replay>) -> Result<Vec<Collection>> {
    let table = metadata.table(CATALOG)?;
    let mut collections = Vec::new();
    table.rows(replay, |_, value| {
        collections.extend(entry(&Document::new(value)?)?);
        Ok(())
    })?;
    let mut namespaces: Vec<&str> = collections.iter().map(|one: &Collection| one.namespace.as_str()).collect();
    namespaces.sort_unstable();
    if let Some(twice) =
        namespaces.windows(2).find_map(|pair| (pair.first() == pair.last()).then(|| pair.first())).flatten()
    {
        return Err(refused(table.path(), Corrupt::new(format!("the collection {twice} is there twice"))));
    }
    Ok(collections)
}

/// Returns the collection of an entry; nothing for the one that names features.
fn entry(document: &Document<'_>) -> super::Result<Option<Collection>> {
    if document.get("isFeatureDoc") == Some(Value::Boolean(true)) {
        return match document.get("nonRepairable") {
            // The one bit that there ever was (`kCollation`): some index has a collation.
            None | Some(Value::Number(0 | 1)) => Ok(None),
            Some(_) => Err(Corrupt::new("the catalog says that it uses features that are not known")),
        };
    }
    let text = |name: &str| {
        let text = document.text(name).map(str::to_owned);
        text.ok_or_else(|| Corrupt::new(format!("an entry of the catalog without {name}")))
    };
    let (namespace, table) = (text("ns")?, text("ident")?);
    if !namespace.split_once('.').is_some_and(|(database, name)| !database.is_empty() && !name.is_empty()) {
        return Err(Corrupt::new(format!("an entry of the catalog with the name {namespace:?}")));
    }
    let details = document.document("md").ok_or_else(|| Corrupt::new(format!("{namespace} has no details")))?;
    let tables = document.document("idxIdent");
    let mut indexes = Vec::new();
    for index in details.documents("indexes") {
        let definition = index.document("spec");
        let named = definition.and_then(|definition| Some((definition, definition.text("name")?)));
        let (definition, name) = named.ok_or_else(|| Corrupt::new(format!("an index of {namespace} has no name")))?;
        indexes.push(Index {
            name: name.to_owned(),
            table: tables.and_then(|tables| tables.text(name)).map(str::to_owned),
            definition: definition.bytes().to_vec(),
            ready: index.get("ready") == Some(Value::Boolean(true)),
        });
    }
    // Most have one, and a vector makes room for four: there can be a hundred thousand collections.
    indexes.shrink_to_fit();
    let options = details.document("options").map_or(EMPTY, |options| options.bytes()).to_vec();
    Ok(Some(Collection { namespace, table, options, indexes }))
}

/// A document without fields.
const EMPTY: &[u8] = &[5, 0, 0, 0, 0];

#[cfg(test)]
mod tests {
    use super::*;

    fn wrap(fields: &[u8]) -> Vec<u8> {
        let length = u32::try_from(fields.len() + 5).unwrap().to_le_bytes();
        [&length[..], fields, &[0]].concat()
    }

    fn field(kind: u8, name: &str, value: &[u8]) -> Vec<u8> {
        [&[kind][..], name.as_bytes(), &[0], value].concat()
    }

    fn text(name: &str, text: &str) -> Vec<u8> {
        let length = u32::try_from(text.len() + 1).unwrap().to_le_bytes();
        field(2, name, &[&length[..], text.as_bytes(), &[0]].concat())
    }

    #[test]
    fn an_entry_names_the_collection_its_table_and_its_indexes() {
        let spec = wrap(&text("name", "_id_"));
        let index = wrap(&[field(3, "spec", &spec), field(8, "ready", &[1])].concat());
        let details =
            wrap(&[field(3, "options", &wrap(&[])), field(4, "indexes", &wrap(&field(3, "0", &index)))].concat());
        let tables = wrap(&text("_id_", "index-1-2"));
        let fields = [
            field(3, "md", &details),
            field(3, "idxIdent", &tables),
            text("ns", "backend.dots.in.it"),
            text("ident", "collection-0-2"),
        ];
        let bytes = wrap(&fields.concat());
        let collection = entry(&Document::new(&bytes).unwrap()).unwrap().unwrap();
        assert_eq!((collection.database(), collection.name()), ("backend", "dots.in.it"));
        assert_eq!((collection.table.as_str(), collection.id_table()), ("collection-0-2", Some("index-1-2")));
        assert_eq!((collection.options.as_slice(), collection.indexes[0].ready), (EMPTY, true));
        let bytes = wrap(&fields[..3].concat());
        assert!(entry(&Document::new(&bytes).unwrap()).unwrap_err().to_string().contains("ident"));
    }

    #[test]
    fn the_entry_of_features_is_no_collection_and_features_that_are_not_known_are_refused() {
        let features = |bits: u64| {
            wrap(&[field(8, "isFeatureDoc", &[1]), field(18, "nonRepairable", &bits.to_le_bytes())].concat())
        };
        assert_eq!(entry(&Document::new(&features(0)).unwrap()), Ok(None));
        assert!(entry(&Document::new(&features(4)).unwrap()).is_err());
    }
}
