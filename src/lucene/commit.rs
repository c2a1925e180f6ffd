//! `segments_N`, the commit of a shard: `org.apache.lucene.index.SegmentInfos`. Of commits of Lucene 7 and later only
//! the version is read, which tells that a newer Elasticsearch has written to the data.

use super::Corrupt;
use super::header::{check_footer, index_header};
use super::input::Input;
use std::collections::BTreeMap;
use std::fmt;

/// Formats of which everything is read: Lucene 5.0 to 6.6.
const READABLE: i32 = 6;
/// Formats that name the writing Lucene: 5.3 and later. The last one known is of Lucene 8.6 to 10.
const NAMES_VERSION: i32 = 6;
const NEWEST: i32 = 10;
const PREFIX: &str = "segments_";

/// A version of Lucene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LuceneVersion {
    /// 6 for Elasticsearch 5, 7 for 6, 8 for 7, 9 for 8.
    pub major: i32,
    /// Minor version.
    pub minor: i32,
    /// Bug-fix version.
    pub bugfix: i32,
}

impl fmt::Display for LuceneVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.bugfix)
    }
}

/// A segment as the commit names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Such as `_1a`: its files begin with this.
    pub name: String,
    /// Id that all its files bear.
    pub id: [u8; 16],
    /// Such as `Lucene62`.
    pub codec: String,
    /// Generation of the `.liv` file; nothing if no document is deleted.
    pub delete_generation: Option<i64>,
    /// Deleted documents.
    pub deleted: i32,
    /// Its names of fields are in a file of their own, not in the segment's. Elasticsearch 5 never writes such.
    pub has_new_field_infos: bool,
}

/// What a commit of Lucene 6 holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// The segments in order.
    pub segments: Vec<Segment>,
    /// What Elasticsearch noted: `translog_uuid`, `translog_generation` and more.
    pub user_data: BTreeMap<String, String>,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Id of this commit, random.
    pub id: [u8; 16],
    /// The Lucene that wrote it, if it says so.
    pub lucene: Option<LuceneVersion>,
    /// The rest; nothing if a Lucene later than 6 wrote it.
    pub contents: Option<Contents>,
}

impl Contents {
    /// Returns the oldest translog generation that is needed on top of the commit.
    pub fn translog_generation(&self) -> Option<i64> {
        self.user_data.get("translog_generation")?.parse().ok()
    }
}

/// Returns the newest commit's file name among `names`, with its generation in base 36 as in the name.
pub fn newest<'a>(names: impl Iterator<Item = &'a str>) -> Option<(&'a str, &'a str)> {
    let generation = |name: &'a str| {
        let suffix = name.strip_prefix(PREFIX)?;
        Some((u64::from_str_radix(suffix, 36).ok()?, name, suffix))
    };
    names.filter_map(generation).max_by_key(|(generation, ..)| *generation).map(|(_, name, suffix)| (name, suffix))
}

/// Reads a commit from a whole file; `generation` is the part of its name behind `segments_`.
///
/// # Errors
/// Fails if the checksum is wrong or anything does not fit.
pub fn parse(file: &[u8], generation: &str) -> Result<Commit, Corrupt> {
    let mut input = Input::new(check_footer(file)?);
    let header = index_header(&mut input, "segments", 4..=NEWEST, generation)?;
    let lucene = (header.version >= NAMES_VERSION).then(|| lucene_version(&mut input)).transpose()?;
    let contents = (header.version <= READABLE).then(|| contents(&mut input, header.version)).transpose()?;
    Ok(Commit { id: header.id, lucene, contents })
}

fn lucene_version(input: &mut Input<'_>) -> Result<LuceneVersion, Corrupt> {
    Ok(LuceneVersion { major: input.vint()?, minor: input.vint()?, bugfix: input.vint()? })
}

