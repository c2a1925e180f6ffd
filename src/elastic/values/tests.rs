//! Documents against mappings, as a whole: what is foretold, and what the mapping becomes.

use super::mend;
use super::mend::Decision;
use super::scan::Scan;
use super::schema::Schema;
use crate::elastic::Version;
use crate::elastic::mapping::refused_names;
use crate::elastic::unindexed::{How, Unindexed};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

struct Found {
    unindexed: Vec<Unindexed>,
    mapping: Value,
    refused: Vec<(String, u64)>,
}

impl Found {
    /// Returns each field with what is done and the number of documents.
    fn told(&self) -> Vec<(&str, How, u64, &str)> {
        let one = |one: &'_ Unindexed| (one.how, one.documents);
        self.unindexed
            .iter()
            .map(|field| (field.field.as_str(), one(field).0, one(field).1, field.example.as_str()))
            .collect()
    }
}

fn looked(version: &str, mapping: &Value, settings: &Value, documents: &[&str]) -> Found {
    let version = Version::parse(version).unwrap();
    let schema = Arc::new(Schema::new(mapping, settings, &version, &refused_names(&version)));
    // On two threads, as files are read.
    let (mut one, mut other) = (Scan::new(Arc::clone(&schema)), Scan::new(Arc::clone(&schema)));
    for (number, document) in documents.iter().enumerate() {
        let scan = if number % 2 == 0 { &mut one } else { &mut other };
        scan.document(document.as_bytes(), true);
    }
    one.merge(&other);
    let Decision { mends, refused } = mend::decide(&schema, &one);
    let mut mapping = mapping.clone();
    mends.iter().for_each(|(keys, one)| mend::apply(&mut mapping, keys, one.how));
    Found { unindexed: mends.into_iter().map(|(_, one)| one).collect(), mapping, refused }
}

fn found(mapping: &Value, documents: &[&str]) -> Found {
    looked("7.6.2", mapping, &json!({}), documents)
}

#[test]
fn plain_documents_change_nothing() {
    let mapping = json!({"properties": {"value": {"type": "float"}, "timestamp": {"type": "date"}, "ok": {"type": "boolean"},
        "metric": {"type": "keyword"}, "o": {"properties": {"n": {"type": "long"}}}}});
    let documents = [
        r#"{"value":0.5,"timestamp":1592308800123,"ok":true,"metric":"a","o":{"n":5},"unknown":{"x":[1]}}"#,
        r#"{"value":"0.5","timestamp":"2020-06-16T10:00:00.123Z","ok":"false","metric":7,"o":[{"n":"5"},{"n":null},null]}"#,
        r#"{"value":null,"timestamp":null,"ok":"","metric":[["a"],null],"o.n":[1,2]} // a comment"#,
        "[]",
        "no JSON",
    ];
    let found = found(&mapping, &documents);
    assert_eq!((found.told(), &found.mapping), (Vec::new(), &mapping));
}

#[test]
fn numbers_and_dates_that_are_not_taken_are_left_out_in_their_own_field_only() {
    let mapping = json!({"properties": {"value": {"type": "float"}, "iter": {"type": "long"}, "timestamp": {"type": "date"},
        "o": {"properties": {"n": {"type": "integer", "store": true}}}}});
    let documents = [
        r#"{"value":1e39,"iter":1,"timestamp":-1}"#,
        r#"{"value":[1,"NaN",1e300],"iter":2}"#,
        r#"{"value":"n/a","o":{"n":"x"}}"#,
        "\u{FEFF}{\"value\":1,\"o.n\":3e9,\"timestamp\":\"2020-W25\"}",
    ];
    let found = found(&mapping, &documents);
    let expected = [
        ("value", How::Malformed, 3, "1e39"),
        ("timestamp", How::Malformed, 2, "-1"),
        ("o.n", How::Malformed, 2, "3e9"),
    ];
    let mut told = found.told();
    told.sort_by_key(|(field, ..)| std::cmp::Reverse(*field));
    assert_eq!(told, expected);
    let expected = json!({"properties": {"value": {"type": "float", "ignore_malformed": true}, "iter": {"type": "long"},
        "timestamp": {"type": "date", "ignore_malformed": true},
        "o": {"properties": {"n": {"type": "integer", "store": true, "ignore_malformed": true}}}}});
    assert_eq!(found.mapping, expected);
    // Newer versions read numbers of milliseconds before 1970.
    let newer = looked("8.17.0", &mapping, &json!({}), &documents);
    assert!(newer.told().contains(&("timestamp", How::Malformed, 1, "2020-W25")));
}

