//! The log: what was committed behind the newest checkpoint (`log/log.c`).
//!
//! | module | subject |
//! |---|---|
//! | [`record`] | the records of one file, with their checksums |
//! | [`operation`] | what a transaction has done |
//!
//! A log is a row of files, `journal/WiredTigerLog.0000000002` and so on. Where it ends is told as the engine's own
//! recovery tells it (`__wt_log_scan` of 11.3.1), and what that refuses is refused here. More is refused: a record that is
//! not whole ends the log only if no whole one follows. The engine goes by its end there, as it must start with what there
//! is; whoever reads a copy can have another one.

pub mod operation;
pub mod record;

use super::corrupt::refused;
use super::{Corrupt, Result, Stopped};
use crate::files::problem::problem;
use memmap2::Mmap;
use operation::{Operation, is_commit, operations, previous_end};
use record::{ALIGNMENT, Found, Search};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// MongoDB has it write its log here.
pub const DIRECTORY: &str = "journal";
const BEGINNING: &str = "WiredTigerLog.";
/// Since this version a log file says where the one in front of it ended.
const TELLS_PREVIOUS_END: u16 = 2;

/// A place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogPlace {
    /// Number of the log file.
    pub file: u32,
    /// Bytes in front of it there.
    pub offset: u32,
}

impl LogPlace {
    /// Where the log of a server without one would begin (`WT_MAX_LSN`).
    const NEVER: u32 = u32::MAX;
    /// In front of everything (`WT_INIT_LSN`).
    pub const FIRST: Self = Self { file: 1, offset: 0 };
}

/// Whether the log behind a place could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// To its end.
    Whole,
    /// Not, for this reason, a sentence's second half.
    Unknown(String),
}

