//! A document as Elasticsearch holds it: never parsed into values and written anew, because what is verified later is
//! bytes.

use super::json_text::{self, Comments};
use crate::json::{Malformed, Parts, Text};
use crate::transfer::{DocumentRef, Key};
use bytes::Bytes;
use std::borrow::Cow;

/// A document with its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is called.
    pub key: Key,
    /// The JSON text of `_source`, without white space around it.
    pub source: Bytes,
}

impl Document {
    pub(super) fn borrowed(&self) -> DocumentRef<'_> {
        DocumentRef {
            id: &self.key.id,
            kind: self.key.kind.as_deref(),
            routing: self.key.routing.as_deref(),
            source: &self.source,
        }
    }
}

/// What a hit of a search or an item of a multi-get has, as it stands there.
#[derive(Debug, Default)]
struct Hit<'a> {
    id: Option<&'a [u8]>,
    kind: Option<&'a [u8]>,
    routing: Option<&'a [u8]>,
    source: Option<&'a [u8]>,
    found: Option<&'a [u8]>,
    error: Option<&'a [u8]>,
}

impl<'a> Hit<'a> {
    fn of(text: &'a [u8]) -> Result<Self, Malformed> {
        let mut hit = Self::default();
        let mut parts = Parts::of_object(text)?;
        while let Some(part) = parts.next()? {
            let place = match part.key {
                br#""_id""# => &mut hit.id,
                br#""_type""# => &mut hit.kind,
                br#""_routing""# => &mut hit.routing,
                br#""_source""# => &mut hit.source,
                br#""found""# => &mut hit.found,
                br#""error""# => &mut hit.error,
                _ => continue,
            };
            *place = Some(part.value).filter(|value| value != b"null");
        }
        parts.end().map(|()| hit)
    }
}

/// Something that came in the place of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// A document with its source.
    Document(Document),
    /// A document without a source: not asked for, or not stored.
    KeyOnly(Key),
    /// A multi-get found nothing under this `_id`.
    Missing(String),
}

/// Reads one hit of a search or one item of a multi-get.
///
/// # Errors
/// Says what is wrong with the text, or what the node says about this one document.
pub(super) fn parse_item(text: Vec<u8>) -> Result<Item, String> {
    let text = Bytes::from(text);
    match Hit::of(&text) {
        Ok(hit) => item(&text, &text, &hit),
        Err(error) => {
            let mut plain = text.to_vec();
            json_text::blank(&mut plain, Comments::All);
            let hit = Hit::of(&plain).map_err(|_| {
                let start: String = String::from_utf8_lossy(&text).chars().take(200).collect();
                format!("a document is not plain JSON: {error} in {start}")
            })?;
            item(&text, &plain, &hit)
        }
    }
}

/// Makes an item of a hit in `plain`, which is `text` but for comments.
fn item(text: &Bytes, plain: &[u8], hit: &Hit<'_>) -> Result<Item, String> {
    if let Some(error) = hit.error {
        let error: super::failure::Cause = parse("error", error)?;
        return Err(format!("{}: {}", error.kind, error.whole_reason()));
    }
    let string = |name: &str, value| parse::<Text<'_>>(name, value).map(|text| text.0.into_owned());
    let id = string("_id", hit.id.ok_or("a document has no _id")?)?;
    if !hit.found.map_or(Ok(true), |found| parse("found", found))? {
        return Ok(Item::Missing(id));
    }
    let kind = hit.kind.map(|kind| string("_type", kind)).transpose()?;
    let routing = hit.routing.map(|routing| string("_routing", routing)).transpose()?;
    // From 7 on every document has the type `_doc`, which says nothing.
    let key = Key { id, kind: kind.filter(|kind| kind != "_doc"), routing };
    Ok(match hit.source {
        Some(source) => {
            let start = source.as_ptr().addr() - plain.as_ptr().addr();
            Item::Document(Document { key, source: text.slice(start..start + source.len()) })
        }
        None => Item::KeyOnly(key),
    })
}

/// Reads what a hit has besides the document: that is JSON, and Unicode.
fn parse<'a, T: serde::Deserialize<'a>>(name: &str, value: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(value).map_err(|error| format!("{name} of a document is not as it should be: {error}"))
}

/// Returns the source on a single line, as a bulk request needs it. Line ends become spaces: within JSON strings they
/// are always escaped, so these stand between tokens. So do comments that end with their line, which Elasticsearch takes
/// and keeps: without its end, such a comment would take the rest of the document with it.
pub fn on_one_line(source: &[u8]) -> Cow<'_, [u8]> {
    if !has_line_end(source) {
        return Cow::Borrowed(source);
    }
    let mut line = Vec::with_capacity(source.len());
    put_on_one_line(source, &mut line);
    Cow::Owned(line)
}

/// Appends the source on a single line, as [`on_one_line`] has it.
pub fn put_on_one_line(source: &[u8], line: &mut Vec<u8>) {
    let start = line.len();
    line.extend_from_slice(source);
    let put = line.get_mut(start..).unwrap_or_default();
    if !has_line_end(put) {
        return;
    }
    json_text::blank(put, Comments::OfLines);
    put.iter_mut().filter(|byte| ends_line(byte)).for_each(|byte| *byte = b' ');
}

fn has_line_end(text: &[u8]) -> bool {
    memchr::memchr2(b'\n', b'\r', text).is_some()
}

