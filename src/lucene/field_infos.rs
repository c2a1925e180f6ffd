//! `<segment>.fnm`, the names behind field numbers: `Lucene50FieldInfosFormat` to `Lucene94FieldInfosFormat`. Numbers
//! differ from segment to segment. Of all fields only those that Elasticsearch keeps documents in are looked for, and
//! what is needed to find soft deletes.

use super::Corrupt;
use super::codec::Codec;
use super::header::{check_footer, index_header};
use super::input::Input;
use std::collections::BTreeSet;

/// In the flags of a field: documents that have a value in it are deleted.
const SOFT_DELETES: u8 = 8;
/// Doc values are written by a format that the field names under these keys.
const DOC_VALUES_FORMAT: &str = "PerFieldDocValuesFormat.format";
const DOC_VALUES_SUFFIX: &str = "PerFieldDocValuesFormat.suffix";
/// The mode of binary doc values, which changes how they are described.
const DOC_VALUES_MODE: &str = "Lucene80DocValuesFormat.mode";
/// Only in indices that compute the ids of their documents.
const TIME_SERIES: &str = "_tsid";

/// The fields in which Elasticsearch stores a document, by number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FieldNumbers {
    /// `_source`: the body as it was sent.
    pub source: Option<u32>,
    /// `_uid`: type and id.
    pub uid: Option<u32>,
    /// `_id`: the id as text in an index of Elasticsearch 5 for a single type, as bytes since 6.
    pub id: Option<u32>,
    /// `_routing`, if the document has one.
    pub routing: Option<u32>,
}

/// The field whose values mark documents as deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoftDeletesField {
    /// Number of the field.
    pub number: u32,
    /// Generation of the files that its values are in; nothing if they are where the segment's other values are.
    pub generation: Option<i64>,
    /// Format of the values, such as `Lucene80`.
    pub format: String,
    /// Suffix of the files, such as `0`.
    pub suffix: String,
}

/// What a `.fnm` file tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldInfos {
    /// Numbers of the fields with documents.
    pub numbers: FieldNumbers,
    /// The field of soft deletes, if there is one.
    pub soft_deletes: Option<SoftDeletesField>,
    /// Fields whose binary doc values are compressed.
    pub compressed_doc_values: BTreeSet<u32>,
    /// It is of an index that computes the ids of its documents, so that they are stored nowhere.
    pub is_time_series: bool,
}

/// Reads a whole `.fnm` file; `suffix` is the generation in its name, empty for a segment's own.
///
/// # Errors
/// Fails if the checksum is wrong, the file belongs to another segment, or anything does not fit.
pub fn parse(file: &[u8], segment_id: &[u8; 16], codec: Codec, suffix: &str) -> Result<FieldInfos, Corrupt> {
    let body = check_footer(file)?;
    let mut input = Input::new(body);
    let (header, points) = match codec {
        Codec::Lucene6 => match index_header(&mut input, "Lucene60FieldInfos", 0..=0, suffix) {
            Ok(header) => (header, Points::Counted),
            Err(_) => {
                input = Input::new(body);
                (index_header(&mut input, "Lucene50FieldInfos", 1..=1, suffix)?, Points::None)
            }
        },
        Codec::Lucene84 | Codec::Lucene86 | Codec::Lucene87 => {
            let header = index_header(&mut input, "Lucene60FieldInfos", 0..=2, suffix)?;
            (header, if header.version >= 2 { Points::CountedTwice } else { Points::Counted })
        }
        Codec::Lucene912 | Codec::Elasticsearch816 => {
            (index_header(&mut input, "Lucene94FieldInfos", 0..=1, suffix)?, Points::WithVectors)
        }
    };
    header.belongs_to(segment_id)?;
    let mut input = input.ordered(codec.order());
    let mut infos = FieldInfos::default();
    for _ in 0..input.count()? {
        let field = Field::read(&mut input, points)?;
        if codec != Codec::Lucene6 {
            infos.add_doc_values(&field).map_err(|why| input.corrupt(why))?;
        }
        infos.numbers.add(&field)?;
        infos.is_time_series |= field.name == TIME_SERIES;
    }
    if !input.rest().is_empty() {
        return Err(input.corrupt("there is more than the fields"));
    }
    infos.numbers.check()?;
    Ok(infos)
}

impl FieldNumbers {
    fn add(&mut self, field: &Field<'_>) -> Result<(), Corrupt> {
        let place = match field.name {
            "_source" => &mut self.source,
            "_uid" => &mut self.uid,
            "_id" => &mut self.id,
            "_routing" => &mut self.routing,
            _ => return Ok(()),
        };
        match place.replace(field.number) {
            None => Ok(()),
            Some(_) => Err(Corrupt::new(format!("it names the field {} twice", field.name))),
        }
    }

    fn check(&self) -> Result<(), Corrupt> {
        let mut known: Vec<u32> = [self.source, self.uid, self.id, self.routing].into_iter().flatten().collect();
        known.sort_unstable();
        if known.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(Corrupt::new("two fields have one number"));
        }
        Ok(())
    }
}

