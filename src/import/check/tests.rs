use super::*;
use crate::export::{Names, Selection, into_directory};
use crate::import::Chosen;
use crate::lucene::stored::Mode;
use crate::lucene::testing::{TestDocument, directory};

const INDEX: &str = "events-log";
const FINISH: &str = "docker-clearml-migrate export";

struct Exports {
    data: tempfile::TempDir,
    directory: tempfile::TempDir,
}

/// An export of one index of the server with thirty documents.
fn exported(encoding: Encoding) -> Exports {
    let document = |number: u32| TestDocument {
        uid: Some(format!("event#{number}")),
        routing: Some("t".into()),
        source: format!("{{\"task\":\"t\",\"n\":{number}}}"),
        live: true,
    };
    let data = directory(&[(Mode::Fast, false, (0..30).map(document).collect())], &[], 0);
    let exports = Exports { data, directory: tempfile::tempdir().unwrap() };
    exports.export(encoding).unwrap();
    exports
}

impl Exports {
    fn export(&self, encoding: Encoding) -> Result<Manifest> {
        let source = self.data.path().to_owned();
        let selection = Selection { source, indices: Names::new("*").unwrap(), encoding, empty: false };
        into_directory(&selection, self.directory.path(), &Events::silent(), &CancellationToken::new())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn open(&self) -> Result<Export> {
        Export::open(self.directory.path(), &Chosen::Servers, FINISH)
    }

    fn check(&self) -> Result<u64> {
        self.open()?.check_files([INDEX], &Events::silent(), &CancellationToken::new())
    }

    /// Says what is refused, with the cause and what to type.
    fn refused(&self) -> String {
        let error = self.check().unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Refused, "{error:?}");
        format!("{error} {} {}", error.causes().join("; "), error.hints().join(" "))
            .replace(&self.directory.path().display().to_string(), "[export]")
    }
}

#[test]
fn a_finished_export_is_taken_in_both_formats() {
    for (encoding, name) in
        [(Encoding::Plain, "events-log@event.ndjson"), (Encoding::Zstd, "events-log@event.ndjson.zst")]
    {
        let exports = exported(encoding);
        let export = exports.open().unwrap();
        let index = &export.indices[INDEX];
        assert_eq!((index.documents(), index.entry.closed), (30, false));
        assert!(index.description["mappings"].is_object());
        assert_eq!(exports.check().unwrap(), fs::metadata(exports.path(name)).unwrap().len());
    }
}

#[test]
fn every_damage_is_told_by_the_file_s_name() {
    let change = |path: &Path, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = fs::read(path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    };
    for name in ["manifest.json", "SHA256SUMS", "events-log.json", "events-log@event.ndjson"] {
        let exports = exported(Encoding::Plain);
        let length = fs::metadata(exports.path(name)).unwrap().len() as usize;
        for at in [0, length / 3, length / 2, length - 2] {
            let exports = exported(Encoding::Plain);
            change(&exports.path(name), &|bytes| bytes[at] ^= 1);
            let refused = exports.refused();
            // Whichever of two files that do not agree was changed, one of them is named.
            let named = refused.contains(name) || name == "SHA256SUMS";
            assert!(named && refused.contains("[export]"), "{name} at {at}: {refused}");
        }
        change(&exports.path(name), &|bytes| bytes.truncate(length / 2));
        assert!(!exports.refused().is_empty());
        fs::remove_file(exports.path(name)).unwrap();
        assert!(exports.check().is_err());
    }
    let exports = exported(Encoding::Plain);
    fs::remove_file(exports.path("events-log@event.ndjson")).unwrap();
    assert!(exports.refused().contains("events-log@event.ndjson: it is missing"));
}

#[test]
fn an_export_that_was_cut_off_is_refused_with_what_finishes_it() {
    let exports = exported(Encoding::Plain);
    let source = exports.data.path().display();
    fs::remove_file(exports.path(CHECKSUMS)).unwrap();
    let refused = exports.refused();
    assert!(refused.contains("is not finished"), "{refused}");
    assert!(refused.contains(&format!("{FINISH} --source {source} --output [export] --format ndjson")), "{refused}");
    exports.export(Encoding::Plain).unwrap();
    exports.check().unwrap();
    fs::write(exports.path(LOCK), "export, process 7").unwrap();
    assert!(exports.refused().contains("is being written now"));
}

#[test]
fn what_is_no_export_is_refused() {
    let empty = tempfile::tempdir().unwrap();
    let error = Export::open(empty.path(), &Chosen::Servers, FINISH).unwrap_err();
    assert!(error.message().contains("is no export") && error.hints()[0].contains("--input"), "{error:?}");
    let exports = exported(Encoding::Plain);
    let none = Chosen::Matching(Names::new("plots-*").unwrap());
    let error = Export::open(exports.directory.path(), &none, FINISH).unwrap_err();
    assert_eq!(error.causes(), ["it has events-log"]);
}

#[test]
fn a_manifest_names_files_of_its_own_directory_only() {
    for name in ["../x", "/etc/passwd", "a/b", "", ".", ".."] {
        assert!(plain(name).is_err(), "{name}");
    }
    assert_eq!(plain("events-log@event.ndjson").unwrap(), "events-log@event.ndjson");
}

#[test]
fn another_content_has_another_hash() {
    let (one, two) = (exported(Encoding::Plain), exported(Encoding::Zstd));
    let content = |exports: &Exports| exports.open().unwrap().indices[INDEX].content.clone();
    assert_eq!(content(&one), content(&one));
    assert_ne!(content(&one), content(&two));
}
