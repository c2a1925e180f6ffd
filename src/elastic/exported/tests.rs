use super::*;
use std::io::Write;
use std::path::Path;

const TWO: &str = concat!(
    "{\"create\":{\"_index\":\"i\",\"_id\":\"a\\\"b\",\"routing\":\"t\\u00e4\"}}\n{\"n\":1}\n",
    "{\"create\":{\"_index\":\"i\",\"_id\":\"c\"}}\n{}\n"
);

/// `(_id, type, routing, source)`.
type Found = Vec<(String, Option<String>, Option<String>, String)>;

fn file(directory: &Path, content: &[u8], compressed: bool, documents: u64) -> ExportedFile {
    let path = directory.join("i@event");
    std::fs::write(&path, content).unwrap();
    ExportedFile { path, compressed, kind: "event".into(), documents }
}

fn read(file: &ExportedFile) -> Result<Found> {
    let mut found = Found::new();
    file.read("i", |document| {
        let source = String::from_utf8(document.source.to_vec()).unwrap();
        found.push((
            document.id.to_owned(),
            document.kind.map(str::to_owned),
            document.routing.map(str::to_owned),
            source,
        ));
        Ok(())
    })?;
    Ok(found)
}

fn expected() -> Found {
    let event = || Some("event".to_owned());
    vec![("a\"b".into(), event(), Some("tä".into()), "{\"n\":1}".into()), ("c".into(), event(), None, "{}".into())]
}

#[test]
fn documents_are_read_as_they_were_written() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(read(&file(directory.path(), TWO.as_bytes(), false, 2)).unwrap(), expected());
}

#[test]
fn frames_are_read_one_behind_the_other_wherever_they_are_cut() {
    let directory = tempfile::tempdir().unwrap();
    for cut in [0, 1, 20, TWO.len()] {
        let (front, back) = TWO.as_bytes().split_at(cut);
        let frame = |text| ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest);
        let frames = [frame(front), frame(back)].concat();
        assert_eq!(read(&file(directory.path(), &frames, true, 2)).unwrap(), expected(), "cut at {cut}");
    }
    // As the usual library and program write them, with checksums.
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(TWO.as_bytes()).unwrap();
    assert_eq!(read(&file(directory.path(), &encoder.finish().unwrap(), true, 2)).unwrap(), expected());
}

#[test]
fn what_no_export_has_is_refused_with_the_file_s_name() {
    let directory = tempfile::tempdir().unwrap();
    let other = TWO.replace("\"i\"", "\"j\"");
    let cases: [(&str, u64, &str); 6] = [
        (&TWO[..TWO.len() - 1], 2, "ends in the middle of a line"),
        (&TWO[..TWO.len() - 3], 2, "Document 2 of"),
        (TWO, 3, "has 2 documents; the manifest counts 3"),
        (&other, 2, "Document 1 of"),
        ("hello\nworld\n", 1, "is not preceded by its action"),
        (r#"{"delete":{"_index":"i","_id":"a"}}"#, 1, "ends in the middle"),
    ];
    for (content, documents, part) in cases {
        let error = read(&file(directory.path(), content.as_bytes(), false, documents)).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Refused, "{content}");
        assert!(error.message().contains(part) && error.message().contains("i@event"), "{error}");
        assert!(!error.hints().is_empty());
    }
    let torn = ruzstd::encoding::compress_to_vec(TWO.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest);
    let error = read(&file(directory.path(), &torn[..torn.len() - 2], true, 2)).unwrap_err();
    assert!(format!("{error} {:?}", error.causes()).contains("i@event"), "{error:?}");
}
