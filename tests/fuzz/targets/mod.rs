//! What is fuzzed: one function for each parser of the reader, which takes any bytes.
//!
//! A fuzzer that follows coverage (`guided`) and the plain test beside this module call the same functions. Checksums
//! are made right here, so that what a fuzzer changes reaches the parser behind them. Beyond "no panic", each function
//! asserts what must hold of whatever its parser accepts, and returns whether it has accepted the input.
//!
//! | module | subject |
//! |---|---|
//! | `files` | whole files with header and footer, of which the input is all but the footer |
//! | `fields` | `.fdt`, `.fdx`, `.fdm`: stored fields with their index, chunks, blocks |
//! | `numbers` | packed integers, sets of documents, strings |
//! | `documents` | ids, sources, operations of a translog |
//! | `mongo` | MongoDB's files: numbers, pages, records of the log, documents |
//! | `reference` | LZ4 once more, as simple as can be, to compare with |

mod documents;
pub mod fields;
mod files;
mod mongo;
mod numbers;
mod reference;

use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// No parser may need more for an input of some kilobytes, whatever lengths it names.
const MAX_MEMORY: usize = 64 << 20;
/// Bytes of an input at most, unless the target needs less.
const MAX_LENGTH: usize = 16 << 10;

/// A parser with its name, which is also that of a directory of the corpus.
pub struct Target {
    pub name: &'static str,
    run: fn(&[u8]) -> bool,
    /// Longer inputs are cut.
    pub max_length: usize,
    max_memory: usize,
}

impl Target {
    const fn new(name: &'static str, run: fn(&[u8]) -> bool) -> Self {
        Self { name, run, max_length: MAX_LENGTH, max_memory: MAX_MEMORY }
    }

    /// Gives an input to the parser and returns whether it was accepted. Panics if the parser does what it must not.
    pub fn check(&self, input: &[u8]) -> bool {
        let input = input.get(..self.max_length).unwrap_or(input);
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let accepted = (self.run)(input);
        let used = MEMORY.peak_usage().saturating_sub(before);
        assert!(used <= self.max_memory, "{}: {used} bytes for an input of {}", self.name, input.len());
        accepted
    }
}

/// All targets.
pub static TARGETS: &[Target] = &[
    Target::new("commit", files::commit),
    Target::new("segment_info", files::segment_info),
    Target::new("compound", files::compound),
    Target::new("field_infos", files::field_infos),
    Target::new("live_docs", files::live_docs),
    Target::new("doc_values", files::doc_values),
    Target::new("state", files::state),
    Target::new("checkpoint", files::checkpoint),
    Target::new("stored_until_8_4", fields::stored_until_8_4),
    Target::new("stored_since_8_5", fields::stored_since_8_5),
    // 18 bytes of Zstandard may hold 240 KiB of zeros: these lengths are no lies.
    Target { max_length: 4 << 10, max_memory: 256 << 20, ..Target::new("chunk", fields::chunk) },
    Target::new("block", fields::block),
    Target::new("lz4", fields::lz4),
    Target::new("document_fields", fields::document_fields),
    Target::new("packed", numbers::packed),
    Target::new("documents_set", numbers::documents_set),
    Target::new("strings", numbers::strings),
    Target::new("id", documents::id),
    Target::new("json", documents::json),
    Target::new("smile", documents::smile),
    Target::new("cbor", documents::cbor),
    Target::new("yaml", documents::yaml),
    Target::new("operation", documents::operation),
    Target::new("translog", documents::translog),
    Target::new("mongo_number", mongo::mongo_number),
    Target::new("mongo_config", mongo::mongo_config),
    // A page may have 65 MiB, of which Zstandard needs but some kilobytes.
    Target { max_memory: 256 << 20, ..Target::new("mongo_page", mongo::mongo_page) },
    Target { max_memory: 256 << 20, ..Target::new("mongo_compressed", mongo::mongo_compressed) },
    Target::new("mongo_commit", mongo::mongo_commit),
    Target::new("mongo_log", mongo::mongo_log),
    Target::new("mongo_modify", mongo::mongo_modify),
    Target::new("mongo_document", mongo::mongo_document),
];

/// The front of an input: numbers that say what the rest is.
struct Control<'a>(&'a [u8]);

impl<'a> Control<'a> {
    fn u8(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    fn u16(&mut self) -> u16 {
        u16::from(self.u8()) | u16::from(self.u8()) << 8
    }

    fn u32(&mut self) -> u32 {
        u32::from(self.u16()) | u32::from(self.u16()) << 16
    }

    /// Takes a piece, which is shorter if there is not as much.
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (piece, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        piece
    }

    /// Takes a piece with its length ahead.
    fn piece(&mut self) -> &'a [u8] {
        let length = self.u16().into();
        self.take(length)
    }

    fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// Puts a footer with the right checksum behind a file's body.
fn footed(body: &[u8]) -> Vec<u8> {
    let mut file = body.to_vec();
    file.extend(0xC028_93E8_u32.to_be_bytes());
    file.extend([0; 4]);
    let checksum = u64::from(crc32fast::hash(&file));
    file.extend(checksum.to_be_bytes());
    file
}
