//! How a journal begins, and those that an earlier program has left, for tests.

use super::Opened;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Returns how the journal of a run begins.
pub(crate) fn opened() -> Opened {
    Opened {
        run_id: "r".into(),
        program: "0.1.0".into(),
        created: jiff::Timestamp::UNIX_EPOCH,
        home: "/opt/trains".into(),
    }
}

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

/// Journals that earlier programs have left: files that are there as long as this value.
pub(crate) struct Golden {
    unpacked: tempfile::TempDir,
}

impl Golden {
    /// Unpacks them.
    pub fn new() -> Self {
        let unpacked = tempfile::tempdir().unwrap();
        let packed = File::open(Path::new(GOLDEN).join("7fc5be1/journals.tar.zst")).unwrap();
        let text = ruzstd::decoding::StreamingDecoder::new(packed).unwrap();
        tar::Archive::new(text).unpack(unpacked.path()).unwrap();
        Self { unpacked }
    }

    /// Returns all.
    pub fn all(&self) -> Vec<PathBuf> {
        [journals_in(&Path::new(GOLDEN).join("journals")), self.of_7fc5be1()].concat()
    }

    /// Returns those that the program of commit 7fc5be1 has left.
    pub fn of_7fc5be1(&self) -> Vec<PathBuf> {
        journals_in(self.unpacked.path())
    }
}

fn journals_in(directory: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = directory.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|file| file.extension().is_some_and(|end| end == "journal"));
    all.sort();
    all
}

/// Puts every beginning of a journal that has a plan at `cut`, and looks at it: what a kill behind that record has left. Its
/// notes are in its lines.
pub(crate) fn cut_off_everywhere(journal: &Path, cut: &Path, mut look: impl FnMut(&Path, &str)) {
    let text = std::fs::read(journal).unwrap();
    std::fs::create_dir_all(cut.parent().unwrap()).unwrap();
    let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(end, _)| end + 1);
    for (number, end) in (1..).zip(ends).skip(1) {
        std::fs::write(cut, &text[..end]).unwrap();
        look(cut, &format!("{}, cut off behind record {number}", journal.display()));
    }
}
