//! `.dvm`, the description of doc values: which documents have a value in a field
//! (`Lucene80DocValuesFormat`, `Lucene90DocValuesFormat`). The values themselves are of no interest here.
//!
//! ```text
//! .dvm      IndexHeader, entries, Int32 -1, Footer
//! entry     Int32 field, Int8 type: 0 numeric, 1 binary, 2 sorted, 3 sorted set, 4 sorted numeric; then as below
//! presence  Int64 offset in the .dvd, Int64 length, Int16 jumps, Int8 rank power
//! ```
//!
//! Entries have no lengths: those ahead of the one that is looked for must be understood to be passed.

use super::Corrupt;
use super::codec::Codec;
use super::field_infos::{FieldInfos, SoftDeletesField};
use super::header::{check_footer, index_header};
use super::input::Input;

/// In place of an offset: no document has a value.
const NONE: i64 = -2;
/// In place of an offset: all documents have one.
const ALL: i64 = -1;
/// Bytes of a block's description in a monotonic array.
const MONOTONIC_BLOCK: u64 = 21;
/// Terms in a block of a dictionary that is always compressed.
const TERMS_SHIFT: u32 = 6;
/// In Lucene 8, in place of that: the dictionary is compressed, in blocks of 64 terms.
const TERMS_LZ4: i32 = 6 << 16 | 1;

/// Which documents have a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// None of them.
    None,
    /// All of them.
    All,
    /// Those in a set in the `.dvd` file.
    Some {
        /// Where it begins.
        offset: usize,
        /// Its length in bytes, with the table of jumps.
        length: usize,
        /// Entries in the table of jumps, which comes last.
        jumps: u16,
        /// Dense blocks have ranks of 1 shifted by this many documents; nothing if they have none.
        rank_power: Option<u8>,
    },
}

/// Returns the name of the format of doc values in this codec.
pub fn format(codec: Codec) -> &'static str {
    match codec {
        Codec::Lucene6 => "Lucene54",
        Codec::Lucene84 | Codec::Lucene86 | Codec::Lucene87 => "Lucene80",
        Codec::Lucene912 | Codec::Elasticsearch816 => "Lucene90",
    }
}

/// Reads a whole `.dvm` file as far as the entry of soft deletes, and returns which documents have a value and how many
/// do. `suffix` is what the file's name has behind the segment's.
///
/// # Errors
/// Fails if the checksum is wrong, the file belongs to another segment, has no such entry, or anything does not fit.
pub fn presence(
    file: &[u8],
    segment_id: &[u8; 16],
    codec: Codec,
    suffix: &str,
    infos: &FieldInfos,
    field: &SoftDeletesField,
) -> Result<(Presence, u64), Corrupt> {
    let mut input = Input::new(check_footer(file)?);
    let newest = if matches!(codec, Codec::Lucene84 | Codec::Lucene86 | Codec::Lucene87) { 2 } else { 0 };
    let name = format!("{}DocValuesMetadata", format(codec));
    let header = index_header(&mut input, &name, 0..=newest, suffix)?.belongs_to(segment_id)?;
    let mut entries = Entries { input: input.ordered(codec.order()), codec, version: header.version, infos };
    loop {
        let number = entries.input.i32()?;
        let kind = if number == -1 { None } else { Some(entries.input.u8()?) };
        match (u32::try_from(number), kind) {
            (Ok(number), Some(0)) if number == field.number => {
                let (presence, values) = entries.numeric()?;
                return Ok((presence, entries.count(values)?));
            }
            (Ok(number), Some(kind)) if number != field.number => entries.pass(number, kind)?,
            (Ok(_), Some(_)) => return Err(entries.input.corrupt("soft deletes that are not numbers")),
            _ => return Err(entries.input.corrupt("no entry of soft deletes")),
        }
    }
}

struct Entries<'a, 'i> {
    input: Input<'a>,
    codec: Codec,
    version: i32,
    infos: &'i FieldInfos,
}

impl Entries<'_, '_> {
    fn pass(&mut self, field: u32, kind: u8) -> Result<(), Corrupt> {
        match kind {
            0 => self.numeric().map(drop),
            1 => self.binary(field),
            2 => self.sorted(),
            3 => self.sorted_set(),
            4 => self.sorted_numeric(),
            _ => Err(self.input.corrupt("doc values of an unknown type")),
        }
    }

    fn is_lucene_9(&self) -> bool {
        matches!(self.codec, Codec::Lucene912 | Codec::Elasticsearch816)
    }

    fn presence(&mut self) -> Result<Presence, Corrupt> {
        let (offset, length, jumps) = (self.input.i64()?, self.input.i64()?, self.input.u16()?);
        let rank_power = match self.input.u8()? {
            0xFF => None,
            power @ 7..=15 => Some(power),
            _ => return Err(self.input.corrupt("ranks of an impossible size")),
        };
        match (offset, usize::try_from(offset), usize::try_from(length)) {
            (NONE, ..) => Ok(Presence::None),
            (ALL, ..) => Ok(Presence::All),
            (_, Ok(offset), Ok(length)) => Ok(Presence::Some { offset, length, jumps, rank_power }),
            _ => Err(self.input.corrupt("a negative offset")),
        }
    }

