//! What documents are made of: ids, sources, and the operations of a translog.

use super::{Control, footed};
use clearml_migrate::elastic::{CopyRules, put_on_one_line, without_duplicate_keys};
use clearml_migrate::json::{Malformed, Part, Parts};
use clearml_migrate::lucene::id::decode;
use clearml_migrate::lucene::input::Input;
use clearml_migrate::lucene::source::{Format, to_json};
use clearml_migrate::lucene::translog::operation::{self, Operation};
use clearml_migrate::lucene::translog::replay::Replay;
use clearml_migrate::transfer::{DocumentRef, Rules};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const UUID: &str = "aGuOc7HbTqy5reBleuqjQw";

pub fn id(encoded: &[u8]) -> bool {
    let (mut fresh, mut used) = (String::new(), "another id".to_owned());
    let id = decode(encoded, &mut fresh);
    assert_eq!(decode(encoded, &mut used), id);
    id.is_ok()
}

/// Whatever becomes JSON is JSON, and stands on one line of a bulk request.
fn becomes_json(body: &[u8], format: Format) -> bool {
    let Ok(json) = to_json(body, format) else { return false };
    let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let mut line = Vec::new();
    put_on_one_line(&json, &mut line);
    assert!(!line.contains(&b'\n'));
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&line).unwrap(), value);
    true
}

fn parts(text: &[u8]) -> Result<Vec<Part<'_>>, Malformed> {
    let mut parts = Parts::of_object(text)?;
    let mut found = Vec::new();
    while let Some(part) = parts.next()? {
        found.push(part);
    }
    parts.end().map(|()| found)
}

/// The text of a document, Unicode or not. What is Unicode has the values that it has for serde_json.
pub fn json(text: &[u8]) -> bool {
    let found = parts(text);
    // The mark of UTF-8 is taken by Elasticsearch, and by nobody else.
    if let Some(text) = str::from_utf8(text).ok().filter(|text| !text.contains('\u{FEFF}')) {
        let expected: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_str(text);
        match (&found, expected) {
            (Ok(found), Ok(expected)) => {
                let name = |part: &Part<'_>| serde_json::from_slice::<String>(part.key).unwrap();
                let values: BTreeMap<String, &[u8]> = found.iter().map(|part| (name(part), part.value)).collect();
                assert!(
                    expected
                        .iter()
                        .map(|(key, value)| (key, value.get().as_bytes()))
                        .eq(values.iter().map(|(key, value)| (key, *value)))
                );
            }
            (Ok(_), Err(error)) => {
                assert!(error.to_string().contains("surrogate") || error.to_string().contains("hex escape"), "{error}")
            }
            (Err(error), Ok(_)) => panic!("{error}"),
            (Err(_), Err(_)) => {}
        }
    }
    let document = DocumentRef { id: "a", kind: None, routing: Some("t"), source: text };
    assert!(CopyRules::default().written("events-x", &document).is_some());
    if let Some(once) = without_duplicate_keys(text) {
        assert!(found.is_ok() && parts(&once).is_ok());
        assert_eq!(without_duplicate_keys(&once), None);
    }
    found.is_ok()
}

pub fn smile(body: &[u8]) -> bool {
    becomes_json(&[b":)\n", body].concat(), Format::Smile)
}

pub fn cbor(body: &[u8]) -> bool {
    becomes_json(body, Format::Cbor)
}

pub fn yaml(body: &[u8]) -> bool {
    becomes_json(body, Format::Yaml)
}

/// An operation with its length and checksum.
fn put_operation(out: &mut Vec<u8>, body: &[u8]) {
    out.extend((body.len() as u32 + 4).to_be_bytes());
    out.extend(body);
    out.extend(crc32fast::hash(body).to_be_bytes());
}

pub fn operation(body: &[u8]) -> bool {
    let mut bytes = Vec::new();
    put_operation(&mut bytes, body);
    let mut input = Input::new(&bytes);
    let Ok(read) = operation::read(&mut input) else { return false };
    assert!(input.rest().is_empty());
    assert!(read.document.is_none_or(|document| document.source.len() < body.len()));
    true
}

/// Operations, each with its length ahead: what they come to is what they come to in a map.
pub fn translog(input: &[u8]) -> bool {
    let mut control = Control(input);
    let mut file = vec![0x3F, 0xD7, 0x6C, 0x17, 8];
    file.extend(b"translog\0\0\0\x02");
    file.extend((UUID.len() as u32).to_be_bytes());
    file.extend(UUID.as_bytes());
    let mut bodies = Vec::new();
    while !control.0.is_empty() {
        bodies.push(control.piece());
    }
    bodies.iter().for_each(|body| put_operation(&mut file, body));
    let mut checkpoint = vec![0x3F, 0xD7, 0x6C, 0x17, 3, b'c', b'k', b'p', 0, 0, 0, 1];
    checkpoint.extend((file.len() as u64).to_be_bytes());
    checkpoint.extend((bodies.len() as u32).to_be_bytes());
    checkpoint.extend(1_u64.to_be_bytes());
    // In memory where that is to be had: disks are too slow for a fuzzer.
    let memory = Path::new("/dev/shm");
    let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    fs::write(directory.path().join("translog-1.tlog"), &file).unwrap();
    fs::write(directory.path().join("translog.ckp"), footed(&checkpoint)).unwrap();

    let mut expected = BTreeMap::new();
    let mut operations = Input::at(&file, file.len() - bodies.iter().map(|body| body.len() + 8).sum::<usize>());
    let all_read = bodies.iter().try_for_each(|_| {
        let Operation { kind, id, document } = operation::read(&mut operations)?;
        let document = document.map(|written| (written.routing.map(|routing| routing.into_owned()), written.source));
        expected.insert((kind.into_owned(), id.into_owned()), document);
        Ok::<_, clearml_migrate::lucene::Corrupt>(())
    });
    let replay = Replay::open(directory.path(), UUID, 1);
    assert_eq!(replay.is_ok(), all_read.is_ok());
    let Ok(replay) = replay else { return false };
    assert!(expected.keys().all(|(kind, id)| replay.supersedes(kind, id)));
    assert!(!replay.supersedes("no such type", "no such id"));
    let mut found = BTreeMap::new();
    replay
        .for_each(|_, kind, id, written| {
            let document = (written.routing.map(|routing| routing.into_owned()), written.source.to_vec());
            assert!(found.insert((kind.to_owned(), id.to_owned()), document).is_none());
            Ok(())
        })
        .unwrap();
    let written = expected.iter().filter_map(|(name, document)| Some((name, document.as_ref()?)));
    let found = found.iter().map(|(name, (routing, source))| (name, (routing.clone(), source.as_slice())));
    assert!(written.map(|(name, document)| (name, document.clone())).eq(found));
    true
}
