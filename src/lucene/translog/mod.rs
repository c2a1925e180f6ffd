//! The translog: operations that may not be in a commit yet, none after a graceful stop, perhaps many after a crash.
//!
//! | module | subject |
//! |---|---|
//! | this one | checkpoints (`org.elasticsearch.index.translog.Checkpoint`): how much of a generation counts |
//! | [`operation`] | one operation |
//! | [`replay`] | what all of them come to, on top of a commit |
//! | `last` | the last operation on each document, in bounded memory |

mod last;
pub mod operation;
pub mod replay;

use super::Corrupt;
use super::header::{check_footer, header};
use super::input::{ByteOrder, Input};

/// Name of the checkpoint of the current generation; closed ones have [`closed_name`].
pub const CURRENT: &str = "translog.ckp";
/// Bytes of a checkpoint of Elasticsearch 2: no header, no footer.
const OLD_LENGTH: usize = 20;
const NEWEST: i32 = 4;

/// A checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// 0 for Elasticsearch 2, 1 for 5, more for later ones.
    pub format: i32,
    /// Bytes of the generation's file that count; what follows was never acknowledged.
    pub offset: u64,
    /// Operations in these bytes.
    pub operations: u64,
    /// The generation.
    pub generation: i64,
    /// Sequence numbers, which there are since Elasticsearch 6.
    pub sequence: Option<Sequence>,
}

/// What a checkpoint says of sequence numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// The largest one in the generation's file; -1 or -2 if there is none.
    pub max: i64,
    /// All operations up to this one are on all copies of the shard.
    pub global_checkpoint: i64,
    /// The oldest generation that is still needed.
    pub oldest_generation: i64,
}

/// Returns the name of a closed generation's checkpoint.
pub fn closed_name(generation: i64) -> String {
    format!("translog-{generation}.ckp")
}

/// Returns the name of the file of a generation's operations.
pub fn operations_name(generation: i64) -> String {
    format!("translog-{generation}.tlog")
}

/// Reads a checkpoint from a whole file.
///
/// # Errors
/// Fails if the checksum is wrong or anything does not fit.
pub fn checkpoint(file: &[u8]) -> Result<Checkpoint, Corrupt> {
    if file.len() == OLD_LENGTH {
        return fields(&mut Input::new(file), 0);
    }
    let mut input = Input::new(check_footer(file)?);
    let format = header(&mut input, "ckp", 1..=NEWEST)?;
    // Elasticsearch 8 writes it through Lucene 9, which turned the bytes of integers round.
    let order = if format >= 4 { ByteOrder::Little } else { ByteOrder::Big };
    fields(&mut input.ordered(order), format)
}

fn fields(input: &mut Input<'_>, format: i32) -> Result<Checkpoint, Corrupt> {
    let (offset, operations, generation) = (input.i64()?, input.i32()?, input.i64()?);
    let negative = || Corrupt::new("it holds a negative number");
    let sequence = if format >= 2 {
        let (_min, max) = (input.i64()?, input.i64()?);
        Some(Sequence { max, global_checkpoint: input.i64()?, oldest_generation: input.i64()? })
    } else {
        None
    };
    Ok(Checkpoint {
        format,
        offset: u64::try_from(offset).map_err(|_| negative())?,
        operations: u64::try_from(operations).map_err(|_| negative())?,
        generation,
        sequence,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::checkpoint as written;

    #[test]
    fn checkpoints_of_all_ages_are_told_apart() {
        let expected = Checkpoint { format: 1, offset: 160_994, operations: 145, generation: 6, sequence: None };
        assert_eq!(checkpoint(&written(1, 160_994, 145, 6)), Ok(expected));
        for format in [2, 3, 4] {
            let newer = checkpoint(&written(format, 43, 7, 6)).unwrap();
            assert_eq!((newer.format, newer.offset, newer.operations, newer.generation), (format, 43, 7, 6));
            assert_eq!(newer.sequence, Some(Sequence { max: 6, global_checkpoint: 5, oldest_generation: 4 }));
        }
        let mut old = 43_i64.to_be_bytes().to_vec();
        old.extend(2_i32.to_be_bytes());
        old.extend(1_i64.to_be_bytes());
        assert_eq!(
            checkpoint(&old),
            Ok(Checkpoint { format: 0, offset: 43, operations: 2, generation: 1, sequence: None })
        );
    }

    #[test]
    fn a_damaged_checkpoint_is_noticed() {
        let mut file = written(1, 43, 5, 1);
        file[20] ^= 1;
        assert!(checkpoint(&file).is_err());
        assert!(checkpoint(&[]).is_err());
        assert!(checkpoint(&written(1, 43, -5, 1)).unwrap_err().to_string().contains("negative"));
    }
}