#[test]
fn what_an_index_ignores_already_is_left_to_it() {
    let mapping =
        json!({"properties": {"value": {"type": "float"}, "other": {"type": "float", "ignore_malformed": false}}});
    let settings = json!({"mapping": {"ignore_malformed": "true"}});
    let found = looked("7.6.2", &mapping, &settings, &[r#"{"value":1e39,"other":1e39}"#]);
    assert_eq!(found.told(), [("other", How::Malformed, 1, "1e39")]);
}

#[test]
fn a_field_of_true_and_false_with_other_values_becomes_words() {
    let mapping = json!({"properties": {"ok": {"type": "boolean", "null_value": true, "index": true, "meta": {}}}});
    let documents = [r#"{"ok":1}"#, r#"{"ok":"on"}"#, r#"{"ok":true}"#, r#"{"ok":"False"}"#];
    let found = found(&mapping, &documents);
    assert_eq!(found.told(), [("ok", How::Words, 3, "1")]);
    let words = json!({"type": "keyword", "index": true, "null_value": "true"});
    assert_eq!(found.mapping["properties"]["ok"], words);
}

#[test]
fn texts_longer_than_a_term_are_left_out_and_shorter_ones_are_not() {
    let mapping = json!({"properties": {"worker": {"type": "keyword"}, "name": {"type": "text", "fields": {
        "raw": {"type": "keyword"}, "short": {"type": "keyword", "ignore_above": 256}}}}});
    let text = |text: String| format!(r#"{{"worker":"{text}"}}"#);
    let documents = [text("a".repeat(32_766)), text("a".repeat(40_000)), text("b".repeat(50_000)), text("c".into())];
    let found = found(&mapping, &documents.each_ref().map(String::as_str));
    let example = format!("{}…", "a".repeat(40));
    assert_eq!(found.told(), [("worker", How::TooLong(39_999), 2, example.as_str())]);
    assert_eq!(found.mapping["properties"]["worker"]["ignore_above"], 39_999);

    // One that fits has more characters than one that does not: then neither is indexed.
    let documents = [text("a".repeat(32_766)), text("€".repeat(10_923)), text("a".repeat(10_922))];
    let found = super::tests::found(&mapping, &documents.each_ref().map(String::as_str));
    assert_eq!(found.told()[0].1, How::TooLong(10_922));
    assert_eq!(found.told()[0].2, 2);

    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(33_000));
    let found = super::tests::found(&mapping, &[&long]);
    assert_eq!((found.told()[0].0, found.told()[0].1), ("name.raw", How::TooLong(32_999)));
    assert_eq!(found.mapping["properties"]["name"]["fields"]["raw"]["ignore_above"], 32_999);
    assert_eq!(found.mapping["properties"]["name"]["fields"]["short"]["ignore_above"], 256);
}

#[test]
fn objects_and_values_in_one_field_are_kept_and_not_indexed() {
    let mapping = json!({"properties": {"metric": {"type": "keyword"}, "o": {"properties": {"n": {"type": "long"}}},
        "free": {"type": "object", "enabled": false}, "place": {"type": "geo_point"}}});
    let documents = [
        r#"{"metric":{"name":"loss"},"free":5,"place":{"lat":1,"lon":2}}"#,
        r#"{"metric.name":"loss","free":{"x":1}}"#,
        r#"{"o":5}"#,
        r#"{"o":[{"n":"x"},"y"]}"#,
        r#"{"metric":"loss","o":{"n":1}}"#,
    ];
    let found = found(&mapping, &documents);
    assert_eq!(found.told(), [("metric", How::NotIndexed, 2, "{…}"), ("o", How::NotIndexed, 2, "5")]);
    let off = json!({"type": "object", "enabled": false});
    assert_eq!((&found.mapping["properties"]["metric"], &found.mapping["properties"]["o"]), (&off, &off));
}

#[test]
fn a_document_with_a_name_that_the_node_keeps_for_itself_is_told() {
    let mapping = json!({"properties": {"o": {"properties": {"_ignored": {"type": "keyword"}}}}});
    let documents = [
        r#"{"_ignored":"x"}"#,
        r#"{"_ignored":{"a":1},"_seq_no":null}"#,
        r#"{"o":{"_ignored":"x"}}"#,
        r#"{"_tier":"hot","_doc_count":5}"#,
    ];
    let refused = |version| looked(version, &mapping, &json!({}), &documents).refused;
    assert_eq!(refused("7.6.2"), [("_ignored".to_owned(), 2), ("_seq_no".to_owned(), 1)]);
    assert_eq!(refused("7.17.29").last(), Some(&("_tier".to_owned(), 1)));
}

#[test]
fn a_format_that_is_not_known_is_told_as_such() {
    let mapping = json!({"properties": {"d": {"type": "date", "format": "basic_date||epoch_millis"}}});
    let found = found(&mapping, &[r#"{"d":"2020Z"}"#, r#"{"d":5}"#, r#"{"d":"x"}"#]);
    assert_eq!(found.told(), [("d", How::Malformed, 2, "2020Z")]);
    assert!(found.unindexed[0].at_most);
    assert_eq!(found.mapping["properties"]["d"]["ignore_malformed"], true);
}

#[test]
fn a_document_that_is_left_out_changes_the_mapping_and_does_not_count() {
    let version = Version::parse("7.6.2").unwrap();
    let mapping = json!({"properties": {"value": {"type": "float"}}});
    let schema = Arc::new(Schema::new(&mapping, &json!({}), &version, &[]));
    let mut scan = Scan::new(Arc::clone(&schema));
    scan.document(br#"{"value":1e39}"#, false);
    let Decision { mends, .. } = mend::decide(&schema, &scan);
    assert_eq!(
        (mends[0].1.how, mends[0].1.documents),
        (How::Malformed, 0),
        "so that a run that goes on finds the same"
    );
}

proptest! {
    #[test]
    fn after_the_change_nothing_is_left_to_be_changed(
        values in proptest::collection::vec(prop::sample::select(vec![
            "1", "1e39", "-1", "true", r#""yes""#, r#""""#, r#""2020/6/1""#, "null", "{}", r#"{"x":1}"#, "[1,[{}]]", r#""2020-06-16""#, "1e400",
        ]), 1..12),
        kind in prop::sample::select(vec!["float", "long", "date", "boolean", "keyword", "text", "double", "binary", "object"]),
    ) {
        let mapping = json!({"properties": {"f": {"type": kind}}});
        let documents: Vec<String> = values.iter().map(|value| format!(r#"{{"f":{value}}}"#)).collect();
        let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
        let first = found(&mapping, &documents);
        let again = found(&first.mapping, &documents);
        prop_assert_eq!(again.told(), Vec::new(), "{}", first.mapping);
    }

    #[test]
    fn no_bytes_make_it_fail(source in proptest::collection::vec(any::<u8>(), 0..80), braces: bool) {
        let version = Version::parse("7.6.2").unwrap();
        let mapping = json!({"properties": {"a": {"type": "date"}, "b": {"properties": {"c": {"type": "float"}}}}});
        let schema = Arc::new(Schema::new(&mapping, &json!({}), &version, &[]));
        let text = if braces { [&b"{\"a\":"[..], &source, b"}"].concat() } else { source };
        Scan::new(schema).document(&text, true);
    }
}