/// Reads what a directory's log has from `from` on, and gives each operation to `each`: its place, the table's number,
/// and what was done.
///
/// # Errors
/// Refuses a log that is damaged or unknown, with the file; returns the first error of `each`. Fails if it cannot be read.
pub fn read(
    directory: &Path,
    from: Option<LogPlace>,
    mut each: impl FnMut(LogPlace, u32, Operation<'_>) -> std::result::Result<(), Stopped>,
) -> crate::error::Result<Reach> {
    let Some(from) = from else { return Ok(Reach::Unknown("no place in the log is noted".to_owned())) };
    if from.file == LogPlace::NEVER {
        return Ok(Reach::Unknown("the server kept no log".to_owned()));
    }
    let directory = directory.join(DIRECTORY);
    let missing = |number| Ok(Reach::Unknown(format!("the log file {DIRECTORY}/{BEGINNING}{number:010} is missing")));
    let files = files(&directory).map_err(|cause| problem("read", &directory, cause))?;
    let mut next = from.file;
    let (mut ended_at, mut is_whole) = (None, true);
    let mut ended = false;
    for (number, path) in files.into_iter().filter(|(number, _)| *number >= from.file) {
        if ended {
            require_nothing_in(&path)?;
            continue;
        }
        if number != next {
            return missing(next);
        }
        next = number.saturating_add(1);
        let map = map(&path).map_err(|cause| problem("read", &path, cause))?;
        let begin = if number == from.file { from.offset } else { 0 };
        if map.len() < begin as usize {
            let why = "ends in front of the newest checkpoint's place";
            return Ok(Reach::Unknown(format!("the log file {DIRECTORY}/{BEGINNING}{number:010} {why}")));
        }
        let read = one_file(&map, LogPlace { file: number, offset: begin }, ended_at, &mut each);
        let end = read.map_err(|stopped| stopped.by(&path))?;
        is_whole = !end.is_cut_off;
        match end.goes_on {
            true => ended_at = Some(end.at),
            false => ended = true,
        }
    }
    if !is_whole {
        let number = next.saturating_sub(1);
        return Ok(Reach::Unknown(format!(
            "the log file {DIRECTORY}/{BEGINNING}{number:010} is shorter than it was made"
        )));
    }
    if next == from.file { missing(next) } else { Ok(Reach::Whole) }
}

/// Refuses a log file behind the end of the log that has changes: whoever made them had the whole log in front of them.
fn require_nothing_in(path: &Path) -> crate::error::Result<()> {
    let map = map(path).map_err(|cause| problem("read", path, cause))?;
    let why = "has whole records, though the log ends in a file in front of it";
    match has_commits(&map).map_err(|why| refused(path, why))? {
        true => Err(refused(path, Corrupt::new(why))),
        false => Ok(()),
    }
}

/// Returns whether a log file has a whole record of a transaction. Those that the engine writes as it begins a file, also
/// when it is killed while it starts, are none.
fn has_commits(log: &[u8]) -> Result<bool> {
    let mut records = Search::from(log, ALIGNMENT);
    while let Some(record) = records.next_record()? {
        if record.body().and_then(|body| is_commit(&body)).unwrap_or(true) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Refuses a record that is not whole unless the log ends with it.
fn require_last(log: &[u8], place: usize) -> Result<()> {
    match Search::from(log, place + ALIGNMENT).next_record()? {
        Some(_) => Err(Corrupt::new(format!("a record at byte {place} that is not whole, with whole ones behind it"))),
        None => Ok(()),
    }
}

/// Returns the log files, by their numbers.
fn files(directory: &Path) -> io::Result<Vec<(u32, PathBuf)>> {
    let entries = match fs::read_dir(directory) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().into_string().unwrap_or_default();
        let number = name.strip_prefix(BEGINNING).and_then(|number| number.parse().ok());
        files.extend(number.map(|number| (number, entry.path())));
    }
    files.sort();
    Ok(files)
}

fn map(path: &Path) -> io::Result<Mmap> {
    let file = File::open(path)?;
    // SAFETY: as for the files of tables, whoever opens it here holds the lock that a mongod takes first.
    #[allow(unsafe_code)]
    unsafe {
        Mmap::map(&file)
    }
}

/// Where the records of a file end.
struct End {
    at: usize,
    /// Whether they may go on in the next file.
    goes_on: bool,
    /// Whether the file is shorter than the engine has made it.
    is_cut_off: bool,
}

/// Reads the records of one file from a place on; the file in front of it ended at `previous`.
fn one_file(
    log: &[u8],
    from: LogPlace,
    previous: Option<usize>,
    each: &mut impl FnMut(LogPlace, u32, Operation<'_>) -> std::result::Result<(), Stopped>,
) -> std::result::Result<End, Stopped> {
    let mut at = (from.offset as usize).max(ALIGNMENT);
    let Some(header) = record::header(log)? else { return Ok(End { at, goes_on: false, is_cut_off: false }) };
    // Older versions cut the last file off when they were stopped.
    let is_cut_off = header.version >= TELLS_PREVIOUS_END && (log.len() as u64) < header.size;
    if let Some(previous) = previous
        && header.version >= TELLS_PREVIOUS_END
    {
        match previous_end_in(log)? {
            // The server was killed while it made the file.
            None => return Ok(End { at, goes_on: false, is_cut_off }),
            Some(0) => {}
            Some(told) if told == previous as u64 => {}
            Some(told) => {
                let why = format!("the log file in front of it ends at byte {previous}, and should end at {told},");
                return Err(Corrupt::new(why).into());
            }
        }
    }
    if !at.is_multiple_of(ALIGNMENT) {
        return Err(
            Corrupt::new(format!("no record at byte {at}, where the newest checkpoint has the log begin")).into()
        );
    }
    loop {
        let record = match record::at(log, at)? {
            Found::Record(record) => record,
            Found::EndOfFile => return Ok(End { at, goes_on: true, is_cut_off }),
            Found::EndOfLog => {
                require_last(log, at)?;
                return Ok(End { at, goes_on: false, is_cut_off });
            }
        };
        let here = |why: Corrupt| why.within(&format!("the record at byte {at}"));
        let offset = u32::try_from(at).map_err(|_| here(Corrupt::new("an impossible place")))?;
        let place = LogPlace { file: from.file, offset };
        let body = record.body().map_err(here)?;
        operations(&body, |table, operation| each(place, table, operation)).map_err(|stopped| match stopped {
            Stopped::Corrupt(why) => Stopped::Corrupt(here(why)),
            other => other,
        })?;
        at += record.stride();
    }
}

/// Returns where the log file in front of this one ended, as this one says; nothing where it says nothing yet.
fn previous_end_in(log: &[u8]) -> Result<Option<u64>> {
    match record::at(log, ALIGNMENT)? {
        Found::Record(first) => match previous_end(&first.body()?)? {
            Some((_, offset)) => Ok(Some(offset)),
            None => Err(Corrupt::new("a log file that does not begin with where the one in front of it ended")),
        },
        // What was begun, and has nothing behind it, was never acknowledged.
        Found::EndOfLog => require_last(log, ALIGNMENT).map(|()| None),
        Found::EndOfFile => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::record::tests::record;
    use super::*;

    /// Puts a row into table 9.
    const COMMIT: [u8; 9] = [0x81, 0x87, 0x84, 0x87, 0x89, 0x81, 0x81, b'a', b'b'];
    /// Says that file 2 ended at byte 384.
    const FILE_2_ENDED: [u8; 7] = [0x84, 0x88, 0x85, 0x82, 0xC1, 0x40, 0];

    /// A log file of version 5 and 2 KiB.
    fn file(records: &[&[u8]]) -> Vec<u8> {
        let header = [0x64, 0x10, 0x10, 0, 5, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0];
        let mut bytes = record(&header);
        records.iter().for_each(|body| bytes.extend(record(body)));
        bytes.resize(2048, 0);
        bytes
    }

    /// Reads two log files, and returns how many operations they have.
    fn operations_in(second: &[u8], third: &[u8]) -> std::result::Result<usize, String> {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(DIRECTORY)).unwrap();
        for (number, bytes) in [(2, second), (3, third)] {
            fs::write(dir.path().join(DIRECTORY).join(format!("{BEGINNING}{number:010}")), bytes).unwrap();
        }
        let mut found = 0;
        let from = LogPlace { file: 2, offset: 128 };
        let reach = read(dir.path(), Some(from), |_, _, _| {
            found += 1;
            Ok(())
        });
        match reach {
            Ok(Reach::Whole) => Ok(found),
            Ok(Reach::Unknown(why)) => Err(why),
            Err(error) => Err(error.phrase()),
        }
    }

    #[test]
    fn changes_go_on_in_the_next_file_and_none_behind_damage_is_passed_over() {
        let second = file(&[&COMMIT, &COMMIT]);
        let third = file(&[&FILE_2_ENDED, &COMMIT]);
        assert_eq!(operations_in(&second, &third), Ok(3));
        let mut flipped = third.clone();
        flipped[128 + 20] ^= 1;
        let mut empty = third.clone();
        empty[128..256].fill(0);
        for damaged in [flipped, empty, file(&[&COMMIT, &COMMIT])] {
            let error = operations_in(&second, &damaged).unwrap_err();
            assert!(error.contains("0000000003"), "{error}");
        }
        // The last record of the file in front.
        let mut torn = second;
        torn[256 + 24] = 0;
        let error = operations_in(&torn, &third).unwrap_err();
        assert!(error.contains("the log ends in a file in front of it"), "{error}");
    }

    #[test]
    fn a_file_that_was_only_begun_by_a_server_that_was_killed_as_it_started_ends_the_log() {
        let mut torn = file(&[&COMMIT, &COMMIT]);
        torn[256 + 24] = 0;
        for begun in [file(&[]), file(&[&FILE_2_ENDED])] {
            assert_eq!(operations_in(&torn, &begun), Ok(1));
        }
    }
}
