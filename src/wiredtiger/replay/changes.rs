//! What the log has of one table, over the rows of its checkpoint.

use super::super::log::LogPlace;
use super::super::tree::Counted;
use super::super::{Result, Stopped};
use super::modify::modify;
use super::runs::{Entry, Kind, Merged, Sequence};
use std::borrow::Cow;

/// A row's key and value are given to one of these.
pub type Each<'e> = dyn FnMut(&[u8], &[u8]) -> std::result::Result<(), Stopped> + 'e;

/// Rows that were deleted by their keys' range.
#[derive(Debug)]
pub struct Truncation {
    /// Where it stands in the log.
    pub sequence: Sequence,
    /// The first key; nothing if all in front of `last` are meant.
    pub first: Option<Box<[u8]>>,
    /// The last key; nothing if all behind `first` are meant.
    pub last: Option<Box<[u8]>>,
}

impl Truncation {
    fn covers(&self, key: &[u8]) -> bool {
        self.first.as_deref().is_none_or(|first| first <= key) && self.last.as_deref().is_none_or(|last| key <= last)
    }
}

/// What the log has of one table.
#[derive(Debug)]
pub struct Changes<'a> {
    operations: Merged<'a>,
    truncations: &'a [Truncation],
    /// What is in front of it is in the checkpoint.
    from: LogPlace,
}

impl<'a> Changes<'a> {
    /// Returns the operations and truncations that are not in front of `from`.
    pub fn new(operations: Merged<'a>, truncations: &'a [Truncation], from: LogPlace) -> Self {
        Self { operations, truncations, from }
    }

    /// Gives the rows to `each`, in the order of their keys: those that `checkpoint` gives, as they were changed, and the
    /// new ones.
    ///
    /// # Errors
    /// The first error of `checkpoint` and of `each`, and where pieces do not fit.
    pub fn over(
        mut self,
        checkpoint: impl FnOnce(&mut Each<'_>) -> std::result::Result<Counted, Stopped>,
        each: &mut Each<'_>,
    ) -> std::result::Result<Counted, Stopped> {
        let mut rows = 0;
        let mut give = |key: &[u8], value: Option<Cow<'_, [u8]>>| match value {
            Some(value) => {
                rows += 1;
                each(key, &value)
            }
            None => Ok(()),
        };
        let counted = checkpoint(&mut |key, value| {
            while let Some(new) = self.operations.next_key().filter(|new| *new < key) {
                give(new, self.changed(new, None)?)?;
            }
            give(key, self.changed(key, Some(value))?)
        })?;
        while let Some(new) = self.operations.next_key() {
            give(new, self.changed(new, None)?)?;
        }
        Ok(Counted { rows, deleted: counted.deleted })
    }

    /// Returns what became of a row, and goes behind the operations on it.
    fn changed<'b>(&mut self, key: &[u8], value: Option<&'b [u8]>) -> Result<Option<Cow<'b, [u8]>>>
    where
        'a: 'b,
    {
        let from = self.from;
        let mut value = value.map(Cow::Borrowed);
        let counts = |truncation: &&Truncation| truncation.sequence.place >= from && truncation.covers(key);
        let mut truncations = self.truncations.iter().filter(counts).peekable();
        while self.operations.next_key() == Some(key) {
            let Some(Entry { sequence, kind, value: given, .. }) = self.operations.next() else { break };
            while truncations.next_if(|truncation| truncation.sequence < sequence).is_some() {
                value = None;
            }
            match kind {
                _ if sequence.place < from => {}
                Kind::Put => value = Some(Cow::Borrowed(given)),
                Kind::Remove => value = None,
                // The checkpoint may have the row deleted already.
                Kind::Modify => {
                    if let Some(value) = &mut value {
                        modify(value.to_mut(), given)?;
                    }
                }
            }
        }
        Ok(if truncations.next().is_some() { None } else { value })
    }
}

#[cfg(test)]
mod tests {
    use super::super::runs::Collector;
    use super::*;

