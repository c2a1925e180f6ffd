//! Memory is bounded, however many collections a directory of MongoDB's has, and however long its log is: 64 MiB beside the
//! files themselves, which are mapped.
//!
//! | module | subject |
//! |---|---|
//! | `table`, `log` | write tables and logs as the engine does: it would take hours for as many |

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod log;
mod table;

use clearml_migrate::wiredtiger::directory::{MongoDirectory, ReadUpTo, State};
use log::LogWriter;
use peak_alloc::PeakAlloc;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use table::{TableWriter, packed};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Memory is measured for the whole process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

const MAX_MEMORY: usize = 64 << 20;
/// What the metadata of MongoDB 6.0 say of a table's file, but for what is different with each.
const SETTINGS: &str = "access_pattern_hint=none,allocation_size=4KB,app_metadata=(formatVersion=1),\
    assert=(commit_timestamp=none,durable_timestamp=none,read_timestamp=none,write_timestamp=off),block_allocation=best,\
    block_compressor=snappy,cache_resident=false,checksum=on,colgroups=,collator=,columns=,dictionary=0,\
    encryption=(keyid=,name=),exclusive=false,extractor=,format=btree,huffman_key=,huffman_value=,\
    ignore_in_memory_cache_size=false,immutable=false,import=(enabled=false,file_metadata=,repair=false),\
    internal_item_max=0,internal_key_max=0,internal_key_truncate=true,internal_page_max=4KB,key_format=q,key_gap=10,\
    leaf_item_max=0,leaf_key_max=0,leaf_page_max=32KB,leaf_value_max=64MB,log=(enabled=true),\
    lsm=(auto_throttle=true,bloom=true,bloom_bit_count=16,bloom_config=,bloom_hash_count=8,bloom_oldest=false,\
    chunk_count_limit=0,chunk_max=5GB,chunk_size=10MB,merge_custom=(prefix=,start_generation=0,suffix=),merge_max=15,\
    merge_min=0),memory_page_image_max=0,memory_page_max=10m,os_cache_dirty_max=0,os_cache_max=0,\
    prefix_compression=false,prefix_compression_min=4,readonly=false,source=,split_deepen_min_child=0,\
    split_deepen_per_child=0,split_pct=90,tiered_object=false,type=file,value_format=u,verbose=[],\
    version=(major=1,minor=1),write_timestamp_usage=none";

/// What the metadata say of a file.
fn entry(id: u64, address: &str) -> String {
    format!(
        "{SETTINGS},id={id},checkpoint=(WiredTigerCheckpoint.9=(addr=\"{address}\",order=9,time=1690000000,size=8192,\
         newest_start_durable_ts=0,oldest_start_ts=0,newest_txn=0,newest_stop_durable_ts=0,newest_stop_ts=-1,\
         newest_stop_txn=-11,prepare=0,write_gen=9,run_write_gen=1)),checkpoint_backup_info=,checkpoint_lsn=(1,256)"
    )
}

/// A row of the metadata: texts that end with a zero.
fn put_text(metadata: &mut TableWriter, key: &str, value: &str) {
    metadata.put(format!("{key}\0").as_bytes(), format!("{value}\0").as_bytes());
}

fn write_turtle(directory: &Path, metadata: TableWriter) {
    let metadata = entry(0, &metadata.finish()).replace("block_compressor=snappy", "block_compressor=");
    let version = "WiredTiger version string\nWiredTiger 10.0.2: (2022)\nWiredTiger version\nmajor=10,minor=0,patch=2";
    let text = format!("{version}\nfile:WiredTiger.wt\n{metadata}\n");
    fs::write(directory.join("WiredTiger.turtle"), text).unwrap();
}

/// A document of documents, texts and true.
fn document(fields: &[Vec<u8>]) -> Vec<u8> {
    let fields = fields.concat();
    [&(fields.len() as u32 + 5).to_le_bytes()[..], &fields, &[0]].concat()
}

fn field(kind: u8, name: &str, value: &[u8]) -> Vec<u8> {
    [&[kind][..], name.as_bytes(), &[0], value].concat()
}

fn text(name: &str, text: &str) -> Vec<u8> {
    field(2, name, &[&(text.len() as u32 + 1).to_le_bytes()[..], text.as_bytes(), &[0]].concat())
}

/// The catalog's entry of a collection.
fn catalog_entry(namespace: &str, table: &str, index: &str) -> Vec<u8> {
    let uuid = field(5, "uuid", &[&[16, 0, 0, 0, 4][..], &[7; 16]].concat());
    let key = document(&[field(16, "_id", &[1, 0, 0, 0])]);
    let spec = document(&[field(16, "v", &[2, 0, 0, 0]), field(3, "key", &key), text("name", "_id_")]);
    let one = document(&[
        field(3, "spec", &spec),
        field(8, "ready", &[1]),
        field(8, "multikey", &[0]),
        field(18, "head", &[0; 8]),
        field(8, "backgroundSecondary", &[0]),
    ]);
    let details = document(&[
        text("ns", namespace),
        field(3, "options", &document(&[uuid])),
        field(4, "indexes", &document(&[field(3, "0", &one)])),
    ]);
    let tables = document(&[text("_id_", index)]);
    document(&[field(3, "md", &details), field(3, "idxIdent", &tables), text("ns", namespace), text("ident", table)])
}

