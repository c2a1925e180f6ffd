//! A directory tree as a value: every entry with its content, owner, mode and modification time.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Entries by path relative to the root, which is the empty path. Equal trees have equal entries, wherever they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree(BTreeMap<PathBuf, String>);

impl Tree {
    /// Reads the tree at `root`; nothing there is an empty tree.
    pub fn of(root: &Path) -> Self {
        let mut entries = BTreeMap::new();
        if fs::symlink_metadata(root).is_ok() {
            add(root, Path::new(""), &mut entries);
        }
        Self(entries)
    }

    /// Returns whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Requires that `self` is what there was `before`, and names what is not.
    #[track_caller]
    pub fn same_as(&self, before: &Self, what: &str) {
        let changed: Vec<String> =
            before.0.keys().chain(self.0.keys()).filter_map(|path| self.change(before, path)).collect();
        assert!(changed.is_empty(), "{what} has changed:\n{}", changed.join("\n"));
    }

    fn change(&self, before: &Self, path: &Path) -> Option<String> {
        let shown = path.display();
        match (before.0.get(path), self.0.get(path)) {
            (Some(old), Some(new)) if old == new => None,
            (Some(old), Some(new)) => Some(format!("  {shown}: was {old}, is {new}")),
            (Some(_), None) => Some(format!("  {shown}: is gone")),
            (None, _) => Some(format!("  {shown}: is new")),
        }
    }
}

fn add(path: &Path, name: &Path, entries: &mut BTreeMap<PathBuf, String>) {
    let meta = fs::symlink_metadata(path).unwrap();
    let content = if meta.is_symlink() {
        fs::read_link(path).unwrap().display().to_string()
    } else if meta.is_file() {
        content(path)
    } else {
        String::new()
    };
    let (mode, uid, gid) = (meta.mode(), meta.uid(), meta.gid());
    let modified = format!("{}.{:09}", meta.mtime(), meta.mtime_nsec());
    entries.insert(name.to_owned(), format!("{mode:o} {uid}:{gid} {modified} {content}"));
    if meta.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            add(&entry.path(), &name.join(entry.file_name()), entries);
        }
    }
}

fn content(path: &Path) -> String {
    let mut hash = Sha256::new();
    let mut file = fs::File::open(path).unwrap();
    let bytes = std::io::copy(&mut file, &mut HashWriter(&mut hash)).unwrap();
    let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{bytes} bytes {}", &digest[..16])
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
