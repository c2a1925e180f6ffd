//! All damages to one kind of file in one directory: a piece of work that comes out the same whenever it is done.

use super::Reader;
use super::damage::{WAYS, Way, WayKind, files};
use crate::golden::{Documents, Golden};
use clearml_migrate::Error;
use fastrand::Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What became of it, by the name of the way.
pub type Ways = BTreeMap<String, Outcomes>;

/// How often which outcome.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    /// Refused, by name.
    pub refused: u32,
    /// Read as without the damage.
    pub irrelevant: u32,
    /// Read as something else, which only a forger can bring about.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub believed: u32,
    /// The damage left the file as it was.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unchanged: u32,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Returns the kinds of files in a golden directory.
pub fn kinds(directory: &str) -> Vec<&'static str> {
    files(Golden::new(directory).directory.path()).into_keys().collect()
}

fn rounds() -> usize {
    std::env::var("CLEARML_CORRUPTIONS").map_or(12, |rounds| rounds.parse().unwrap())
}

fn text(error: &Error) -> String {
    format!("{error} {}", error.causes().join(" "))
}

/// A kind of file in a golden directory.
#[derive(Clone, Copy)]
pub struct Shard<'a> {
    pub directory: &'a str,
    pub kind: &'a str,
}

impl Shard<'_> {
    /// Does the work, unless an earlier run has.
    pub fn run<R: Reader>(self) -> Ways {
        let Some(results) = std::env::var_os("CLEARML_CORRUPTION_RESULTS") else { return self.damage::<R>() };
        let file = Path::new(&results).join(format!("{}@{}.json", self.directory, self.kind));
        if let Ok(kept) = fs::read(&file) {
            return serde_json::from_slice(&kept).unwrap();
        }
        let ways = self.damage::<R>();
        clearml_migrate::files::write_atomic(&file, serde_json::to_string(&ways).unwrap().as_bytes()).unwrap();
        ways
    }

    fn damage<R: Reader>(self) -> Ways {
        let golden = Golden::new(self.directory);
        let root = golden.directory.path();
        let paths = &files(root)[self.kind];
        let mut truth = BTreeMap::new();
        let mut ways = Ways::new();
        for way in WAYS.iter().filter(|way| way.applies_to(self.kind)) {
            let seed = format!("{} {} {}", self.directory, self.kind, way.name);
            let mut random = Rng::with_seed(crc32fast::hash(seed.as_bytes()).into());
            let outcomes = ways.entry(way.name.to_owned()).or_default();
            for _ in 0..rounds() {
                let path = &paths[random.usize(..paths.len())];
                let about = R::about(root, path);
                let truth = truth.entry(about.clone()).or_insert_with(|| R::read(root, &about).unwrap());
                let before = fs::read(path).unwrap();
                let mut bytes = before.clone();
                let other = fs::read(&paths[random.usize(..paths.len())]).unwrap();
                way.damage(&mut random, &mut bytes, other);
                if bytes == before {
                    outcomes.unchanged += 1;
                    continue;
                }
                fs::write(path, bytes).unwrap();
                match R::read(root, &about) {
                    Ok(found) => self.judge(way, path, &found, truth, outcomes),
                    Err(error) => {
                        outcomes.refused += 1;
                        self.require_name(way, path, &text(&error));
                    }
                }
                fs::write(path, &before).unwrap();
            }
        }
        for (about, truth) in truth {
            assert_eq!(R::read(root, &about).unwrap(), truth);
        }
        ways
    }

    fn judge(self, way: &Way, path: &Path, found: &Documents, truth: &Documents, outcomes: &mut Outcomes) {
        if found == truth {
            outcomes.irrelevant += 1;
        } else {
            // Of forged content only that it ends well counts.
            assert!(way.kind == WayKind::Forged, "{}: {}", way.name, path.display());
            outcomes.believed += 1;
        }
    }

    fn require_name(self, way: &Way, path: &Path, told: &str) {
        // What contradicts one another names either; both are in one directory.
        let loose = matches!(self.kind, ".ckp" | "state-") || way.kind == WayKind::Exchanged;
        let place = if loose { path.parent().unwrap() } else { path };
        // Forged content makes others look wrong.
        let named = way.kind == WayKind::Forged || told.contains(place.to_str().unwrap());
        assert!(named, "{}: {} was not named: {told}", way.name, path.display());
    }
}
