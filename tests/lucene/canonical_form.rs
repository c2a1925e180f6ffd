//! The form of JSON in which both sides are compared is that of the other side.

use crate::canonical::text;

#[test]
fn numbers_and_text_are_written_as_python_writes_them() {
    let json =
        r#"{"b": [1e300, 0.1, -0.0, 1e16, 1e15, 1.5e-7, 0.0001, 1E2, -17], "a": "ö\u007f\ud83d\ude00\b\"\\", "": {}}"#;
    let expected = "{\"\": {}, \"a\": \"\\u00f6\\u007f\\ud83d\\ude00\\b\\\"\\\\\", \
                    \"b\": [1e+300, 0.1, -0.0, 1e+16, 1000000000000000.0, 1.5e-07, 0.0001, 100.0, -17]}";
    assert_eq!(text(&serde_json::from_str(json).unwrap()), expected);
}
