//! `<segment>.fnm`, the names behind field numbers: `Lucene60FieldInfosFormat` and `Lucene50FieldInfosFormat`. Numbers
//! differ from segment to segment. Of all fields only those that Elasticsearch keeps documents in are looked for.

use super::Corrupt;
use super::header::{check_footer, index_header};
use super::input::Input;

/// The fields in which Elasticsearch 5 stores a document, by number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FieldNumbers {
    /// `_source`: the body as it was sent.
    pub source: Option<u32>,
    /// `_uid`: type and id.
    pub uid: Option<u32>,
    /// `_id`, in an index that was created for a single type.
    pub id: Option<u32>,
    /// `_routing`, if the document has one.
    pub routing: Option<u32>,
}

/// Reads a whole `.fnm` file.
///
/// # Errors
/// Fails if the checksum is wrong, the file belongs to another segment, or anything does not fit.
pub fn parse(file: &[u8], segment_id: &[u8; 16]) -> Result<FieldNumbers, Corrupt> {
    let body = check_footer(file)?;
    let mut input = Input::new(body);
    let mut has_points = true;
    index_header(&mut input, "Lucene60FieldInfos", 0..=0, "")
        .or_else(|_| {
            (input, has_points) = (Input::new(body), false);
            index_header(&mut input, "Lucene50FieldInfos", 1..=1, "")
        })?
        .belongs_to(segment_id)?;
    let mut numbers = FieldNumbers::default();
    for _ in 0..input.count()? {
        let (name, number) = field(&mut input, has_points)?;
        let place = match name {
            "_source" => &mut numbers.source,
            "_uid" => &mut numbers.uid,
            "_id" => &mut numbers.id,
            "_routing" => &mut numbers.routing,
            _ => continue,
        };
        if place.replace(number).is_some() {
            return Err(Corrupt::new(format!("it names the field {name} twice")));
        }
    }
    if !input.rest().is_empty() {
        return Err(input.corrupt("there is more than the fields"));
    }
    let mut known: Vec<u32> =
        [numbers.source, numbers.uid, numbers.id, numbers.routing].into_iter().flatten().collect();
    known.sort_unstable();
    if known.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(Corrupt::new("two fields have one number"));
    }
    Ok(numbers)
}

fn field<'a>(input: &mut Input<'a>, has_points: bool) -> Result<(&'a str, u32), Corrupt> {
    let name = input.string()?;
    let number = input.natural()?;
    let [_bits, _index_options, _doc_values_type] = input.array()?;
    let _doc_values_generation = input.i64()?;
    let _attributes = input.string_map()?;
    if has_points && input.natural()? != 0 {
        let _bytes_per_dimension = input.natural()?;
    }
    Ok((name, number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::{field_infos, footer, put_index_header};
    use proptest::prelude::*;

    const ID: [u8; 16] = [5; 16];

    #[test]
    fn the_numbers_of_our_fields_are_found() {
        let file = field_infos(ID, &["_type", "_uid", "value", "_source"]);
        let numbers = parse(&file, &ID).unwrap();
        assert_eq!(numbers, FieldNumbers { uid: Some(1), source: Some(3), ..FieldNumbers::default() });
        assert!(parse(&file, &[6; 16]).unwrap_err().to_string().contains("another segment"));
        assert!(parse(&field_infos(ID, &["_uid", "_uid"]), &ID).unwrap_err().to_string().contains("twice"));
    }

    proptest! {
        #[test]
        fn garbage_with_a_right_checksum_gives_errors(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = Vec::new();
            put_index_header(&mut bytes, "Lucene60FieldInfos", 0, ID, "");
            bytes.extend(tail);
            let _ = parse(&footer(bytes), &ID);
        }
    }
}
