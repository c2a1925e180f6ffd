//! Options and indexes of a collection, as `mongodump` writes them into `.metadata.json`.

use crate::error::{Error, Result};
use crate::wiredtiger::bson::Document;
use crate::wiredtiger::catalog::Collection;
use crate::wiredtiger::{Corrupt, extended_json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// Returns the text of the file.
///
/// # Errors
/// Refuses options or an index that are no documents.
pub(super) fn text(collection: &Collection) -> Result<Vec<u8>> {
    let wrong =
        |why: Corrupt| Error::refused(format!("The options of {} cannot be read.", collection.namespace)).because(why);
    let json = |bytes: &[u8]| -> Result<Map<String, Value>> {
        let mut text = Vec::new();
        Document::new(bytes).and_then(|document| extended_json::push(&document, &mut text)).map_err(wrong)?;
        serde_json::from_slice(&text)
            .map_err(|cause| Error::internal("What was written as JSON is none.").because(cause))
    };
    let mut options = json(&collection.options)?;
    let uuid = options.shift_remove("uuid").and_then(|uuid| digits(&uuid));
    let indexes = collection.indexes.iter().filter(|index| index.ready).map(|index| json(&index.definition));
    let mut metadata = json!({
        "options": options,
        "indexes": indexes.collect::<Result<Vec<_>>>()?,
        "collectionName": collection.name(),
        "type": "collection",
    });
    if let (Some(uuid), Some(metadata)) = (uuid, metadata.as_object_mut()) {
        metadata.insert("uuid".to_owned(), uuid.into());
    }
    let mut text = metadata.to_string().into_bytes();
    text.push(b'\n');
    Ok(text)
}

/// Returns the hexadecimal digits of a UUID in Extended JSON.
fn digits(uuid: &Value) -> Option<String> {
    let bytes = STANDARD.decode(uuid.get("$binary")?.get("base64")?.as_str()?).ok()?;
    Some(super::super::hexadecimal(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wiredtiger::catalog::Index;

    #[test]
    fn options_and_finished_indexes_are_told_in_the_form_of_mongodump() {
        // {"uuid": UUID, "capped": true} and {"v": 2}.
        let options = [&[40, 0, 0, 0, 5][..], b"uuid\0\x10\0\0\0\x04", &[0xAB; 16], b"\x08capped\0\x01\0"].concat();
        let options = [&(options.len() as u32).to_le_bytes()[..], &options[4..]].concat();
        let definition = vec![12, 0, 0, 0, 16, b'v', 0, 2, 0, 0, 0, 0];
        let index = |ready| Index { name: "x".to_owned(), table: None, definition: definition.clone(), ready };
        let collection = Collection {
            namespace: "backend.a.b".to_owned(),
            table: "collection-0-1".to_owned(),
            options,
            indexes: vec![index(true), index(false)],
        };
        let text = text(&collection).unwrap();
        let expected = json!({
            "options": {"capped": true},
            "indexes": [{"v": {"$numberInt": "2"}}],
            "collectionName": "a.b",
            "type": "collection",
            "uuid": "ab".repeat(16),
        });
        assert_eq!(serde_json::from_slice::<Value>(&text).unwrap(), expected);
    }
}