    /// Reads the entry of a number for each document: presence, number of values, table, and where the values are.
    fn numeric(&mut self) -> Result<(Presence, i64), Corrupt> {
        let presence = self.presence()?;
        let values = self.input.i64()?;
        let table = self.input.i32()?;
        if table > 256 {
            return Err(self.input.corrupt("a table of too many values"));
        }
        // Negative numbers say that there is none.
        self.input.bytes(usize::try_from(table).unwrap_or(0) * 8)?;
        let _bits_minimum_divisor_and_places = self.input.array::<41>()?;
        Ok((presence, values))
    }

    fn binary(&mut self, field: u32) -> Result<(), Corrupt> {
        let _place = self.input.array::<16>()?;
        self.presence()?;
        let (documents, shortest, longest) = (self.input.i32()?, self.input.i32()?, self.input.i32()?);
        let compressed = match (self.is_lucene_9(), self.version) {
            (true, _) | (false, 0) => false,
            (false, 1) => true,
            (false, _) => self.infos.compressed_doc_values.contains(&field),
        };
        if !(compressed && documents > 0 || shortest < longest) {
            return Ok(());
        }
        let _addresses = self.input.i64()?;
        let mut addresses = self.count(documents.into())? + 1;
        if compressed {
            addresses = self.input.natural()?.into();
            let [_documents_per_chunk, _longest_chunk] = [self.input.natural()?, self.input.natural()?];
        }
        let shift = self.input.natural()?;
        self.monotonic(addresses, shift)?;
        self.input.i64().map(drop)
    }

    fn sorted(&mut self) -> Result<(), Corrupt> {
        if self.is_lucene_9() {
            self.numeric()?;
        } else {
            self.presence()?;
            let _documents_bits_and_places = self.input.array::<21>()?;
        }
        self.terms()
    }

    fn sorted_set(&mut self) -> Result<(), Corrupt> {
        match self.input.u8()? {
            0 => return self.sorted(),
            1 => {}
            _ => return Err(self.input.corrupt("neither one value nor several")),
        }
        if self.is_lucene_9() {
            self.sorted_numeric()?;
        } else {
            self.presence()?;
            let _bits_and_places = self.input.array::<17>()?;
            let documents = self.input.i32()?;
            let _addresses = self.input.i64()?;
            let shift = self.input.natural()?;
            let count = self.count(documents.into())? + 1;
            self.monotonic(count, shift)?;
            let _length = self.input.i64()?;
        }
        self.terms()
    }

    fn sorted_numeric(&mut self) -> Result<(), Corrupt> {
        let (_, values) = self.numeric()?;
        let documents = self.input.i32()?;
        if i64::from(documents) == values {
            return Ok(());
        }
        let _addresses = self.input.i64()?;
        let shift = self.input.natural()?;
        let count = self.count(documents.into())? + 1;
        self.monotonic(count, shift)?;
        self.input.i64().map(drop)
    }

    /// Passes the description of a dictionary.
    fn terms(&mut self) -> Result<(), Corrupt> {
        let size = self.input.vlong()?;
        let (terms_shift, compressed) = if self.is_lucene_9() {
            (TERMS_SHIFT, true)
        } else {
            match self.input.i32()? {
                TERMS_LZ4 => (TERMS_SHIFT, true),
                shift => (self.shift(shift)?, false),
            }
        };
        let shift = self.input.i32()?;
        let shift = self.shift(shift)?;
        self.monotonic(blocks(size, terms_shift), shift)?;
        let _longest_term = self.input.i32()?;
        if compressed {
            let _longest_block = self.input.i32()?;
        }
        let _places = self.input.array::<32>()?;
        let index_shift = self.input.i32()?;
        let index_shift = self.shift(index_shift)?;
        self.monotonic(blocks(size, index_shift) + 1, shift)?;
        self.input.array::<32>().map(drop)
    }

    /// Passes the description of a monotonic array.
    fn monotonic(&mut self, values: u64, shift: u32) -> Result<(), Corrupt> {
        if shift > 30 {
            return Err(self.input.corrupt("blocks of an impossible size"));
        }
        let length = blocks(values, shift).saturating_mul(MONOTONIC_BLOCK);
        self.input.bytes(usize::try_from(length).unwrap_or(usize::MAX)).map(drop)
    }

    fn shift(&self, shift: i32) -> Result<u32, Corrupt> {
        u32::try_from(shift).ok().filter(|shift| *shift <= 30).ok_or_else(|| self.input.corrupt("an impossible shift"))
    }

    fn count(&self, count: i64) -> Result<u64, Corrupt> {
        u64::try_from(count).map_err(|_| self.input.corrupt("a negative count"))
    }
}

fn blocks(values: u64, shift: u32) -> u64 {
    values.div_ceil(1 << shift)
}

#[cfg(test)]
mod tests;