fn ends_line(byte: &u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_kept_byte_for_byte() {
        let source = r#"{ "a" : 1.10,  "b":"\u00e4ä", "a":1e400,"c":12345678901234567890123 }"#;
        let hit =
            format!(r#"{{"_index":"i","_type":"event","_id":"x\"y","_routing":"t","_source": {source} ,"sort":[0]}}"#);
        let Item::Document(document) = parse_item(hit.into_bytes()).unwrap() else { panic!("no document") };
        assert_eq!(document.source, source);
        let key = Key { id: "x\"y".into(), kind: Some("event".into()), routing: Some("t".into()) };
        assert_eq!(document.key, key);
    }

    #[test]
    fn the_source_keeps_its_comments_which_are_no_json() {
        let source = "{ // it's \"a\n\"a\":\"b//c\" /* { */ }";
        let hit = format!("{{\"_id\":\"x\",\"_source\":{source} }}");
        let Item::Document(document) = parse_item(hit.into_bytes()).unwrap() else { panic!("no document") };
        assert_eq!(document.source, source);
    }

    #[test]
    fn what_is_no_document_is_told_apart() {
        let parse = |text: &str| parse_item(text.as_bytes().to_vec());
        assert_eq!(parse(r#"{"_id":"a","found":false}"#), Ok(Item::Missing("a".into())));
        let key = Key { id: "a".into(), kind: None, routing: None };
        assert_eq!(parse(r#"{"_id":"a","_type":"_doc"}"#), Ok(Item::KeyOnly(key)));
        let error = parse(r#"{"_id":"a","error":{"type":"index_closed","reason":"closed"}}"#);
        assert_eq!(error, Err("index_closed: closed".into()));
        assert!(parse(r#"{"_id":"a","_source":{"a":}}"#).unwrap_err().contains("not plain JSON"));
        assert!(parse(r#"{"_source":{"a":1}}"#).unwrap_err().contains("has no _id"));
        assert!(parse(r#"{"_id":7,"_source":{}}"#).unwrap_err().contains("_id of a document"));
        let error = parse(r#"{"_id":"a","error":{"type":"t","reason":"for \uDCE9"}}"#);
        assert!(error.unwrap_err().starts_with("t: for \u{FFFD}"));
    }

    #[test]
    fn the_source_is_kept_whatever_bytes_its_strings_hold() {
        let sources: [&[u8]; 6] = [
            b"{\"msg\":\"caf\xED\xB3\xA9\",\"k\xED\xB3\xA9\":\"\\udce9\"}",
            b"{\"msg\":\"\xC0\xAF \xF5\x80\x80\x80 \xFF\"}",
            b"{ // \xED\xB3\xA9 \"\n\"msg\":\"\xED\xB3\xA9\"/*}*/}",
            b"\xEF\xBB\xBF{\"msg\":\"x\"}",
            b"\xEF\xBB\xBF{\"msg\":/**/\"x\"}",
            b"{\"msg\":\"one\",\"msg\":\"\xED\xB3\xA9\"}",
        ];
        for source in sources {
            let hit = [b"{\"_id\":\"x\",\"_routing\":\"t\",\"_source\":", source, b"}"].concat();
            let Ok(Item::Document(document)) = parse_item(hit) else { panic!("{source:?}") };
            assert_eq!((document.key.id.as_str(), document.source.as_ref()), ("x", source));
        }
    }

    #[test]
    fn a_source_of_several_lines_becomes_one() {
        assert_eq!(*on_one_line(b"{\r\n  \"a\": \"x\\ny\"\n}"), *b"{    \"a\": \"x\\ny\" }");
        assert!(matches!(on_one_line(b"{\"a\":1}"), Cow::Borrowed(_)));
    }

    proptest::proptest! {
        #[test]
        fn whatever_its_strings_hold_a_document_of_several_lines_stays_the_same(text in r#"[/*"\\\n a]{0,12}"#) {
            let value = serde_json::json!({ text.clone(): [text, 1.5, {}] });
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            let commented = pretty.replace('\n', " // it's \"{\n");
            for source in [pretty, commented] {
                let line = on_one_line(source.as_bytes());
                proptest::prop_assert!(!line.contains(&b'\n'));
                proptest::prop_assert_eq!(&serde_json::from_slice::<serde_json::Value>(&line).unwrap(), &value);
            }
        }
    }

    #[test]
    fn a_comment_that_ends_with_its_line_does_not_take_the_next_one_with_it() {
        let one_line = |source: &str| String::from_utf8(on_one_line(source.as_bytes()).into_owned()).unwrap();
        assert_eq!(one_line("{ // it's \"a\n\"a\": 1 }"), "{            \"a\": 1 }");
        assert_eq!(one_line("{\"a\":1}//\r\n//"), "{\"a\":1}      ");
        for same in [r#"{"a": "http://b","c":"\\\"//"/* // /*/, /**/ "d": "e//"}"#, r#"{"\\":1/*/ "*/,"b":"//"}"#, "/"]
        {
            assert_eq!(one_line(&format!("{same}\n")), format!("{same} "));
        }
        // Where there is but one line, every byte is kept; whoever read it has left out what stands behind a document.
        assert_eq!(one_line("{\"a\":1} // b"), "{\"a\":1} // b");
    }
}
