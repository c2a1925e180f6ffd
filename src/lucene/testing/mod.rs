//! Writes small files and directories in the formats of Elasticsearch, for tests.

mod segment;
mod stored;
mod translog;

pub(crate) use segment::*;
pub(crate) use stored::*;
pub(crate) use translog::*;

use crate::lucene::input::ByteOrder;
use crate::lucene::stored::Mode;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use serde_json::{Value, json};
use serde_smile::value::Value as Smile;
use std::fs;
use std::io::Write;
use std::path::Path;

pub(crate) fn put_vint(out: &mut Vec<u8>, value: i32) {
    let mut left = value.cast_unsigned();
    while left >= 0x80 {
        out.push((left & 0x7F) as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

pub(crate) fn put_vlong(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7F) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn put_string(out: &mut Vec<u8>, text: &str) {
    put_vint(out, i32::try_from(text.len()).unwrap());
    out.extend(text.as_bytes());
}

pub(crate) fn put_header(out: &mut Vec<u8>, codec: &str, version: i32) {
    out.extend(0x3FD7_6C17_u32.to_be_bytes());
    put_string(out, codec);
    out.extend(version.to_be_bytes());
}

pub(crate) fn put_index_header(out: &mut Vec<u8>, codec: &str, version: i32, id: [u8; 16], suffix: &str) {
    put_header(out, codec, version);
    out.extend(id);
    out.push(u8::try_from(suffix.len()).unwrap());
    out.extend(suffix.as_bytes());
}

pub(crate) fn footer(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.extend(0xC028_93E8_u32.to_be_bytes());
    bytes.extend([0; 4]);
    let crc = u64::from(crc32fast::hash(&bytes));
    bytes.extend(crc.to_be_bytes());
    bytes
}

pub(crate) struct TestSegment {
    pub(crate) name: &'static str,
    pub(crate) max_doc: i32,
    pub(crate) deleted: i32,
}

impl TestSegment {
    pub(crate) fn id(&self) -> [u8; 16] {
        let mut id = [1; 16];
        id[..self.name.len()].copy_from_slice(self.name.as_bytes());
        id
    }
}

/// A `.si` file of a compound segment of the fast mode.
pub(crate) fn segment_info(segment: &TestSegment) -> Vec<u8> {
    segment_info_of(segment, true, "BEST_SPEED")
}

pub(crate) fn segment_info_of(segment: &TestSegment, is_compound: bool, mode: &str) -> Vec<u8> {
    segment_info_naming(segment, is_compound, mode, &[])
}

/// The same with names of files.
pub(crate) fn segment_info_with_files(segment: &TestSegment, files: &[&str]) -> Vec<u8> {
    segment_info_naming(segment, true, "BEST_SPEED", files)
}

fn segment_info_naming(segment: &TestSegment, is_compound: bool, mode: &str, files: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    put_index_header(&mut out, "Lucene62SegmentInfo", 1, segment.id(), "");
    for number in [6, 6, 1, segment.max_doc] {
        out.extend(number.to_be_bytes());
    }
    out.push(if is_compound { 1 } else { 0xFF });
    // No diagnostics, files, one attribute, no sort order.
    out.push(0);
    put_vint(&mut out, i32::try_from(files.len()).unwrap());
    files.iter().for_each(|name| put_string(&mut out, name));
    out.push(1);
    put_string(&mut out, "Lucene50StoredFieldsFormat.mode");
    put_string(&mut out, mode);
    out.push(0);
    footer(out)
}

/// A commit in a format (6 for Lucene 6) that says that Lucene `lucene`.6.1 wrote it.
pub(crate) fn commit(generation: &str, format: i32, lucene: i32, segments: &[TestSegment], translog: i64) -> Vec<u8> {
    let mut out = Vec::new();
    put_index_header(&mut out, "segments", format, [3; 16], generation);
    let version = |out: &mut Vec<u8>| [lucene, 6, 1].into_iter().for_each(|number| put_vint(out, number));
    version(&mut out);
    out.extend(26_i64.to_be_bytes());
    out.extend(5_i32.to_be_bytes());
    out.extend(i32::try_from(segments.len()).unwrap().to_be_bytes());
    if !segments.is_empty() {
        version(&mut out);
    }
    for segment in segments {
        put_string(&mut out, segment.name);
        out.push(1);
        out.extend(segment.id());
        put_string(&mut out, "Lucene62");
        out.extend(if segment.deleted > 0 { 1_i64 } else { -1 }.to_be_bytes());
        out.extend(segment.deleted.to_be_bytes());
        out.extend((-1_i64).to_be_bytes());
        out.extend((-1_i64).to_be_bytes());
        out.push(0);
        out.extend([0; 4]);
    }
    put_vint(&mut out, 2);
    put_string(&mut out, "translog_uuid");
    put_string(&mut out, "aGuOc7HbTqy5reBleuqjQw");
    put_string(&mut out, "translog_generation");
    put_string(&mut out, &translog.to_string());
    footer(out)
}

/// A checkpoint; those with sequence numbers say that 6 is the largest one, 5 on all copies, and 4 the oldest generation.
pub(crate) fn checkpoint(format: i32, offset: i64, operations: i32, generation: i64) -> Vec<u8> {
    let mut out = Vec::new();
    put_header(&mut out, "ckp", format);
    let mut put = |bytes: &mut [u8]| {
        if format == 4 {
            bytes.reverse();
        }
        out.extend(&*bytes);
    };
    put(&mut offset.to_be_bytes());
    put(&mut operations.to_be_bytes());
    put(&mut generation.to_be_bytes());
    if format > 1 {
        [0_i64, 6, 5, 4].into_iter().for_each(|number| put(&mut number.to_be_bytes()));
    }
    if format > 2 {
        put(&mut (-2_i64).to_be_bytes());
    }
    footer(out)
}

/// A state file in SMILE. Objects under the key `mappings` of an array are compressed as Elasticsearch does it.
pub(crate) fn state(content: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    put_header(&mut out, "state", 1);
    out.extend([0, 0, 0, 1]);
    let mut serializer = serde_smile::Serializer::builder().raw_binary(true).build(&mut out);
    to_smile(content, false).serialize(&mut serializer).unwrap();
    footer(out)
}

fn to_smile(value: &Value, compress: bool) -> Smile {
    match value {
        Value::Null => Smile::Null,
        Value::Bool(value) => Smile::Boolean(*value),
        Value::Number(value) => value.as_i64().map_or_else(|| Smile::Double(value.as_f64().unwrap()), Smile::Long),
        Value::String(value) => Smile::String(value.clone()),
        Value::Array(values) => Smile::Array(values.iter().map(|value| to_smile(value, compress)).collect()),
        Value::Object(_) if compress => {
            let mut encoder = DeflateEncoder::new(b"DFL\0".to_vec(), Compression::default());
            encoder.write_all(value.to_string().as_bytes()).unwrap();
            Smile::Binary(encoder.finish().unwrap())
        }
        Value::Object(values) => {
            let pairs = values.iter().map(|(key, value)| (key.clone(), to_smile(value, key == "mappings")));
            Smile::Object(pairs.collect())
        }
    }
}

pub(crate) fn index_state(name: &str, uuid: &str, created: u32, shards: u32, mappings: &[Value]) -> Vec<u8> {
    state(&json!({name: {
        "version": 4,
        "state": "open",
        "settings": {
            "index.number_of_shards": shards.to_string(),
            "index.uuid": uuid,
            "index.version.created": created.to_string(),
        },
        "mappings": mappings,
    }}))
}

/// Writes a data directory of Elasticsearch 5.6.16 with one index `events-log` of one shard: 12 live documents and 4
/// operations in the translog.
pub(crate) fn elastic5(root: &Path) {
    let node = root.join("nodes/0");
    write(&node.join("node.lock"), b"");
    write(&node.join("_state/node-0.st"), &state(&json!({"node_id": "Qw9sbA9IS3uS58w6F7sN-A"})));
    let global = json!({"meta-data": {"version": 1, "cluster_uuid": "MtD2YVEcRyWoEl9a-2yjAQ", "templates": {}}});
    write(&node.join("_state/global-0.st"), &state(&global));
    let mapping = json!({"event": {"properties": {"ts": {"type": "date"}}}});
    index(root, "events-log", "kB80kyWbSLWGrhBASgmkrg", 5_061_699, &[mapping]);
}

/// Adds an index with one shard.
pub(crate) fn index(root: &Path, name: &str, uuid: &str, created: u32, mappings: &[Value]) {
    let dir = root.join("nodes/0/indices").join(uuid);
    write(&dir.join("_state/state-2.st"), b"an older state, not looked at");
    write(&dir.join("_state/state-4.st"), &index_state(name, uuid, created, 1, mappings));
    write(&dir.join("0/_state/state-0.st"), &state(&json!({"version": 3, "primary": true, "index_uuid": uuid})));
    let segments =
        [TestSegment { name: "_0", max_doc: 10, deleted: 3 }, TestSegment { name: "_1", max_doc: 5, deleted: 0 }];
    for segment in &segments {
        write(&dir.join(format!("0/index/{}.si", segment.name)), &segment_info(segment));
        if segment.deleted > 0 {
            let live: Vec<bool> = (0..segment.max_doc).map(|doc| doc >= segment.deleted).collect();
            let live = live_docs(segment.id(), ByteOrder::Big, "1", &live);
            write(&dir.join(format!("0/index/{}_1.liv", segment.name)), &live);
        }
    }
    write(&dir.join("0/index/segments_6"), &commit("6", 6, 6, &segments, 5));
    write(&dir.join("0/index/write.lock"), b"");
    write(&dir.join("0/translog/translog-5.tlog"), &[0; 60]);
    write(&dir.join("0/translog/translog-5.ckp"), &checkpoint(1, 60, 1, 5));
    write(&dir.join("0/translog/translog-6.tlog"), &[0; 100]);
    write(&dir.join("0/translog/translog.ckp"), &checkpoint(1, 90, 3, 6));
}

pub(crate) fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// The shard of [`elastic5`].
pub(crate) const SHARD: &str = "nodes/0/indices/kB80kyWbSLWGrhBASgmkrg/0";

/// Writes a directory as [`elastic5`] does, its shard made of these segments and this translog.
pub(crate) fn directory(
    segments: &[(Mode, bool, Vec<TestDocument>)],
    operations: &[u8],
    count: usize,
) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    elastic5(dir.path());
    fill(&dir.path().join(SHARD), segments, operations, count);
    dir
}

/// Puts these segments and this translog in the place of what [`index`] has put into a shard.
pub(crate) fn fill(shard: &Path, segments: &[(Mode, bool, Vec<TestDocument>)], operations: &[u8], count: usize) {
    fs::remove_dir_all(shard.join("index")).unwrap();
    let names = ["_0", "_1", "_2"].into_iter().zip(segments);
    let written = names.map(|(name, (mode, is_compound, documents))| {
        write_segment(&shard.join("index"), name, *mode, *is_compound, documents)
    });
    let written: Vec<_> = written.collect();
    write(&shard.join("index/segments_7"), &commit("7", 6, 6, &written, 6));
    let file = translog(operations);
    write(&shard.join("translog/translog-6.tlog"), &file);
    let checkpoint = checkpoint(1, i64::try_from(file.len()).unwrap(), i32::try_from(count).unwrap(), 6);
    write(&shard.join("translog/translog.ckp"), &checkpoint);
}
