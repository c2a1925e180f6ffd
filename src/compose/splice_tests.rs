use super::*;
use crate::compose::change;
use serde_json::json;

/// Carries changes out on text and model, requires that both agree, and returns the text.
fn applied(text: &str, changes: &[Change]) -> Result<String, &'static str> {
    let document = Document::parse(text).unwrap();
    let new = apply(&document, changes).map_err(|refusal| refusal.reason)?;
    let mut expected: Value = serde_saphyr::from_str(text).unwrap();
    change::apply(&mut expected, changes).unwrap();
    let read: Value = serde_saphyr::from_str(&new).unwrap_or_else(|error| panic!("{error}\n{new}"));
    assert_eq!(read, expected, "{new}");
    Ok(new)
}

fn set(at: Path, value: &str) -> Change {
    Change::Set { at, value: value.into() }
}

fn insert(at: Path, key: &str, value: Value) -> Change {
    Change::Insert { at, key: key.into(), value }
}

#[test]
fn values_keep_their_quotes_and_comments() {
    let text = "a: x   # one\nb: 'x'\nc: \"x\"\nd: [x, \"y\"]\n\"e\": 1\n";
    let changes = [
        set(Path::of(["a"]), "new"),
        set(Path::of(["b"]), "it's"),
        set(Path::of(["c"]), "new"),
        set(Path::of(["d"]).item(0), "a,b"),
        Change::Rename { at: Path::of(["e"]), key: "f".into() },
    ];
    let expected = "a: new   # one\nb: 'it''s'\nc: \"new\"\nd: [\"a,b\", \"y\"]\n\"f\": 1\n";
    assert_eq!(applied(text, &changes).unwrap(), expected);
}

#[test]
fn removed_lines_take_their_own_comment_and_nothing_else() {
    let text = "a:\n  # kept\n  x: 1 # gone\n  y:\n    - 1\n    - 2\n  # kept too\n  z: 3\nl:\n- a\n- b # gone\n- c\n";
    let changes = [
        Change::Remove { at: Path::of(["a", "x"]) },
        Change::Remove { at: Path::of(["a", "y"]) },
        Change::Remove { at: Path::of(["l"]).item(1) },
    ];
    assert_eq!(applied(text, &changes).unwrap(), "a:\n  # kept\n  # kept too\n  z: 3\nl:\n- a\n- c\n");
}

#[test]
fn braces_lose_their_separators_with_their_entries() {
    let text = "m: {a: 1, b: 2, c: 3, d: 4}\nl: [1, 2, 3]\none: {a: 1}\n";
    let gone = |keys: &[&str]| keys.iter().map(|key| Change::Remove { at: Path::of(["m", key]) }).collect::<Vec<_>>();
    let rest = "\nl: [1, 2, 3]\none: {a: 1}\n";
    for (keys, left) in [
        (vec!["a"], "m: {b: 2, c: 3, d: 4}"),
        (vec!["d"], "m: {a: 1, b: 2, c: 3}"),
        (vec!["c", "d"], "m: {a: 1, b: 2}"),
        (vec!["a", "c"], "m: {b: 2, d: 4}"),
        (vec!["b", "d"], "m: {a: 1, c: 3}"),
        (vec!["a", "b", "c", "d"], "m: {}"),
    ] {
        assert_eq!(applied(text, &gone(&keys)).unwrap(), format!("{left}{rest}"));
    }
    let changes = [Change::Remove { at: Path::of(["l"]).item(2) }, Change::Remove { at: Path::of(["one", "a"]) }];
    assert_eq!(applied(text, &changes).unwrap(), "m: {a: 1, b: 2, c: 3, d: 4}\nl: [1, 2]\none: {}\n");
}

#[test]
fn braces_that_lose_all_and_gain_some_have_no_stray_comma() {
    let text = "m: {a: 1, b: 2}\nl: [x]\nb:\n  a: 1\n";
    let changes = [
        Change::Remove { at: Path::of(["m", "a"]) },
        Change::Remove { at: Path::of(["m", "b"]) },
        insert(Path::of(["m"]), "c", json!("z")),
        Change::Remove { at: Path::of(["l"]).item(0) },
        Change::Push { at: Path::of(["l"]), value: "q".into() },
        Change::Remove { at: Path::of(["b", "a"]) },
        insert(Path::of(["b"]), "c", json!("z")),
    ];
    assert_eq!(applied(text, &changes).unwrap(), "m: {\"c\": \"z\"}\nl: [\"q\"]\nb:\n  c: z\n");
}

#[test]
fn insertions_take_the_indentation_and_order_of_their_place() {
    let text = "services:\n    a:\n        env:\n            A: 1   # why\n        # below\n    b:\n        list:\n        - 'x'\n    c:\nvolumes: {}\n";
    let services = Path::of(["services"]);
    let changes = [
        insert(services.key("a").key("env"), "B", json!("b2")),
        insert(services.key("a").key("env"), "C", json!("b3")),
        insert(services.key("b"), "networks", json!(["m", "k"])),
        Change::Push { at: services.key("b").key("list"), value: "y".into() },
        insert(services.key("c"), "image", json!("i")),
        insert(Path::of(["volumes"]), "v", json!(null)),
        insert(Path::default(), "networks", json!({"k": {"driver": "bridge"}, "m": null})),
    ];
    let expected = "services:\n    a:\n        env:\n            A: 1   # why\n            B: b2\n            C: b3\n        # below\n    b:\n        list:\n        - 'x'\n        - 'y'\n        networks:\n            - m\n            - k\n    c:\n        image: i\nvolumes: {\"v\": null}\nnetworks:\n    k:\n        driver: bridge\n    m:\n";
    assert_eq!(applied(text, &changes).unwrap(), expected);
}

#[test]
fn json_stays_json() {
    let text = "{\"services\": {\"a\": {\"image\": \"x\", \"list\": [\"1\"]}}}";
    let a = Path::of(["services", "a"]);
    let changes = [
        set(a.key("image"), "y"),
        Change::Push { at: a.key("list"), value: "2".into() },
        insert(a, "networks", json!({"b": null})),
    ];
    let new = applied(text, &changes).unwrap();
    let read: Value = serde_json::from_str(&new).unwrap();
    assert_eq!(read["services"]["a"]["networks"], json!({"b": null}));
}

#[test]
fn files_without_a_last_line_end_and_with_windows_ones_keep_them() {
    let services = Path::of(["services", "a"]);
    let new = applied("services:\r\n  a:\r\n    x: 1", &[insert(services, "b", json!("z"))]).unwrap();
    assert_eq!(new, "services:\r\n  a:\r\n    x: 1\r\n    b: z");
}

#[test]
fn a_shared_value_is_changed_once() {
    let text = "x: &x\n  image: a\ns:\n  one: {<<: *x}\n  two:\n    <<: *x\n";
    let at = |service: &str| set(Path::of(["s", service, "image"]), "b");
    let document = Document::parse(text).unwrap();
    let changes = [at("one"), at("two")];
    assert_eq!(apply(&document, &changes).unwrap(), text.replace("image: a", "image: b"));
}

#[test]
fn what_is_not_written_for_editing_is_refused() {
    let text = "a: |\n  x\nb: [1]\nl:\n- k: 1\n";
    assert!(applied(text, &[set(Path::of(["a"]), "y")]).is_err());
    assert!(applied(text, &[Change::Remove { at: Path::of(["l"]).item(0).key("k") }]).is_err());
    let document = Document::parse(text).unwrap();
    assert!(apply(&document, &[set(Path::of(["b"]), "y")]).is_err());
}
