//! Single documents by their `_id`: for documents too large to be read in pages, and to look at what the target
//! already holds.

use super::client::{Call, Client, LONG};
use super::document::{Document, Item};
use super::failure::Failure;
use super::page::Page;
use super::splitter::Items;
use crate::transfer::Key;
use serde::Serialize;
use serde_json::{Value, json};

/// Reads documents by key, each `None` where the node has none, in the order of `keys`. Sent once.
///
/// `keys` may carry a type (before 7) and routing; in a target of one shard routing makes no difference to where a
/// document is found.
pub(super) async fn fetch(client: &Client, index: &str, keys: &[&Key]) -> Result<Vec<Option<Document>>, Failure> {
    #[derive(Serialize)]
    struct Doc<'a> {
        #[serde(rename = "_id")]
        id: &'a str,
        #[serde(rename = "_type", skip_serializing_if = "Option::is_none")]
        kind: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        routing: Option<&'a str>,
    }
    let doc = |key: &&'_ Key| json!(Doc { id: &key.id, kind: key.kind.as_deref(), routing: key.routing.as_deref() });
    let docs: Vec<Value> = keys.iter().map(doc).collect();
    let call = Call::ask(&[index, "_mget"], &json!({"docs": docs})).timeout(LONG);
    let mut page = Page::request(client, &call, Items::Docs).await?;
    let mut items = Vec::with_capacity(keys.len());
    while let Some(item) = page.next().await? {
        items.push(item);
    }
    page.envelope::<Value>()?;
    if items.len() != keys.len() {
        let got = items.len();
        return Err(Failure::Unreadable(format!("{got} documents came where {} were asked for", keys.len())));
    }
    let mut documents = Vec::with_capacity(items.len());
    for (item, key) in items.into_iter().zip(keys) {
        documents.push(match item {
            Item::Document(document) if document.key.id == key.id => Some(document),
            Item::Missing(id) if id == key.id => None,
            Item::KeyOnly(_) => return Err(no_source(&key.id)),
            Item::Document(_) | Item::Missing(_) => {
                return Err(Failure::Unreadable(format!("another document came where {} was asked for", key.id)));
            }
        });
    }
    Ok(documents)
}

pub(super) fn no_source(id: &str) -> Failure {
    Failure::Unreadable(format!("the document {id} has no stored source"))
}
