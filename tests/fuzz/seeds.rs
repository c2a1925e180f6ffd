//! Inputs that real nodes wrote: the golden directories of `tests/fixtures/lucene`, file by file and piece by piece, and those
//! of MongoDB's engine.

use crate::mongo_seeds;
use crate::targets::fields::formats;
use clearml_migrate::lucene::codec::Codec;
use clearml_migrate::lucene::commit;
use clearml_migrate::lucene::compound::Entries;
use clearml_migrate::lucene::doc_values::{self, Presence};
use clearml_migrate::lucene::field_infos;
use clearml_migrate::lucene::input::{ByteOrder, Input};
use clearml_migrate::lucene::segment_info::{self, SegmentInfo};
use clearml_migrate::lucene::source;
use clearml_migrate::lucene::stored::block::Decompressor;
use clearml_migrate::lucene::stored::chunk::ChunkReader;
use clearml_migrate::lucene::stored::fields::Fields;
use clearml_migrate::lucene::stored::{self, Format, Layout};
use flate2::read::GzDecoder;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

const DIRECTORIES: [&str; 10] =
    ["killed", "merged", "kinds", "7.6.2", "7.8.1", "7.12.1", "7.15.2", "7.17.29", "8.15.3", "8.17.0"];
const MONGO_DIRECTORIES: [&str; 2] = ["noted", "killed"];
/// Larger files are left out: a fuzzer would lose its way in them.
const MAX: usize = 4_000;
/// Enough of each kind.
const MANY: usize = 60;
const FOOTER: usize = 16;

/// Inputs by the name of their target.
#[derive(Default)]
struct Seeds(BTreeMap<&'static str, BTreeSet<Vec<u8>>>);

/// Returns the inputs by the name of their target.
pub fn of_golden_directories() -> BTreeMap<&'static str, BTreeSet<Vec<u8>>> {
    let mut seeds = Seeds::default();
    for name in DIRECTORIES {
        let directory = tempfile::tempdir().unwrap();
        let archive = GzDecoder::new(File::open(format!("tests/fixtures/lucene/{name}.tar.gz")).unwrap());
        tar::Archive::new(archive).unpack(directory.path()).unwrap();
        seeds.add_directory(directory.path());
    }
    for name in MONGO_DIRECTORIES {
        let directory = tempfile::tempdir().unwrap();
        let archive = GzDecoder::new(File::open(format!("tests/fixtures/wiredtiger/{name}.tar.gz")).unwrap());
        tar::Archive::new(archive).unpack(directory.path()).unwrap();
        for (target, input) in mongo_seeds::of_directory(directory.path()) {
            seeds.add(target, &[input.as_slice()]);
        }
    }
    // What stands within files only, and has no bytes of its own there.
    seeds.add("packed", &[&[0, 3, 5, 0, 0b0010_1001, 0b1100_0000]]);
    seeds.add("packed", &[&[1, 12, 2, 0, 1, 2, 3]]);
    // Two strings, a map of one; all other readers take these four bytes.
    seeds.add("strings", &[&[1, 0, 2, 1, b'a', 1, b'b']]);
    seeds.add("strings", &[&[2, 0, 1, 1, b'a', 1, b'b']]);
    for reader in 0..9 {
        seeds.add("strings", &[&[reader, 0, 0, 0, 0, 1, b'a']]);
    }
    seeds.0
}

fn body(file: &[u8]) -> &[u8] {
    &file[..file.len().saturating_sub(FOOTER)]
}

fn piece(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_le_bytes(), bytes].concat()
}

impl Seeds {
    fn add(&mut self, target: &'static str, parts: &[&[u8]]) {
        let input = parts.concat();
        let inputs = self.0.entry(target).or_default();
        if input.len() <= MAX && inputs.len() < MANY {
            inputs.insert(input);
        }
    }

