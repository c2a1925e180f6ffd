//! Memory is bounded, however much there is to read. One test, alone in its process: all memory of that counts.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests may panic")]

#[path = "lucene/written.rs"]
mod written;

use clearml_migrate::elastic::{
    BulkSink, Client, Copier, CopyOptions, CopyRules, Files, IndexPlan, NewIdList, NewIds, Search, Templates,
};
use clearml_migrate::events::Events;
use clearml_migrate::lucene::directory::DataDirectory;
use clearml_migrate::transfer::{CopyOutcome, Mode, RejectLog};
use flate2::read::GzDecoder;
use peak_alloc::PeakAlloc;
use serde_json::json;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use written::{index, rename_index, write_translog};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Documents of the server in the translog.
const DOCUMENTS: u32 = 500_000;
/// Documents of another type, each with the `_id` of one of the server's.
const SHARED: u32 = 240_000;

#[test]
fn many_documents_in_a_translog_and_many_that_share_their_id_are_read_in_little_memory() {
    let directory = tempfile::tempdir().unwrap();
    let archive = GzDecoder::new(File::open("tests/fixtures/lucene/merged.tar.gz").unwrap());
    tar::Archive::new(archive).unpack(directory.path()).unwrap();
    let before = read(directory.path());
    let index = index(directory.path(), "best");
    rename_index(&index, "best", "events-best");
    let of = |kind: &'static str, number: u32| (0..number).map(move |id| (kind, id.to_string(), "{}".to_owned()));
    write_translog(&index.join("0/translog"), of("event", DOCUMENTS).chain(of("old", SHARED)));

    MEMORY.reset_peak_usage();
    let idle = MEMORY.current_usage();
    assert_eq!(read(directory.path()), before + u64::from(DOCUMENTS + SHARED));
    let used = MEMORY.peak_usage() - idle;
    assert!(used < 12 << 20, "{used} bytes for a translog");

    MEMORY.reset_peak_usage();
    let files = Files::open(directory.path()).unwrap();
    let templates = Templates::release_1_1().unwrap();
    let types = ["event", "old"].map(str::to_owned);
    let plans = files.indices().iter().map(|index| IndexPlan::new(index, &templates).unwrap());
    let plans: Vec<IndexPlan> = plans.map(|plan| IndexPlan { types: types.to_vec(), ..plan }).collect();
    let cancel = CancellationToken::new();
    let search = Search { files: &files, plans: &plans, directory: directory.path(), cancel: &cancel };
    let mut list = NewIdList::new(directory.path().join("new-ids.ndjson"));
    let new_ids = search.new_ids_listed(&mut list).unwrap();
    assert_eq!(list.documents(), u64::from(SHARED));
    let used = MEMORY.peak_usage() - idle;
    assert!(used < 64 << 20, "{used} bytes for the search");
    let kept = MEMORY.current_usage() - idle;
    assert!(kept < 12 << 20, "{kept} bytes for the copy");

    MEMORY.reset_peak_usage();
    let idle = MEMORY.current_usage();
    let outcome = copy(&files, &plans, new_ids, directory.path());
    assert!(outcome.written >= u64::from(DOCUMENTS + SHARED));
    assert_eq!((outcome.written, outcome.renamed), (outcome.read, u64::from(SHARED)));
    let used = MEMORY.peak_usage() - idle;
    assert!(used < ROOM + (20 << 20), "{used} bytes for the copy");
}

/// Bytes of requests that the copy may have in memory.
const ROOM: usize = 4 << 20;

/// Copies to a node that takes everything, but slowly.
fn copy(files: &Files, plans: &[IndexPlan], new_ids: NewIds, directory: &Path) -> CopyOutcome {
    let rejects = RejectLog::new(directory.join("rejects"));
    let rules = CopyRules { new_ids: Arc::new(new_ids), ..CopyRules::default() };
    let options = CopyOptions { memory: ROOM, rules, ..CopyOptions::new(rejects) };
    let plan = plans.iter().find(|plan| plan.index == "events-best").unwrap();
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let node = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (target, events) =
            (Client::new(&format!("http://{}", node.local_addr().unwrap())).unwrap(), Events::silent());
        tokio::spawn(async move {
            while let Ok((connection, _)) = node.accept().await {
                tokio::spawn(answer(connection));
            }
        });
        let sink = BulkSink::new(target, Mode::Create).await.unwrap();
        let copier = Copier::new(files.clone(), sink, options, events, CancellationToken::new());
        copier.copy_all(vec![plan.clone()], &()).await.unwrap().remove(0)
    })
}

/// What a node answers, as far as anybody asks. It counts the lines of a request and keeps nothing.
async fn answer(connection: TcpStream) {
    let mut connection = BufStream::new(connection);
    loop {
        let (mut head, mut bytes) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let line = head.len();
            if connection.read_line(&mut head).await.unwrap() == 0 {
                return;
            }
            let header = head[line..].to_ascii_lowercase();
            bytes = header.strip_prefix("content-length:").map_or(bytes, |number| number.trim().parse().unwrap());
        }
        let (mut body, mut lines) = ((&mut connection).take(bytes), 0);
        loop {
            let part = body.fill_buf().await.unwrap();
            if part.is_empty() {
                break;
            }
            lines += part.iter().filter(|byte| **byte == b'\n').count();
            let read = part.len();
            body.consume(read);
        }
        let answer = if head.contains("/_bulk") {
            tokio::time::sleep(Duration::from_millis(300)).await;
            format!(r#"{{"items":[{}]}}"#, vec![r#"{"create":{"status":201}}"#; lines / 2].join(","))
        } else {
            json!({"events-best": {"settings": {"index": {"uuid": "id"}}}, "acknowledged": true,
                "shards_acknowledged": true, "_shards": {"failed": 0}, "nodes": {}})
            .to_string()
        };
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", answer.len());
        connection.write_all(head.as_bytes()).await.unwrap();
        connection.write_all(answer.as_bytes()).await.unwrap();
        connection.flush().await.unwrap();
    }
}

/// Reads everything and returns the number of documents.
fn read(path: &Path) -> u64 {
    let directory = DataDirectory::open(path).unwrap();
    let mut documents = 0;
    for index in directory.indices() {
        for shard in directory.shards(index).unwrap() {
            for unit in shard.units() {
                documents += unit.read(|_| Ok(())).unwrap().documents;
            }
        }
    }
    documents
}
