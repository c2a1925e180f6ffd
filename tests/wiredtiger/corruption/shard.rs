//! All damages to one kind of file in one directory: a piece of work that comes out the same whenever it is done.

use super::damage::{WAYS, files, last_record};
use crate::golden::{Contents, Golden, contents, open};
use clearml_migrate::wiredtiger::directory::{ReadUpTo, State};
use fastrand::Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What became of it, by the name of the way.
pub type Ways = BTreeMap<String, Outcomes>;

/// How often which outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    /// Refused, by name.
    pub refused: u32,
    /// Read as without the damage.
    pub irrelevant: u32,
    /// The last record of the log looks as if it had been written by halves, as every killed server may leave one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub torn: u32,
    /// The turtle has no checksum: another place in the log, or another time, is believed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub believed: u32,
    /// The damage left the file as it was.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unchanged: u32,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Outcomes {
    pub fn all(&self) -> u32 {
        self.refused + self.irrelevant + self.torn + self.believed + self.unchanged
    }
}

/// Returns the kinds of files in a golden directory.
pub fn kinds(directory: &str) -> Vec<&'static str> {
    files(Golden::new(directory).path()).into_keys().collect()
}

fn rounds() -> u32 {
    std::env::var("CLEARML_CORRUPTIONS").map_or(12, |rounds| rounds.parse().unwrap())
}

fn read(root: &Path) -> Result<Contents, String> {
    let directory = open(root, ReadUpTo::Newest).map_err(|error| format!("{error:?}"))?;
    match directory.state() {
        State::LastCheckpoint(why) => Err(format!("{}: {why}", root.display())),
        _ => contents(&directory).map_err(|error| format!("{error:?}")),
    }
}

/// A kind of file in a golden directory.
#[derive(Clone, Copy)]
pub struct Shard<'a> {
    pub directory: &'a str,
    pub kind: &'a str,
}

impl Shard<'_> {
    /// Does the work, unless an earlier run has.
    pub fn run(self) -> Ways {
        let Some(results) = std::env::var_os("CLEARML_CORRUPTION_RESULTS") else { return self.damage() };
        let file = Path::new(&results).join(format!("{}@{}.json", self.directory, self.kind));
        if let Ok(kept) = fs::read(&file) {
            return serde_json::from_slice(&kept).unwrap();
        }
        let ways = self.damage();
        clearml_migrate::files::write_atomic(&file, serde_json::to_string(&ways).unwrap().as_bytes()).unwrap();
        ways
    }

    fn damage(self) -> Ways {
        let golden = Golden::new(self.directory);
        let paths = &files(golden.path())[self.kind];
        let originals: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
        let mut ways = Ways::new();
        for (way, damage) in WAYS {
            let seed = format!("{} {} {way}", self.directory, self.kind);
            let mut random = Rng::with_seed(crc32fast::hash(seed.as_bytes()).into());
            let outcomes = ways.entry(way.to_owned()).or_default();
            for _ in 0..rounds() {
                let chosen = random.usize(..paths.len());
                let (path, original) = (&paths[chosen], &originals[chosen]);
                let mut bytes = original.clone();
                if !bytes.is_empty() {
                    damage(&mut random, &mut bytes, &originals[(chosen + 1) % paths.len()]);
                }
                if bytes == *original {
                    outcomes.unchanged += 1;
                    continue;
                }
                fs::write(path, &bytes).unwrap();
                let found = read(golden.path());
                fs::write(path, original).unwrap();
                self.judge(way, &golden, found, (original, &bytes), outcomes);
            }
        }
        ways
    }

    fn judge(
        self,
        way: &str,
        golden: &Golden,
        found: Result<Contents, String>,
        (original, damaged): (&[u8], &[u8]),
        outcomes: &mut Outcomes,
    ) {
        let first = original.iter().zip(damaged).position(|(one, other)| one != other).unwrap_or(damaged.len());
        match found {
            Ok(found) if found == golden.truth => outcomes.irrelevant += 1,
            Ok(_) if self.kind == "log" && first >= last_record(original) => outcomes.torn += 1,
            Ok(_) if self.kind == "WiredTiger.turtle" => outcomes.believed += 1,
            Ok(_) => {
                panic!("{}, {}, {way}, from byte {first} on: other documents are believed", self.directory, self.kind)
            }
            Err(why) => {
                assert!(why.contains(golden.path().to_str().unwrap()), "{why}");
                outcomes.refused += 1;
            }
        }
    }
}
