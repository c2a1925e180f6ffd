//! What in a directory speaks for which version of Elasticsearch.

use super::VersionId;
use crate::lucene::commit::LuceneVersion;

/// Versions that something in the directory speaks for.
#[derive(Debug, Default)]
pub(super) struct Evidence(Vec<Piece>);

#[derive(Debug)]
struct Piece {
    major: u32,
    /// The version to the last number, if it tells that.
    exact: Option<VersionId>,
    what: String,
}

impl Evidence {
    /// Adds that `what` speaks for a major version of Elasticsearch.
    pub(super) fn add(&mut self, major: u32, what: impl Into<String>) {
        self.0.push(Piece { major, exact: None, what: what.into() });
    }

    /// Adds that `what` tells a version to the last number.
    pub(super) fn add_exact(&mut self, version: VersionId, what: impl Into<String>) {
        self.0.push(Piece { major: version.major(), exact: Some(version), what: what.into() });
    }

    /// Adds that this Lucene wrote `what`.
    pub(super) fn add_lucene(&mut self, lucene: LuceneVersion, what: &str) {
        let major = elasticsearch_of(lucene.major);
        self.add(major, format!("Lucene {lucene} wrote {what}, as in Elasticsearch {major}"));
    }

    /// Returns the newest major version and what says so: if anything tells it to the last number, that.
    pub(super) fn newest(&self) -> Option<(u32, &str)> {
        let newest = self.0.iter().map(|piece| piece.major).max()?;
        let of_newest = || self.0.iter().filter(|piece| piece.major == newest);
        // Of several, the first is told.
        let exact = of_newest().filter(|piece| piece.exact.is_some()).rev().max_by_key(|piece| piece.exact);
        exact.or_else(|| of_newest().next()).map(|piece| (piece.major, piece.what.as_str()))
    }
}

/// Returns the major version of the Elasticsearch that has a Lucene of this one.
fn elasticsearch_of(lucene: i32) -> u32 {
    match u32::try_from(lucene) {
        // There were no Elasticsearch 3 and 4.
        Ok(major @ 6..) => major - 1,
        Ok(5) => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_lucene_belongs_to_one_elasticsearch() {
        let told = [4, 5, 6, 7, 8, 9, 10].map(elasticsearch_of);
        assert_eq!(told, [1, 2, 5, 6, 7, 8, 9]);
        let mut evidence = Evidence::default();
        evidence.add_lucene(LuceneVersion { major: 5, minor: 5, bugfix: 4 }, "it");
        assert_eq!(evidence.newest(), Some((2, "Lucene 5.5.4 wrote it, as in Elasticsearch 2")));
    }

    #[test]
    fn the_newest_counts_and_of_it_what_tells_the_version_to_the_last_number() {
        let mut evidence = Evidence::default();
        assert_eq!(evidence.newest(), None);
        evidence.add_exact(VersionId(2_040_699), "old");
        evidence.add(7, "since 7.0");
        assert_eq!(evidence.newest(), Some((7, "since 7.0")));
        for (version, what) in
            [(7_060_299, "7.6.2"), (7_172_999, "7.17.29"), (7_172_999, "again"), (7_100_299, "7.10.2")]
        {
            evidence.add_exact(VersionId(version), what);
        }
        assert_eq!(evidence.newest(), Some((7, "7.17.29")));
    }
}
