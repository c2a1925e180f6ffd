//! The inputs that are kept: `corpus.tar.gz`, a directory for each target.

use flate2::read::GzDecoder;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

const PATH: &str = "tests/fuzz/corpus.tar.gz";

/// Returns the inputs by the name of their target, in an order that does not change.
pub fn read() -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut corpus: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(PATH).unwrap()));
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            let path = entry.path().unwrap().into_owned();
            let target = path.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
            let mut input = Vec::new();
            entry.read_to_end(&mut input).unwrap();
            corpus.entry(target).or_default().push(input);
        }
    }
    corpus
}