fn contents(input: &mut Input<'_>, format: i32) -> Result<Contents, Corrupt> {
    let _version = input.i64()?;
    let _counter = input.i32()?;
    let count = input.count32()?;
    if format >= NAMES_VERSION && count > 0 {
        let _oldest_segment = lucene_version(input)?;
    }
    let safe_maps = format == 4;
    let segments = (0..count).map(|_| segment(input, safe_maps)).collect::<Result<_, _>>()?;
    let user_data = if safe_maps {
        (0..input.count32()?).map(|_| Ok((input.string()?, input.string()?))).collect::<Result<_, Corrupt>>()?
    } else {
        input.string_map()?
    };
    if !input.rest().is_empty() {
        return Err(input.corrupt("there is more than the commit"));
    }
    let user_data = user_data.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    Ok(Contents { segments, user_data })
}

fn segment(input: &mut Input<'_>, safe_maps: bool) -> Result<Segment, Corrupt> {
    let name = input.string()?.to_owned();
    if input.u8()? != 1 {
        return Err(input.corrupt("a segment without an id"));
    }
    let id = input.array()?;
    let codec = input.string()?.to_owned();
    let delete_generation = input.i64()?;
    let deleted = input.i32()?;
    let field_infos_generation = input.i64()?;
    let _doc_values_generation = input.i64()?;
    skip_strings(input, safe_maps)?;
    for _ in 0..input.count32()? {
        let _field_number = input.i32()?;
        skip_strings(input, safe_maps)?;
    }
    if deleted < 0 {
        return Err(input.corrupt("a negative number of deleted documents"));
    }
    Ok(Segment {
        name,
        id,
        codec,
        delete_generation: (delete_generation >= 0).then_some(delete_generation),
        deleted,
        has_new_field_infos: field_infos_generation >= 0,
    })
}

fn skip_strings(input: &mut Input<'_>, safe_maps: bool) -> Result<(), Corrupt> {
    let count = if safe_maps { input.count32()? } else { input.count()? };
    (0..count).try_for_each(|_| input.string().map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::{TestSegment, commit};
    use proptest::prelude::*;

    const SEGMENTS: [TestSegment; 2] =
        [TestSegment { name: "_0", max_doc: 10, deleted: 3 }, TestSegment { name: "_1a", max_doc: 5, deleted: 0 }];

    #[test]
    fn a_commit_tells_segments_and_translog() {
        let commit = parse(&commit("2f", 6, 6, &SEGMENTS, 17), "2f").unwrap();
        assert_eq!(commit.lucene.unwrap().to_string(), "6.6.1");
        let contents = commit.contents.unwrap();
        assert_eq!(contents.translog_generation(), Some(17));
        assert_eq!(contents.segments.len(), 2);
        assert_eq!((contents.segments[0].deleted, contents.segments[0].delete_generation), (3, Some(1)));
        assert_eq!((contents.segments[1].name.as_str(), contents.segments[1].delete_generation), ("_1a", None));
    }

    #[test]
    fn of_a_newer_commit_the_version_is_read() {
        let commit = parse(&commit("3", 9, 8, &[], 1), "3").unwrap();
        assert_eq!(commit.lucene.unwrap().major, 8);
        assert_eq!(commit.contents, None);
    }

    #[test]
    fn the_newest_commit_is_the_one_of_the_largest_generation_in_base_36() {
        let names = ["segments.gen", "segments_z", "segments_10", "pending_segments_20", "_0.cfs", "segments_9"];
        assert_eq!(newest(names.into_iter()), Some(("segments_10", "10")));
        assert_eq!(newest(["write.lock"].into_iter()), None);
    }

    proptest! {
        #[test]
        fn garbage_with_a_right_checksum_gives_errors(tail in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut bytes = Vec::new();
            crate::lucene::testing::put_index_header(&mut bytes, "segments", 6, [0; 16], "1");
            bytes.extend(tail);
            let _ = parse(&crate::lucene::testing::footer(bytes), "1");
        }
    }
}