impl FieldInfos {
    fn add_doc_values(&mut self, field: &Field<'_>) -> Result<(), &'static str> {
        if field.attribute(DOC_VALUES_MODE) == Some("BEST_COMPRESSION") {
            self.compressed_doc_values.insert(field.number);
        }
        if field.flags & SOFT_DELETES == 0 {
            return Ok(());
        }
        // Without a format there are no values yet: the field is only known.
        let format = field.attribute(DOC_VALUES_FORMAT).unwrap_or_default().to_owned();
        let suffix = field.attribute(DOC_VALUES_SUFFIX).unwrap_or_default().to_owned();
        let generation = (field.doc_values_generation >= 0).then_some(field.doc_values_generation);
        let found = SoftDeletesField { number: field.number, generation, format, suffix };
        if self.soft_deletes.replace(found).is_some() { Err("two fields of soft deletes") } else { Ok(()) }
    }
}

/// What is said of points in a field, and behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Points {
    None,
    /// Dimensions, and bytes in each if there are any.
    Counted,
    /// Dimensions, those of them in the index, bytes.
    CountedTwice,
    /// The same, then dimensions of vectors, their encoding and similarity.
    WithVectors,
}

/// A field.
struct Field<'a> {
    name: &'a str,
    number: u32,
    flags: u8,
    doc_values_generation: i64,
    attributes: Vec<(&'a str, &'a str)>,
}

impl<'a> Field<'a> {
    fn read(input: &mut Input<'a>, points: Points) -> Result<Self, Corrupt> {
        let name = input.string()?;
        let number = input.natural()?;
        let [flags, _index_options, _doc_values_type] = input.array()?;
        let doc_values_generation = input.i64()?;
        let attributes = input.string_map()?;
        if points != Points::None && input.natural()? != 0 {
            if points != Points::Counted {
                let _dimensions_in_index = input.natural()?;
            }
            let _bytes_per_dimension = input.natural()?;
        }
        if points == Points::WithVectors {
            let _vector_dimensions = input.natural()?;
            let [_encoding, _similarity] = input.array()?;
        }
        Ok(Self { name, number, flags, doc_values_generation, attributes })
    }

    fn attribute(&self, key: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(found, _)| *found == key).map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::{field_infos, footer, put_index_header, put_string, put_vint};
    use proptest::prelude::*;

    const ID: [u8; 16] = [5; 16];

    #[test]
    fn the_numbers_of_our_fields_are_found() {
        let file = field_infos(ID, &["_type", "_uid", "value", "_source"]);
        let parse = |file: &[u8], id| parse(file, id, Codec::Lucene6, "");
        let numbers = parse(&file, &ID).unwrap().numbers;
        assert_eq!(numbers, FieldNumbers { uid: Some(1), source: Some(3), ..FieldNumbers::default() });
        assert!(parse(&file, &[6; 16]).unwrap_err().to_string().contains("another segment"));
        assert!(parse(&field_infos(ID, &["_uid", "_uid"]), &ID).unwrap_err().to_string().contains("twice"));
    }

    /// A file of Lucene 8 or 9 in which the last field is that of soft deletes.
    fn with_soft_deletes(codec: Codec, names: &[&str], generation: i64) -> Vec<u8> {
        let mut out = Vec::new();
        let is_9 = codec == Codec::Lucene912;
        let (name, version) = if is_9 { ("Lucene94FieldInfos", 1) } else { ("Lucene60FieldInfos", 2) };
        put_index_header(&mut out, name, version, ID, "3");
        put_vint(&mut out, i32::try_from(names.len()).unwrap());
        for (number, name) in (0..).zip(names) {
            let is_last = number as usize + 1 == names.len();
            put_string(&mut out, name);
            put_vint(&mut out, number);
            out.extend([if is_last { 8 } else { 0 }, 0, 1]);
            let generation = if is_last { generation } else { -1 };
            out.extend(if is_9 { generation.to_le_bytes() } else { generation.to_be_bytes() });
            let attributes =
                [(DOC_VALUES_FORMAT, "Lucene80"), (DOC_VALUES_SUFFIX, "0"), (DOC_VALUES_MODE, "BEST_COMPRESSION")];
            put_vint(&mut out, 3);
            attributes.iter().for_each(|(key, value)| {
                put_string(&mut out, key);
                put_string(&mut out, value);
            });
            out.extend(if is_last { &[1, 1, 8][..] } else { &[0] });
            out.extend(if is_9 { &[0, 1, 0][..] } else { &[] });
        }
        footer(out)
    }

    #[test]
    fn the_field_of_soft_deletes_is_found() {
        for codec in [Codec::Lucene87, Codec::Lucene912] {
            let infos = parse(&with_soft_deletes(codec, &["_id", "_soft"], 258), &ID, codec, "3").unwrap();
            let soft = infos.soft_deletes.unwrap();
            assert_eq!((soft.number, soft.generation), (1, Some(258)));
            assert_eq!((soft.format.as_str(), soft.suffix.as_str()), ("Lucene80", "0"));
            assert_eq!(
                (infos.numbers.id, infos.compressed_doc_values.len(), infos.is_time_series),
                (Some(0), 2, false)
            );
            let infos = parse(&with_soft_deletes(codec, &["_tsid", "_soft"], -1), &ID, codec, "3").unwrap();
            assert!(infos.is_time_series && infos.soft_deletes.unwrap().generation.is_none());
            assert!(parse(&with_soft_deletes(codec, &["_soft"], 0), &ID, codec, "").is_err());
        }
    }

    proptest! {
        #[test]
        fn garbage_with_a_right_checksum_gives_errors(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            for (codec, name, version) in [
                (Codec::Lucene6, "Lucene60FieldInfos", 0),
                (Codec::Lucene87, "Lucene60FieldInfos", 2),
                (Codec::Lucene912, "Lucene94FieldInfos", 1),
            ] {
                let mut bytes = Vec::new();
                put_index_header(&mut bytes, name, version, ID, "");
                bytes.extend(&tail);
                let _ = parse(&footer(bytes), &ID, codec, "");
            }
        }
    }
}
