//! `segments_N`, the commit of a shard: `org.apache.lucene.index.SegmentInfos`. Big-endian in all versions.
//!
//! Of commits in other formats than the caller reads only the version is read, which tells which Elasticsearch has
//! written to the data.

use super::Corrupt;
use super::header::{check_footer, index_header};
use super::input::Input;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

/// Formats of Lucene 5.0 to 6.6.
pub const OF_ELASTICSEARCH_5: RangeInclusive<i32> = 4..=6;
/// Formats of Lucene 7.4 to 9.12.
pub const OF_ELASTICSEARCH_7_AND_8: RangeInclusive<i32> = 9..=10;
/// Formats that name the writing Lucene: 5.3 and later. The last one known is of Lucene 8.6 to 10.
const NAMES_VERSION: i32 = 6;
/// Formats since Lucene 7, where every segment has an id and the first Lucene is named.
const NAMES_CREATION: i32 = 7;
/// Formats since Lucene 7.2, with a longer counter.
const COUNTS_LONG: i32 = 8;
/// Formats since Lucene 7.4, with the number of soft deletes.
const COUNTS_SOFT_DELETES: i32 = 9;
/// The format since Lucene 8.6, with an id of the segment's state.
const IDENTIFIES_STATES: i32 = 10;
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
    pub deleted: u32,
    /// Documents that are only marked as deleted, in a field: such as were written again. Elasticsearch 5 has none.
    pub soft_deleted: u32,
    /// Generation of the `.fnm` file that replaces the segment's own. Elasticsearch 5 never writes such.
    pub field_infos_generation: Option<i64>,
}

/// What a commit holds.
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
    /// The rest; nothing if it is in another format than asked for.
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

/// Reads a commit from a whole file; `generation` is the part of its name behind `segments_`, and in `readable` are the
/// formats of which the contents are read.
///
/// # Errors
/// Fails if the checksum is wrong or anything does not fit.
pub fn parse(file: &[u8], generation: &str, readable: &RangeInclusive<i32>) -> Result<Commit, Corrupt> {
    let mut input = Input::new(check_footer(file)?);
    let header = index_header(&mut input, "segments", 4..=NEWEST, generation)?;
    let lucene = (header.version >= NAMES_VERSION).then(|| lucene_version(&mut input)).transpose()?;
    let contents = readable.contains(&header.version).then(|| contents(&mut input, header.version)).transpose()?;
    Ok(Commit { id: header.id, lucene, contents })
}

fn lucene_version(input: &mut Input<'_>) -> Result<LuceneVersion, Corrupt> {
    Ok(LuceneVersion { major: input.vint()?, minor: input.vint()?, bugfix: input.vint()? })
}

fn contents(input: &mut Input<'_>, format: i32) -> Result<Contents, Corrupt> {
    if format >= NAMES_CREATION {
        let _major_version_of_creation = input.vint()?;
    }
    let _version = input.i64()?;
    if format >= COUNTS_LONG {
        let _counter = input.vlong()?;
    } else {
        let _counter = input.i32()?;
    }
    let count = input.count32()?;
    if format >= NAMES_VERSION && count > 0 {
        let _oldest_segment = lucene_version(input)?;
    }
    let safe_maps = format == 4;
    let segments = (0..count).map(|_| segment(input, format)).collect::<Result<_, _>>()?;
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

fn segment(input: &mut Input<'_>, format: i32) -> Result<Segment, Corrupt> {
    let name = input.string()?.to_owned();
    // It becomes part of paths.
    let digits = name.strip_prefix('_').unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_alphanumeric()) {
        return Err(input.corrupt("a segment is named in an impossible way"));
    }
    if format < NAMES_CREATION && input.u8()? != 1 {
        return Err(input.corrupt("a segment without an id"));
    }
    let id = input.array()?;
    let codec = input.string()?.to_owned();
    let delete_generation = generation(input)?;
    let negative = |input: &Input<'_>| input.corrupt("a negative number of deleted documents");
    let deleted = u32::try_from(input.i32()?).map_err(|_| negative(input))?;
    let field_infos_generation = generation(input)?;
    let _doc_values_generation = generation(input)?;
    let soft_deleted = if format >= COUNTS_SOFT_DELETES { input.i32()? } else { 0 };
    let soft_deleted = u32::try_from(soft_deleted).map_err(|_| negative(input))?;
    if format >= IDENTIFIES_STATES {
        match input.u8()? {
            0 => {}
            1 => drop(input.array::<16>()?),
            _ => return Err(input.corrupt("neither with an id of its state nor without")),
        }
    }
    let safe_maps = format == 4;
    skip_strings(input, safe_maps)?;
    for _ in 0..input.count32()? {
        let _field_number = input.i32()?;
        skip_strings(input, safe_maps)?;
    }
    Ok(Segment { name, id, codec, delete_generation, deleted, soft_deleted, field_infos_generation })
}

/// Reads a generation; a negative number is none.
fn generation(input: &mut Input<'_>) -> Result<Option<i64>, Corrupt> {
    let generation = input.i64()?;
    Ok((generation >= 0).then_some(generation))
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
        let commit = parse(&commit("2f", 6, 6, &SEGMENTS, 17), "2f", &OF_ELASTICSEARCH_5).unwrap();
        assert_eq!(commit.lucene.unwrap().to_string(), "6.6.1");
        let contents = commit.contents.unwrap();
        assert_eq!(contents.translog_generation(), Some(17));
        assert_eq!(contents.segments.len(), 2);
        assert_eq!((contents.segments[0].deleted, contents.segments[0].delete_generation), (3, Some(1)));
        assert_eq!((contents.segments[1].name.as_str(), contents.segments[1].delete_generation), ("_1a", None));
    }

    #[test]
    fn of_a_commit_in_another_format_the_version_is_read() {
        let commit = parse(&commit("3", 9, 8, &[], 1), "3", &OF_ELASTICSEARCH_5).unwrap();
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
        fn garbage_with_a_right_checksum_gives_errors(
            format in 4..=10_i32,
            tail in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut bytes = Vec::new();
            crate::lucene::testing::put_index_header(&mut bytes, "segments", format, [0; 16], "1");
            bytes.extend(tail);
            let _ = parse(&crate::lucene::testing::footer(bytes), "1", &(4..=NEWEST));
        }
    }
}