    fn add_directory(&mut self, directory: &Path) {
        let mut entries: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                self.add_directory(&path);
                continue;
            }
            let file = fs::read(&path).unwrap();
            if name.ends_with(".st") {
                self.add("state", &[body(&file)]);
                let smile = file.windows(3).position(|window| window == b":)\n");
                smile.into_iter().for_each(|at| self.add_smile(&body(&file)[at + 3..]));
            } else if name.ends_with(".ckp") {
                self.add("checkpoint", &[body(&file)]);
            } else if name.ends_with(".tlog") && file.get(..17).is_some_and(|header| header.ends_with(&[0, 0, 0, 2])) {
                self.add_operations(&file);
            } else if let Some(generation) = name.strip_prefix("segments_") {
                self.add_commit(&file, generation, directory);
            }
        }
    }

    /// Raw bytes in it are no JSON: mappings of an index are such.
    fn add_smile(&mut self, content: &[u8]) {
        if source::to_json(&[b":)\n", content].concat(), source::Format::Smile).is_ok() {
            self.add("smile", &[content]);
        }
    }

    /// Of a translog of Elasticsearch 5.
    fn add_operations(&mut self, file: &[u8]) {
        let mut input = Input::at(file, 17);
        let id = input.count32().unwrap();
        input.bytes(id).unwrap();
        let mut together = Vec::new();
        while let Ok(whole) = input.count32().and_then(|length| input.bytes(length)) {
            let operation = &whole[..whole.len() - 4];
            self.add("operation", &[operation]);
            if operation.len() < 500 && together.len() < MAX - 500 {
                together.extend(piece(operation));
            }
        }
        self.add("translog", &[&together]);
    }

    fn add_commit(&mut self, file: &[u8], generation: &str, directory: &Path) {
        self.add("commit", &[body(file)]);
        let commit = commit::parse(file, generation, &(4..=10)).unwrap();
        for segment in commit.contents.unwrap().segments {
            let codec = Codec::of_elasticsearch5(&segment.codec).or(Codec::of_elasticsearch7_or_8(&segment.codec));
            self.add_segment(&Segment::open(directory, segment, codec.unwrap()));
        }
    }

    fn add_segment(&mut self, segment: &Segment) {
        let Segment { named, codec, info, .. } = segment;
        self.add("segment_info", &[body(&segment.read(".si"))]);
        if info.is_compound {
            self.add("compound", &[body(&segment.read(".cfe"))]);
        }
        self.add("field_infos", &[body(&segment.read(".fnm"))]);
        if let Some(generation) = named.delete_generation {
            let file = segment.read(&format!("_{}.liv", base36(generation)));
            self.add("live_docs", &[&info.max_doc.to_le_bytes(), body(&file)]);
        }
        if named.soft_deleted > 0 {
            self.add_soft_deletes(segment);
        }
        let (index, data) = (segment.read(".fdx"), segment.read(".fdt"));
        let max_doc = info.max_doc.to_le_bytes();
        let format = stored::written_as(&data, &named.id, info.stored).unwrap();
        if format.layout() != Layout::Lucene50 {
            let parts = [&max_doc[..], &piece(body(&segment.read(".fdm"))), &piece(body(&index)), body(&data)];
            self.add("stored_since_8_5", &parts);
        } else if *codec == Codec::Lucene6 {
            self.add("stored_until_8_4", &[&max_doc, &piece(body(&index)), body(&data)]);
        }
        self.add_first_chunk(segment, &data, format);
    }

    fn add_soft_deletes(&mut self, segment: &Segment) {
        let Segment { named, codec, .. } = segment;
        let generation = named.field_infos_generation.map(base36);
        let ending = generation.as_ref().map_or(".fnm".to_owned(), |generation| format!("_{generation}.fnm"));
        let file = segment.read(&ending);
        let infos = field_infos::parse(&file, &named.id, *codec, generation.as_deref().unwrap_or_default()).unwrap();
        self.add("field_infos", &[body(&file)]);
        let field = infos.soft_deletes.clone().unwrap();
        let name = format!("{}_{}", field.format, field.suffix);
        let suffix = field.generation.map_or(name.clone(), |generation| format!("{}_{name}", base36(generation)));
        let (meta, data) = (segment.read(&format!("_{suffix}.dvm")), segment.read(&format!("_{suffix}.dvd")));
        let compressed = u8::from(!infos.compressed_doc_values.is_empty());
        self.add("doc_values", &[&[field.number as u8, compressed], body(&meta)]);
        let (presence, _) = doc_values::presence(&meta, &named.id, *codec, &suffix, &infos, &field).unwrap();
        if let Presence::Some { offset, length, jumps, rank_power } = presence {
            let order = u8::from(codec.order() == ByteOrder::Little);
            let set = &data[offset..offset + length];
            self.add("documents_set", &[&[rank_power.unwrap_or_default() << 1 | order, jumps as u8], set]);
        }
    }

    /// The first chunk, which begins with the document 0, the block in it and the documents.
    fn add_first_chunk(&mut self, segment: &Segment, data: &[u8], format: Format) {
        let start = chunks_start(data, format);
        let mut input = Input::at(data, start);
        let mut reader = ChunkReader::new(format);
        let Ok(chunk) = reader.read(&mut input, 0) else { return };
        let which = formats().iter().position(|(_, known)| *known == format).unwrap() as u8;
        let bytes = &data[start..input.position()];
        self.add("chunk", &[&[which], bytes]);
        let raw: usize = chunk.documents().map(|stored| stored.bytes.len()).sum();
        if raw < format.chunk_size() as usize {
            self.add_block(which, format, bytes, raw);
        }
        let file = segment.read(".fnm");
        let numbers = field_infos::parse(&file, &segment.named.id, segment.codec, "").unwrap().numbers;
        for stored in chunk.documents() {
            self.add("document_fields", &[&[stored.fields as u8], stored.bytes]);
            let Ok(fields) = Fields::parse(stored, &numbers) else { continue };
            fields.encoded_id.into_iter().for_each(|id| self.add("id", &[id]));
            let Some(body) = fields.source else { continue };
            match source::Format::of(body) {
                Some(source::Format::Smile) => self.add_smile(&body[3..]),
                Some(source::Format::Cbor) => self.add("cbor", &[body]),
                // One with comments is none of JSON alone.
                Some(source::Format::Json) if serde_json::from_slice::<serde_json::Value>(body).is_ok() => {
                    self.add("json", &[body]);
                }
                Some(source::Format::Yaml) => self.add("yaml", &[body]),
                _ => {}
            }
        }
    }

    /// The block is what ends where the chunk ends.
    fn add_block(&mut self, which: u8, format: Format, chunk: &[u8], raw: usize) {
        let mut decompressor = Decompressor::new(format);
        for start in 0..chunk.len() {
            let mut input = Input::new(&chunk[start..]);
            if decompressor.decompress(&mut input, &mut vec![0; raw]).is_ok() && input.rest().is_empty() {
                let length = (raw as u16).to_le_bytes();
                self.add("block", &[&[which], &length, &chunk[start..]]);
                // Format 0 is LZ4 and nothing else.
                if which == 0 && raw <= 0x3FFF {
                    self.add("lz4", &[&[0], &length, &chunk[start..]]);
                }
                return;
            }
        }
    }
}

