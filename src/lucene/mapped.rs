//! Files in memory maps, read-only.

use super::Corrupt;
use crate::error::{Error, Result};
use crate::files::problem::problem;
use memmap2::Mmap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Returns the names of what is in a directory; those that are not UTF-8, as no file of Lucene is called, are left out.
///
/// # Errors
/// Fails if it cannot be read to its end.
pub(super) fn names(dir: &Path) -> Result<Vec<String>> {
    let failed = |cause| problem("read the directory", dir, cause);
    let entries = std::fs::read_dir(dir).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    Ok(entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// A file whose bytes are at hand without being read in.
#[derive(Debug)]
pub struct MappedFile {
    path: PathBuf,
    map: Mmap,
}

impl MappedFile {
    /// Maps a file.
    ///
    /// # Errors
    /// Fails if it cannot be opened or mapped.
    pub fn open(path: PathBuf) -> Result<Self> {
        let file = File::open(&path).map_err(|cause| problem("read", &path, cause))?;
        Self::of(path, &file)
    }

    /// Maps a file that is open, and that nobody writes to any more.
    ///
    /// # Errors
    /// Fails if it cannot be mapped.
    pub(super) fn of(path: PathBuf, file: &File) -> Result<Self> {
        // SAFETY: a map is only unsound if the file changes below it. Lucene never changes a file that a commit names,
        // Elasticsearch only appends to a translog, beyond what its checkpoint counts. Deleted files stay as long as
        // they are mapped, and neither are cut short. The bytes are never taken for valid UTF-8 or valid lengths unchecked.
        #[allow(unsafe_code)]
        let map = unsafe { Mmap::map(file) }.map_err(|cause| problem("map", &path, cause))?;
        Ok(Self { path, map })
    }

    /// Returns the whole content.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Returns the refusal of a file that is not as it should be.
pub(crate) fn refused(path: &Path, why: Corrupt) -> Error {
    Error::refused(format!("{} is damaged or of an unknown kind.", path.display())).because(why).hint(
        "Nothing in it was changed. If the directory is a copy, copy it again; if not, let the Elasticsearch that wrote it \
         read it, which tells whether the data are whole.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_content_of_a_file_is_there_even_if_it_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        for content in [&b"content"[..], b""] {
            let path = dir.path().join("file");
            fs::write(&path, content).unwrap();
            assert_eq!(MappedFile::open(path).unwrap().bytes(), content);
        }
        let missing = MappedFile::open(dir.path().join("missing")).unwrap_err();
        assert!(missing.message().contains("missing"), "{missing}");
    }
}
