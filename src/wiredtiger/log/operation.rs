//! What transactions have done, as their records tell it (`log/log_auto.c`).

use super::super::integers::Reader;
use super::super::{Corrupt, Result};

/// The type of records that hold what a transaction has done.
const COMMIT: u64 = 1;
/// The type of records that the engine writes for itself, and the operation in them that says where the log file in
/// front of this one ended.
const SYSTEM: u64 = 4;
const PREVIOUS_END: u64 = 8;
/// Operations and tables with this bit are to be passed over (`WT_LOGOP_IGNORE`).
const IGNORED: u64 = 1 << 31;

/// Something that a transaction has done to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation<'a> {
    /// A row was written.
    Put {
        /// Its key.
        key: &'a [u8],
        /// Its value.
        value: &'a [u8],
    },
    /// A row was deleted.
    Remove {
        /// Its key.
        key: &'a [u8],
    },
    /// All rows from one key to another were deleted.
    Truncate {
        /// The first of them; nothing if all rows in front of `last` were.
        first: Option<&'a [u8]>,
        /// The last of them; nothing if all rows behind `first` were.
        last: Option<&'a [u8]>,
    },
    /// Pieces of a row were written.
    Modify {
        /// Its key.
        key: &'a [u8],
        /// The pieces, packed.
        pieces: &'a [u8],
    },
}

/// Gives the operations of a record with the numbers of their tables; records that are no commits have none.
///
/// # Errors
/// Fails if the record is damaged or has an operation that no table of MongoDB's can have; returns the first error of
/// `each`.
pub fn operations<'a, E: From<Corrupt>>(
    body: &'a [u8],
    mut each: impl FnMut(u32, Operation<'a>) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let mut reader = Reader::new(body);
    if reader.is_at_end() || reader.packed()? != COMMIT {
        return Ok(());
    }
    let _transaction = reader.packed()?;
    while let Some((kind, mut fields)) = next(&mut reader, body)? {
        match kind {
            4..=6 | 10 => {
                let table = fields.packed()?;
                let operation = operation(kind, &mut fields)?;
                if table & IGNORED == 0 {
                    each(u32::try_from(table).map_err(|_| fields.corrupt("an impossible table"))?, operation)?;
                }
            }
            1..=3 | 9 => return Err(fields.corrupt("an operation on columns").into()),
            // Timestamps of transactions, and what the engine notes for its own tests.
            7 | 8 | 11.. => {}
            0 => return Err(fields.corrupt("an operation of no type").into()),
        }
    }
    Ok(())
}

/// Returns whether the record holds what a transaction has done.
///
/// # Errors
/// Fails if it is damaged.
pub fn is_commit(body: &[u8]) -> Result<bool> {
    let mut reader = Reader::new(body);
    Ok(!reader.is_at_end() && reader.packed()? == COMMIT)
}

/// Returns where the record says that the log file in front of its own ended; nothing if it is another record.
///
/// # Errors
/// Fails if it is damaged.
pub fn previous_end(body: &[u8]) -> Result<Option<(u64, u64)>> {
    let mut reader = Reader::new(body);
    if reader.is_at_end() || reader.packed()? != SYSTEM {
        return Ok(None);
    }
    match next(&mut reader, body)? {
        Some((PREVIOUS_END, mut fields)) => Ok(Some((fields.packed()?, fields.packed()?))),
        _ => Ok(None),
    }
}

/// Returns the next operation's type and fields; nothing where zeros fill the record up.
fn next<'a>(reader: &mut Reader<'a>, body: &'a [u8]) -> Result<Option<(u64, Reader<'a>)>> {
    if reader.rest().first().is_none_or(|byte| *byte == 0) {
        return Ok(None);
    }
    let begin = reader.position();
    let (kind, size) = (reader.packed()?, reader.packed_length()?);
    let end = begin.checked_add(size).filter(|end| *end >= reader.position());
    let end = end.ok_or_else(|| reader.corrupt("an operation of an impossible length"))?;
    let fields = body.get(..end).ok_or_else(|| reader.corrupt("an operation that is cut off"))?;
    let fields = Reader::at(fields, reader.position());
    *reader = Reader::at(body, end);
    Ok(Some((kind, fields)))
}

fn operation<'a>(kind: u64, fields: &mut Reader<'a>) -> Result<Operation<'a>> {
    Ok(match kind {
        4 => Operation::Put { key: item(fields)?, value: fields.rest() },
        // The last field has no length of its own.
        5 => Operation::Remove { key: fields.rest() },
        10 => Operation::Modify { key: item(fields)?, pieces: fields.rest() },
        _ => {
            let (first, last, mode) = (item(fields)?, item(fields)?, fields.packed()?);
            match mode {
                0 => Operation::Truncate { first: None, last: None },
                1 => Operation::Truncate { first: Some(first), last: Some(last) },
                2 => Operation::Truncate { first: Some(first), last: None },
                3 => Operation::Truncate { first: None, last: Some(last) },
                _ => return Err(fields.corrupt("an unknown kind of truncation")),
            }
        }
    })
}

fn item<'a>(fields: &mut Reader<'a>) -> Result<&'a [u8]> {
    let length = fields.packed_length()?;
    fields.bytes(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &[u8]) -> Result<Vec<(u32, Operation<'_>)>> {
        let mut read = Vec::new();
        operations(body, |table, operation| {
            read.push((table, operation));
            Ok::<_, Corrupt>(())
        })?;
        Ok(read)
    }

    #[test]
    fn a_commit_has_its_operations_and_zeros_behind_them() {
        // Commit of transaction 7: put 1 = "ab" and remove 2 in table 9, truncate from 1 on in table 10; padding.
        let body = [
            0x81, 0x87, 0x84, 0x87, 0x89, 0x81, 0x81, b'a', b'b', 0x85, 0x84, 0x89, 0x82, 0x86, 0x87, 0x8A, 0x81, 0x81,
            0x80, 0x82, 0, 0, 0,
        ];
        assert_eq!(
            read(&body).unwrap(),
            [
                (9, Operation::Put { key: &[0x81], value: b"ab" }),
                (9, Operation::Remove { key: &[0x82] }),
                (10, Operation::Truncate { first: Some(&[0x81]), last: None }),
            ]
        );
        assert!(read(&[0x81, 0x87, 0x84, 0x87, 0x89, 0x81]).is_err(), "cut off");
        assert!(read(&[0x81, 0x87, 0x82, 0x84, 0x89, 0x82]).is_err(), "columns");
        assert!(read(&[0x81, 0x87, 0x84, 0x81, 0x89, 0x82]).is_err(), "shorter than its own beginning");
        assert_eq!(read(&[0x80, 0x87, 0x84]).unwrap(), [], "a checkpoint's record");
    }

    #[test]
    fn what_is_marked_to_be_passed_over_is() {
        // Table 2^31 + 9: 0xE4 and four bytes, less 8256.
        let body = [0x81, 0x87, 0x85, 0x88, 0xE4, 0x7F, 0xFF, 0xDF, 0xC9, 0x82];
        assert_eq!(read(&body).unwrap(), []);
    }

    #[test]
    fn a_log_file_says_where_the_one_in_front_of_it_ended() {
        assert_eq!(previous_end(&[0x84, 0x88, 0x85, 0x82, 0xC1, 0x40, 0]).unwrap(), Some((2, 384)));
        assert_eq!(previous_end(&[0x81, 0x88]).unwrap(), None);
        assert!(previous_end(&[0x84, 0x88, 0x85, 0x82]).is_err());
    }
}