    fn at(offset: u32) -> Sequence {
        Sequence { place: LogPlace { file: 2, offset }, index: 0 }
    }

    /// Rows 2, 4 and 6 of a checkpoint that has taken the log up to byte 100, and what is put over them.
    fn over(operations: &[(u32, u8, Kind, &[u8])], truncations: &[Truncation]) -> Vec<(u8, String)> {
        let mut collector = Collector::new(&std::env::temp_dir(), 1 << 20);
        for (offset, key, kind, value) in operations {
            collector.add(1, &[*key], at(*offset), *kind, value).unwrap();
        }
        let runs = collector.finish().unwrap();
        let changes = Changes::new(runs.of_table(1), truncations, at(100).place);
        let mut rows = Vec::new();
        let checkpoint = |each: &mut Each<'_>| {
            for key in [2, 4, 6] {
                each(&[key], b"old")?;
            }
            Ok(Counted { rows: 3, deleted: 1 })
        };
        let counted = changes.over(checkpoint, &mut |key, value| {
            rows.push((key[0], String::from_utf8(value.to_vec()).unwrap()));
            Ok(())
        });
        assert_eq!(counted.unwrap(), Counted { rows: rows.len() as u64, deleted: 1 });
        rows
    }

    fn rows(rows: &[(u8, &str)]) -> Vec<(u8, String)> {
        rows.iter().map(|(key, value)| (*key, (*value).to_owned())).collect()
    }

    #[test]
    fn rows_are_added_in_front_between_and_behind_replaced_and_removed() {
        let operations = [
            (100, 1, Kind::Put, &b"a"[..]),
            (101, 7, Kind::Put, b"b"),
            (102, 3, Kind::Put, b"c"),
            (103, 4, Kind::Put, b"d"),
            (104, 2, Kind::Remove, b""),
            (105, 3, Kind::Put, b"e"),
            (106, 9, Kind::Remove, b""),
        ];
        assert_eq!(over(&operations, &[]), rows(&[(1, "a"), (3, "e"), (4, "d"), (6, "old"), (7, "b")]));
    }

    #[test]
    fn what_the_checkpoint_has_taken_already_does_not_count() {
        assert_eq!(
            over(&[(99, 4, Kind::Remove, b""), (99, 5, Kind::Put, b"x")], &[]),
            rows(&[(2, "old"), (4, "old"), (6, "old")])
        );
    }

    #[test]
    fn pieces_are_written_into_what_is_there_and_into_nothing_else() {
        let piece =
            [&1_u64.to_le_bytes()[..], &1_u64.to_le_bytes(), &0_u64.to_le_bytes(), &1_u64.to_le_bytes(), b"O"].concat();
        let operations = [(100, 4, Kind::Modify, &piece[..]), (101, 5, Kind::Modify, &piece)];
        assert_eq!(over(&operations, &[]), rows(&[(2, "old"), (4, "Old"), (6, "old")]));
    }

    #[test]
    fn a_truncation_deletes_what_was_there_before_it() {
        let truncation = |offset, first: Option<u8>, last: Option<u8>| Truncation {
            sequence: at(offset),
            first: first.map(|key| Box::from([key])),
            last: last.map(|key| Box::from([key])),
        };
        let operations = [(100, 3, Kind::Put, &b"before"[..]), (120, 5, Kind::Put, b"behind")];
        let expected = rows(&[(5, "behind"), (6, "old")]);
        assert_eq!(over(&operations, &[truncation(110, None, Some(5))]), expected);
        assert_eq!(over(&operations, &[truncation(110, Some(2), Some(5))]), expected);
        assert_eq!(
            over(&operations, &[truncation(110, Some(4), None)]),
            rows(&[(2, "old"), (3, "before"), (5, "behind")])
        );
        assert_eq!(over(&operations, &[truncation(110, None, None)]), rows(&[(5, "behind")]));
        assert_eq!(over(&[], &[truncation(90, None, None)]).len(), 3, "it is in the checkpoint already");
    }
}
