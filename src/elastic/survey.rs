//! One look at the old data before anything is changed: what they are, what their indices will be, and whether their files
//! can be read. The plan and all checks go by the same look, so that they never speak of two different moments.

use super::files::{Files, look_again};
use super::indices::is_ours;
use super::{IndexPlan, Templates};
use crate::error::{Error, Kind, Result};
use crate::lucene::data_dir::{self, DataDir, Identified, Index, identify};
use crate::lucene::directory::DataDirectory;
use std::path::{Path, PathBuf};

/// What a data directory is and holds, by its own files. A node may have been running on it.
#[derive(Debug)]
pub struct Survey {
    /// Absolute path of the directory that was looked at.
    pub path: PathBuf,
    /// What it is.
    pub identified: Identified,
    /// What each of the server's indices will be, or why it cannot be made. Empty where the data are not whole, or not
    /// those of Elasticsearch 5, which a check tells.
    pub plans: Vec<Result<IndexPlan>>,
    /// Why this program cannot read the files, if it cannot.
    pub refusal: Option<Error>,
    /// Bytes of the longest document of the server's indices; nothing if none has 8 MiB, or that cannot be told.
    pub longest_document: Option<u64>,
}

impl Survey {
    /// Looks at a directory. Files that a node removes meanwhile say nothing. Blocks.
    ///
    /// # Errors
    /// Fails if something cannot be read, as for want of permission.
    pub fn of(path: &Path) -> Result<Self> {
        let identified = identify(path)?;
        let mut survey =
            Self { path: path.to_owned(), identified, plans: Vec::new(), refusal: None, longest_document: None };
        let data_dir::Kind::Elastic5(data) = &survey.identified.kind else { return Ok(survey) };
        if data.blocking().next().is_some() {
            return Ok(survey);
        }
        let mut known = Some(data.as_ref().clone());
        let mut opened = None;
        let longest = look_again(|| {
            // The first look goes by what was just identified.
            let directory =
                known.take().map_or_else(|| DataDirectory::look(path), |data| DataDirectory::of(path, data));
            opened.insert(Files::beside(directory?)).longest_document()
        });
        match longest {
            Ok(longest) => survey.longest_document = longest,
            // What merely failed while a node was running says nothing of the data.
            Err(error) => survey.refusal = Some(error).filter(|error| error.kind() == Kind::Refused),
        }
        let templates = Templates::release_1_1()?;
        let described = opened.iter().flat_map(|files| files.indices());
        survey.plans = described.map(|index| IndexPlan::new(index, &templates)).collect();
        Ok(survey)
    }

    /// Returns the data, where they are those of Elasticsearch 5.
    pub fn data(&self) -> Option<&DataDir> {
        match &self.identified.kind {
            data_dir::Kind::Elastic5(data) => Some(data),
            _ => None,
        }
    }

    /// Returns the names of all indices, those of others too.
    pub fn names(&self) -> Vec<String> {
        self.data().map_or_else(Vec::new, |data| data.indices.iter().map(|index| index.name.clone()).collect())
    }

    /// Returns the bytes on disk of the live documents of the server's indices; nothing where the data are not whole.
    pub fn live_bytes(&self) -> Option<u64> {
        let data = self.data().filter(|data| data.blocking().next().is_none())?;
        Some(data.indices.iter().filter(|index| is_ours(&index.name)).map(Index::live_bytes).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::stored::Mode;
    use crate::lucene::testing::{TestDocument, elastic5, fill, index};
    use std::path::Path;
    use std::time::{Duration, Instant};

    const MIB: usize = 1 << 20;
    const TYPE: &str = "stat";

    fn named(number: u32, length: usize) -> TestDocument {
        let source = format!("{{\"t\":\"{}\"}}", "a".repeat(length));
        TestDocument { uid: Some(format!("{TYPE}#{number}")), routing: None, source, live: !number.is_multiple_of(3) }
    }

    /// Adds an index of two segments.
    fn add(root: &Path, name: &str, number: u32, longest: usize) {
        let uuid = format!("{number:022}");
        index(root, name, &uuid, 5_061_699, &[serde_json::json!({ TYPE: {} })]);
        let few = (0..30).map(|number| named(number, 300)).collect();
        let segments = [(Mode::Fast, true, few), (Mode::Fast, false, vec![named(1, longest)])];
        fill(&root.join("nodes/0/indices").join(uuid).join("0"), &segments, &[], 0);
    }

    #[test]
    fn what_lives_and_the_longest_document_are_told_of_the_servers_indices_alone() {
        let dir = tempfile::tempdir().unwrap();
        elastic5(dir.path());
        std::fs::remove_dir_all(dir.path().join("nodes/0/indices")).unwrap();
        add(dir.path(), "worker_stats_c_2020-01", 1, 9 * MIB);
        let ours = Survey::of(dir.path()).unwrap();
        add(dir.path(), "somebodys", 2, 12 * MIB);
        let all = Survey::of(dir.path()).unwrap();
        assert_eq!(all.names(), ["somebodys", "worker_stats_c_2020-01"]);
        assert_eq!((all.live_bytes(), all.longest_document), (ours.live_bytes(), ours.longest_document));
        assert_eq!(all.longest_document.unwrap() / MIB as u64, 9);
        assert!(all.refusal.is_none() && all.live_bytes() > Some(1_000));
    }

    #[test]
    #[ignore = "writes 20,000 files, which takes a minute or two: cargo test --lib a_hundred_years -- --ignored --nocapture"]
    fn to_look_for_the_longest_document_costs_next_to_nothing_in_a_hundred_years_of_months() {
        let dir = tempfile::tempdir().unwrap();
        elastic5(dir.path());
        std::fs::remove_dir_all(dir.path().join("nodes/0/indices")).unwrap();
        (0..1_200).for_each(|month| add(dir.path(), &format!("worker_stats_c_{month}"), month, 300));
        let begun = Instant::now();
        let found = Survey::of(dir.path()).unwrap();
        let all = begun.elapsed();
        assert_eq!((found.names().len(), found.refusal.is_none()), (1_200, true));
        let opened = DataDirectory::look(dir.path()).unwrap();
        let mut of_longest = Duration::ZERO;
        for index in opened.indices() {
            for shard in opened.shards(index).unwrap() {
                let begun = Instant::now();
                shard.longest_document().unwrap();
                of_longest += begun.elapsed();
            }
        }
        println!("1,200 indices are looked at in {all:?}, {of_longest:?} of it for the longest document");
        assert!(of_longest < all / 20);
    }
}