#[test]
fn a_catalog_of_a_hundred_thousand_collections_is_read_in_64_mib() {
    const COLLECTIONS: u64 = 100_000;
    let _alone = ALONE.lock();
    let directory = tempfile::tempdir().unwrap();
    let name = |kind: &str, number: u64| format!("{kind}-{}-8650840481219980078", COLLECTIONS + number);
    let namespace = |number: u64| format!("backend.collection_{number}");
    let mut catalog = TableWriter::new(&directory.path().join("_mdb_catalog.wt"));
    for number in 0..COLLECTIONS {
        let entry = catalog_entry(&namespace(number), &name("collection", number), &name("index", number));
        catalog.put(&packed(number + 1), &entry);
    }
    let mut metadata = TableWriter::new(&directory.path().join("WiredTiger.wt"));
    let both =
        || ["collection", "index"].into_iter().flat_map(|kind| (0..COLLECTIONS).map(move |number| (kind, number)));
    for (kind, number) in both() {
        let table = name(kind, number);
        let of = format!(
            "app_metadata=(formatVersion=1),assert=(read_timestamp=none),columns=,source=\"file:{table}.wt\",type=file"
        );
        put_text(&mut metadata, &format!("colgroup:{table}"), &of);
    }
    put_text(&mut metadata, "file:_mdb_catalog.wt", &entry(1, &catalog.finish()));
    let address = "018181e4d6a3b7cc8281e4f2e09da0808080808080e21fc0cfc0";
    for ((kind, number), id) in both().zip(2..) {
        put_text(&mut metadata, &format!("file:{}.wt", name(kind, number)), &entry(id, address));
    }
    for (kind, number) in both() {
        let of = "app_metadata=(formatVersion=1),colgroups=,collator=,columns=,key_format=q,value_format=u";
        put_text(&mut metadata, &format!("table:{}", name(kind, number)), of);
    }
    write_turtle(directory.path(), metadata);
    LogWriter::new(directory.path(), 1 << 20).finish();

    MEMORY.reset_peak_usage();
    let idle = MEMORY.current_usage();
    let read = MongoDirectory::read(directory.path(), ReadUpTo::Newest, directory.path()).unwrap();
    let used = MEMORY.peak_usage() - idle;
    assert_eq!((read.collections().len() as u64, read.state()), (COLLECTIONS, &State::Complete));
    assert_eq!(read.collections()[77].namespace, namespace(77));
    println!("{used} bytes at most");
    assert!(used < MAX_MEMORY, "{used} bytes");
}

#[test]
fn a_log_of_any_length_is_put_over_a_collection_in_64_mib() {
    /// Documents in the checkpoint, and in the log.
    const OLD: u64 = 20_000;
    const NEW: u64 = 250_000;
    const LONGEST: usize = 16 << 20;
    let _alone = ALONE.lock();
    let directory = tempfile::tempdir().unwrap();
    let named = |number: u64, length: usize| {
        let mut filled = document(&[text("_id", &format!("{number:032}")), text("text", "")]);
        filled = document(&[text("_id", &format!("{number:032}")), text("text", &"x".repeat(length - filled.len()))]);
        assert_eq!(filled.len(), length);
        filled
    };
    let id = |number: u64| format!("{number:032}").into_bytes();
    let mut collection = TableWriter::new(&directory.path().join("collection-0-1.wt"));
    let mut index = TableWriter::new(&directory.path().join("index-1-1.wt"));
    for number in 1..=OLD {
        collection.put(&packed(number), &named(number, 300));
        index.put(&id(number), &[]);
    }
    let mut catalog = TableWriter::new(&directory.path().join("_mdb_catalog.wt"));
    catalog.put(&packed(1), &catalog_entry("backend.task", "collection-0-1", "index-1-1"));
    let mut metadata = TableWriter::new(&directory.path().join("WiredTiger.wt"));
    put_text(&mut metadata, "file:_mdb_catalog.wt", &entry(1, &catalog.finish()));
    put_text(&mut metadata, "file:collection-0-1.wt", &entry(2, &collection.finish()));
    put_text(&mut metadata, "file:index-1-1.wt", &entry(3, &index.finish()));
    write_turtle(directory.path(), metadata);
    let mut log = LogWriter::new(directory.path(), 100 << 20);
    for number in 1..=NEW {
        // Some are written again and again, and nothing is in the order of the keys.
        let number = number * 7919 % NEW / 2 + OLD / 2 + 1;
        log.commit(2, &[(packed(number), named(number, 700))]);
        log.commit(3, &[(id(number), Vec::new())]);
        if number.is_multiple_of(40_000) {
            log.commit(2, &[(packed(number), named(number, LONGEST))]);
        }
    }
    let written = log.finish();
    assert!(written > 4 * MAX_MEMORY, "a log of {written} bytes would fit");

    MEMORY.reset_peak_usage();
    let idle = MEMORY.current_usage();
    let read = MongoDirectory::read(directory.path(), ReadUpTo::Newest, directory.path()).unwrap();
    assert!(matches!(read.state(), State::Replayed(_)), "{:?}", read.state());
    let task = read.collection("backend.task").unwrap();
    let mut longest = 0;
    let extent = read
        .documents(task, |document| {
            longest = longest.max(document.bytes().len());
            Ok(())
        })
        .unwrap();
    let used = MEMORY.peak_usage() - idle;
    assert_eq!((extent.documents, longest), (OLD / 2 + NEW / 2, LONGEST));
    println!("{used} bytes at most for a log of {written}");
    assert!(used < MAX_MEMORY, "{used} bytes");
}