/// Returns the offset behind the header of a `.fdt` file.
fn chunks_start(data: &[u8], format: Format) -> usize {
    let mut input = Input::at(data, 4);
    input.string().unwrap();
    input.bytes(20).unwrap();
    let suffix = input.u8().unwrap();
    input.bytes(suffix.into()).unwrap();
    if format.frames_data() {
        input.natural().unwrap();
        input.natural().unwrap();
    }
    input.position()
}

/// A segment whose files are read wherever they are.
struct Segment {
    path: PathBuf,
    named: commit::Segment,
    codec: Codec,
    info: SegmentInfo,
    compound: Option<(Entries, Vec<u8>)>,
}

impl Segment {
    fn open(directory: &Path, named: commit::Segment, codec: Codec) -> Self {
        let path = directory.join(&named.name);
        let outside = |ending: &str| fs::read(format!("{}{ending}", path.display())).unwrap();
        let info = segment_info::parse(&outside(".si"), &named.id, codec).unwrap();
        let compound = info
            .is_compound
            .then(|| (Entries::parse(&outside(".cfe"), &named.id, codec.order()).unwrap(), outside(".cfs")));
        Self { path, named, codec, info, compound }
    }

    fn read(&self, ending: &str) -> Vec<u8> {
        let within = self.compound.as_ref().and_then(|(entries, file)| Some(file[entries.range(ending)?].to_vec()));
        within.unwrap_or_else(|| fs::read(format!("{}{ending}", self.path.display())).unwrap())
    }
}

fn base36(generation: i64) -> String {
    let digit = char::from_digit((generation % 36) as u32, 36).unwrap();
    if generation < 36 { digit.into() } else { format!("{}{digit}", base36(generation / 36)) }
}
