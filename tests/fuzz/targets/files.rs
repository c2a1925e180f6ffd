//! Files with header and footer. Which segment they belong to is what their header says, so that none is refused for
//! that.

use super::{Control, footed};
use clearml_migrate::lucene::codec::Codec;
use clearml_migrate::lucene::commit::{self, Contents};
use clearml_migrate::lucene::compound::Entries;
use clearml_migrate::lucene::doc_values::{self, Presence};
use clearml_migrate::lucene::field_infos::{self, FieldInfos, SoftDeletesField};
use clearml_migrate::lucene::index_metadata::IndexMetadata;
use clearml_migrate::lucene::input::{ByteOrder, Input};
use clearml_migrate::lucene::{Corrupt, live_docs, segment_info, state, translog};

pub const CODECS: [Codec; 5] =
    [Codec::Lucene6, Codec::Lucene84, Codec::Lucene87, Codec::Lucene912, Codec::Elasticsearch816];

/// Id and suffix in the header that a file begins with.
pub struct Identity {
    pub id: [u8; 16],
    pub suffix: String,
}

impl Identity {
    pub fn of(body: &[u8]) -> Self {
        Self::read(body).unwrap_or(Self { id: [0; 16], suffix: String::new() })
    }

    fn read(body: &[u8]) -> Result<Self, Corrupt> {
        let mut input = Input::new(body);
        let _magic: [u8; 4] = input.array()?;
        let _codec = input.string()?;
        let _version: [u8; 4] = input.array()?;
        let id = input.array()?;
        let length = input.u8()?.into();
        Ok(Self { id, suffix: String::from_utf8_lossy(input.bytes(length)?).into_owned() })
    }
}

pub fn commit(body: &[u8]) -> bool {
    let Identity { suffix, .. } = Identity::of(body);
    let Ok(commit) = commit::parse(&footed(body), &suffix, &(4..=10)) else { return false };
    let contents = commit.contents.unwrap();
    // Names become parts of paths.
    let is_safe = |name: &str| name.starts_with('_') && name[1..].bytes().all(|byte| byte.is_ascii_alphanumeric());
    assert!(contents.segments.iter().all(|segment| is_safe(&segment.name)));
    let _ = Contents::translog_generation(&contents);
    for range in [commit::OF_ELASTICSEARCH_5, commit::OF_ELASTICSEARCH_7_AND_8] {
        let read = commit::parse(&footed(body), &suffix, &range).unwrap();
        assert_eq!((read.id, read.lucene), (commit.id, commit.lucene));
    }
    true
}

pub fn segment_info(body: &[u8]) -> bool {
    let (file, identity) = (footed(body), Identity::of(body));
    let mut accepted = false;
    for codec in CODECS {
        if let Ok(info) = segment_info::parse(&file, &identity.id, codec) {
            accepted = true;
            assert!(i32::try_from(info.max_doc).is_ok());
            if codec == Codec::Lucene6 {
                assert_eq!(
                    segment_info::contents(&file, &identity.id).map(|contents| contents.max_doc),
                    Ok(info.max_doc)
                );
            }
        }
    }
    accepted
}

/// Names and ranges, and a file that is as long as they say.
pub fn compound(body: &[u8]) -> bool {
    const MAX: usize = 1 << 20;
    let identity = Identity::of(body);
    let mut accepted = false;
    for (order, codec) in [(ByteOrder::Big, "Lucene50CompoundData"), (ByteOrder::Little, "Lucene90CompoundData")] {
        let Ok(entries) = Entries::parse(&footed(body), &identity.id, order) else { continue };
        accepted = true;
        let ranges: Vec<_> =
            [".fdt", ".fdx", ".fnm", ".fdm"].into_iter().filter_map(|name| entries.range(name)).collect();
        let end = ranges.iter().map(|range| range.end).max().unwrap_or_default();
        let mut data = vec![0x3F, 0xD7, 0x6C, 0x17, codec.len() as u8];
        data.extend(codec.as_bytes());
        data.extend([0; 4]);
        data.extend(identity.id);
        data.push(0);
        data.resize(end.clamp(data.len(), MAX), 0);
        let file = footed(&data);
        if entries.check(&file, &identity.id).is_ok() {
            for (at, range) in ranges.iter().enumerate() {
                assert!(file.get(range.clone()).is_some());
                let apart = |other: &std::ops::Range<usize>| {
                    range.is_empty() || other.is_empty() || range.end <= other.start || other.end <= range.start
                };
                assert!(ranges.iter().skip(at + 1).all(apart));
            }
        }
    }
    accepted
}

pub fn field_infos(body: &[u8]) -> bool {
    let (file, identity) = (footed(body), Identity::of(body));
    let mut accepted = false;
    for codec in CODECS {
        if let Ok(infos) = field_infos::parse(&file, &identity.id, codec, &identity.suffix) {
            accepted = true;
            assert!(codec != Codec::Lucene6 || infos.soft_deletes.is_none());
        }
    }
    accepted
}

/// The number of documents, then the body.
pub fn live_docs(input: &[u8]) -> bool {
    let mut control = Control(input);
    let max_doc = control.u32() % (1 << 20);
    let body = control.rest();
    let (file, identity) = (footed(body), Identity::of(body));
    let mut accepted = false;
    for order in [ByteOrder::Big, ByteOrder::Little] {
        let header = body.len().saturating_sub(max_doc.div_ceil(64) as usize * 8);
        let live: u32 = body[header..].iter().map(|byte| byte.count_ones()).sum();
        let deleted = max_doc.saturating_sub(live);
        if let Ok(words) = live_docs::check(&file, &identity.id, order, &identity.suffix, max_doc, deleted) {
            accepted = true;
            let words = &file[words];
            let found = (0..max_doc + 64).filter(|doc| live_docs::is_live(words, order, *doc)).count();
            assert_eq!(found as u32 + deleted, max_doc);
        }
    }
    accepted
}

/// The number of the field of soft deletes, whether other fields are compressed, then the body.
pub fn doc_values(input: &[u8]) -> bool {
    let mut control = Control(input);
    let (number, compressed) = (control.u8(), control.u8());
    let body = control.rest();
    let (file, identity) = (footed(body), Identity::of(body));
    let field =
        SoftDeletesField { number: number.into(), generation: None, format: String::new(), suffix: String::new() };
    let fields = if compressed & 1 == 1 { 0..64 } else { 0..0 };
    let infos = FieldInfos { compressed_doc_values: fields.collect(), ..FieldInfos::default() };
    let mut accepted = false;
    for codec in [Codec::Lucene84, Codec::Lucene912] {
        let found = doc_values::presence(&file, &identity.id, codec, &identity.suffix, &infos, &field);
        accepted |= found.is_ok();
        if let Ok((Presence::Some { rank_power, .. }, _)) = found {
            assert!(rank_power.is_none_or(|power| (7..=15).contains(&power)));
        }
    }
    accepted
}

pub fn state(body: &[u8]) -> bool {
    let Ok(state) = state::parse(&footed(body)) else { return false };
    if let Some(index) = IndexMetadata::parse(&state.content) {
        assert!((1..=1024).contains(&index.shards));
        let _ = (index.single_type(), index.why_not_whole(), index.created.to_string());
    }
    true
}

/// With a footer, or without as in Elasticsearch 2.
pub fn checkpoint(body: &[u8]) -> bool {
    [translog::checkpoint(body), translog::checkpoint(&footed(body))].iter().any(Result::is_ok)
}
