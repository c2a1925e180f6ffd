//! The ways in which a file is damaged, and the kinds of files there are.

use fastrand::Rng;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

type Damage = fn(&mut Rng, &mut Vec<u8>, other: Vec<u8>);

/// A way to damage a file.
pub struct Way {
    pub name: &'static str,
    damage: Damage,
    pub kind: WayKind,
}

/// What a reader has to go by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum WayKind {
    /// A checksum, or what the file says of itself.
    Damaged,
    /// Only what other files say of this one.
    Exchanged,
    /// Nothing but the content: the checksum was made right afterwards.
    Forged,
}

pub const WAYS: [Way; 6] = [
    Way { name: "one bit flipped", damage: |random, bytes, _| flip(random, bytes), kind: WayKind::Damaged },
    Way { name: "bytes overwritten", damage: |random, bytes, _| overwrite(random, bytes), kind: WayKind::Damaged },
    Way {
        name: "truncated",
        damage: |random, bytes, _| bytes.truncate(random.usize(..bytes.len())),
        kind: WayKind::Damaged,
    },
    Way {
        name: "exchanged for another of its kind",
        damage: |_, bytes, other| *bytes = other,
        kind: WayKind::Exchanged,
    },
    Way {
        name: "one bit flipped, checksum made right",
        damage: |random, bytes, _| flip(random, bytes),
        kind: WayKind::Forged,
    },
    Way {
        name: "bytes overwritten, checksum made right",
        damage: |random, bytes, _| overwrite(random, bytes),
        kind: WayKind::Forged,
    },
];

fn flip(random: &mut Rng, bytes: &mut [u8]) {
    let place = random.usize(..bytes.len());
    bytes[place] ^= 1 << random.u8(..8);
}

fn overwrite(random: &mut Rng, bytes: &mut [u8]) {
    let start = random.usize(..bytes.len());
    let end = bytes.len().min(start + random.usize(1..40));
    bytes[start..end].iter_mut().for_each(|byte| *byte = random.u8(..));
}

impl Way {
    /// Tells whether files of a kind can be damaged like this.
    pub fn applies_to(&self, kind: &str) -> bool {
        match self.kind {
            WayKind::Damaged => true,
            // Checkpoints do not say which shard they are of: exchanged, they mean what they say.
            WayKind::Exchanged => kind != ".ckp",
            // These have other checksums than one at the end, or none.
            WayKind::Forged => !matches!(kind, ".cfs" | ".tlog" | "others"),
        }
    }

    /// Damages the content of a file, of which `other` is another one.
    pub fn damage(&self, random: &mut Rng, bytes: &mut Vec<u8>, other: Vec<u8>) {
        if self.kind != WayKind::Forged {
            return (self.damage)(random, bytes, other);
        }
        bytes.truncate(bytes.len() - 8);
        (self.damage)(random, bytes, other);
        let checksum = u64::from(crc32fast::hash(bytes));
        bytes.extend(checksum.to_be_bytes());
    }
}

/// Lists the files of a directory by kind.
pub fn files(root: &Path) -> BTreeMap<&'static str, Vec<PathBuf>> {
    const KINDS: [&str; 15] = [
        "segments_",
        ".si",
        ".cfs",
        ".cfe",
        ".fdt",
        ".fdx",
        ".fdm",
        ".fnm",
        ".liv",
        ".dvm",
        ".dvd",
        ".tlog",
        ".ckp",
        "state-",
        ".st",
    ];
    let mut kinds: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        let mut entries: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                directories.push(path);
            } else if fs::metadata(&path).unwrap().len() > 0 {
                let kind = KINDS.into_iter().find(|kind| name.starts_with(kind) || name.ends_with(kind));
                kinds.entry(kind.unwrap_or("others")).or_default().push(path);
            }
        }
    }
    kinds
}
