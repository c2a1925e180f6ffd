use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Returns the parts of an object, or of an array if it is one.
fn parts(text: &[u8]) -> Result<Vec<Part<'_>>, Malformed> {
    let of = if text.trim_ascii_start().first() == Some(&b'[') { Parts::of_array } else { Parts::of_object };
    let mut parts = of(text)?;
    let mut found = Vec::new();
    while let Some(part) = parts.next()? {
        found.push(part);
    }
    parts.end().map(|()| found)
}

/// Requires that a text has the parts that serde_json finds, or that neither finds it to be JSON.
fn check(text: &str) -> Result<(), TestCaseError> {
    let found = parts(text.as_bytes());
    let values = |found: &[Part<'_>]| -> Vec<String> {
        found.iter().map(|part| String::from_utf8(part.value.to_vec()).unwrap()).collect()
    };
    let expected: Result<Vec<&RawValue>, _> = serde_json::from_str(text);
    let object: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_str(text);
    match (&found, &expected, &object) {
        (Ok(found), Ok(expected), _) => {
            prop_assert_eq!(values(found), expected.iter().map(|value| value.get()).collect::<Vec<_>>(), "{}", text);
        }
        (Ok(found), _, Ok(expected)) => {
            // The last of several values of a key is the one that is kept.
            let names = found.iter().map(|part| serde_json::from_slice::<String>(part.key).unwrap());
            let own: BTreeMap<String, String> = names.zip(values(found)).collect();
            let expected = expected.iter().map(|(key, value)| (key.clone(), value.get().to_owned()));
            prop_assert_eq!(own, expected.collect::<BTreeMap<_, _>>(), "{}", text);
        }
        (Err(_), Err(_), Err(_)) => {}
        _ => {
            let other = [expected.err(), object.err()].map(|error| error.map(|error| error.to_string()));
            prop_assert!(false, "{}: {:?}, but {:?}", text, found, other);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_text_has_the_parts_that_it_has_for_others(
        pieces in vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", " ", "\n", "\"a\"", "\"a\":", "\"ä\\n\"", "\"\\u00e4\"", "\"]}\\\"\"", "\"", "\\",
            "0", "-1.5e+7", "01", "1.", "-", "1e", "true", "false", "null", "nul", "{}", "[]", "[1,{\"x\":[]}]", "\t", "\u{1}",
        ]), 0..12),
        is_object in any::<bool>(),
    ) {
        let inner = pieces.concat();
        check(&inner)?;
        check(&if is_object { format!("{{\"k\":{inner}}}") } else { format!("[{inner}]") })?;
    }

    #[test]
    fn strings_end_where_they_end_for_others(text in "[ -~ä\u{1F600}\"\\\\\u{0}-\u{1F}]{0,40}") {
        check(&format!("[\"{text}\",1]"))?;
        check(&format!("[{},1]", serde_json::Value::from(text)))?;
    }

    #[test]
    fn any_bytes_are_taken_without_harm(text in vec(any::<u8>(), 0..300)) {
        let _ = parts(&text);
        let _ = parts(&[b"{\"a\":".as_slice(), &text, b"}"].concat());
    }

    #[test]
    fn a_string_may_hold_any_bytes(text in vec(any::<u8>().prop_filter("plain", |byte| *byte >= 0x20 && !b"\"\\".contains(byte)), 0..40)) {
        let value = [b"\"", text.as_slice(), b"\""].concat();
        let whole = [b"{".as_slice(), &value, b" : [", &value, b"] }"].concat();
        let list = [b"[", value.as_slice(), b"]"].concat();
        prop_assert_eq!(parts(&whole).unwrap(), [Part { key: &value, value: &list }]);
    }
}

#[test]
fn a_mark_of_utf_8_belongs_to_the_value_behind_it() {
    let whole = b"\xEF\xBB\xBF{\"_source\":\xEF\xBB\xBF{\"a\":1}}";
    assert_eq!(parts(whole).unwrap()[0].value, b"\xEF\xBB\xBF{\"a\":1}");
}

#[test]
fn however_deep_a_value_is_it_is_taken() {
    let deep = format!("[{}{}]", "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert_eq!(parts(deep.as_bytes()).unwrap().len(), 1);
    assert!(parts(&deep.as_bytes()[..deep.len() - 1]).is_err());
}

#[test]
fn it_is_said_where_a_text_is_no_json() {
    let said = |text: &[u8]| parts(text).unwrap_err().to_string();
    assert_eq!(said(br#"{"a":}"#), "no JSON from byte 6 on");
    assert_eq!(said(br#"{"a":1"#), "no JSON from byte 7 on");
    assert_eq!(said(b"{} x"), "no JSON from byte 4 on");
}
