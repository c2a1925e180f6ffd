//! The rows of a table, in the order of their keys (`btree/bt_page.c`).

use super::address::Address;
use super::cell::Cell;
use super::integers::Reader;
use super::page::{Page, PageKind};
use super::table_file::{HEADERS, TableFile};
use super::{Corrupt, Result};

/// Trees of MongoDB have four floors at most; a file of this many would not fit on any disk.
const DEEPEST: usize = 24;

/// What was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Rows that were given out.
    pub rows: u64,
    /// Rows that were deleted, and kept for readers of an older state.
    pub deleted: u64,
}

/// A walk through the pages below a root.
struct Walk<'a> {
    file: &'a TableFile,
    /// What is decompressed of a long key or value.
    long: Vec<u8>,
    /// The key that was read last, and the last one that others build on, which is never a long one.
    last: Vec<u8>,
    built_on: Vec<u8>,
    any: bool,
    /// Pages that the file can hold and that were not yet met.
    pages_left: u64,
    counted: Counted,
}

/// Gives every row below `root` to `each`: key and value, keys strictly ascending.
///
/// # Errors
/// Fails where a page is damaged or unknown, where keys do not ascend, and with the first error of `each`.
pub fn walk<E: From<Corrupt>>(
    file: &TableFile,
    root: Address,
    mut each: impl FnMut(&[u8], &[u8]) -> std::result::Result<(), E>,
) -> std::result::Result<Counted, E> {
    let mut walk = Walk {
        file,
        long: Vec::new(),
        last: Vec::new(),
        built_on: Vec::new(),
        any: false,
        pages_left: file.size() / file.allocation_size(),
        counted: Counted::default(),
    };
    let mut buffer = Vec::new();
    // The pages that are still to be read, the next one last, with their floors.
    let mut waiting = vec![(root, 0)];
    while let Some((address, floor)) = waiting.pop() {
        let here = |why: Corrupt| why.within(&format!("the page at byte {}", address.offset));
        walk.pages_left =
            walk.pages_left.checked_sub(1).ok_or_else(|| here(Corrupt::new("more pages than there can be")))?;
        let page = Page::read(file, address, &mut buffer)?;
        match page.kind {
            PageKind::Internal if floor < DEEPEST => {
                let children = walk.children(&page).map_err(here)?;
                waiting.extend(children.into_iter().rev().map(|child| (child, floor + 1)));
            }
            PageKind::Leaf if floor > 0 => walk.leaf(&page, &here, &mut each)?,
            other => return Err(here(Corrupt::new(format!("{other:?} where there cannot be such a page"))).into()),
        }
    }
    Ok(walk.counted)
}

impl Walk<'_> {
    /// Returns the pages below an internal one. Its keys only tell them apart for who looks for one of them.
    fn children(&self, page: &Page<'_>) -> Result<Vec<Address>> {
        let mut reader = Reader::at(page.bytes, HEADERS);
        let mut children = Vec::new();
        for _ in 0..page.entries / 2 {
            let (Cell::Key { .. } | Cell::LongKey(_)) = Cell::read(&mut reader, page)? else {
                return Err(reader.corrupt("no key in front of an address"));
            };
            match Cell::read(&mut reader, page)? {
                Cell::Child(cookie) => children.push(self.address(cookie)?),
                Cell::DeletedChild => {}
                _ => return Err(reader.corrupt("no address behind a key")),
            }
        }
        match reader.is_at_end() && page.entries.is_multiple_of(2) {
            true => Ok(children),
            false => Err(reader.corrupt("more, or less, than the page says")),
        }
    }

    fn leaf<E: From<Corrupt>>(
        &mut self,
        page: &Page<'_>,
        here: &impl Fn(Corrupt) -> Corrupt,
        each: &mut impl FnMut(&[u8], &[u8]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let mut reader = Reader::at(page.bytes, HEADERS);
        // Whether there is a key whose value has not come yet. One that never comes is empty.
        let mut open = false;
        self.built_on.clear();
        for _ in 0..page.entries {
            match Cell::read(&mut reader, page).map_err(here)? {
                Cell::Key { prefix, rest } => {
                    self.give_empty(open, each)?;
                    self.key(prefix, rest, &reader).map_err(here)?;
                    open = true;
                }
                Cell::LongKey(cookie) => {
                    self.give_empty(open, each)?;
                    self.long_key(cookie, &reader).map_err(here)?;
                    open = true;
                }
                Cell::Value { deleted: true, .. } | Cell::LongValue { deleted: true, .. } if open => {
                    self.counted.deleted += 1;
                    open = false;
                }
                Cell::Value { content, .. } if open => {
                    self.counted.rows += 1;
                    each(&self.last, content)?;
                    open = false;
                }
                Cell::LongValue { address, .. } if open => {
                    let address = self.address(address).map_err(here)?;
                    self.counted.rows += 1;
                    each(&self.last, Page::read(self.file, address, &mut self.long)?.overflow().map_err(here)?)?;
                    open = false;
                }
                _ => return Err(here(reader.corrupt("a value without a key, or an address")).into()),
            }
        }
        self.give_empty(open, each)?;
        match reader.is_at_end() {
            true => Ok(()),
            false => Err(here(reader.corrupt("more than the page says")).into()),
        }
    }

    fn key(&mut self, prefix: u8, rest: &[u8], reader: &Reader<'_>) -> Result<()> {
        let prefix = usize::from(prefix);
        if prefix > self.built_on.len() {
            return Err(reader.corrupt("a key that begins as no other one"));
        }
        self.built_on.truncate(prefix);
        self.built_on.extend_from_slice(rest);
        require_behind(self.any.then_some(&self.last), &self.built_on, reader)?;
        self.last.clone_from(&self.built_on);
        self.any = true;
        Ok(())
    }

    fn long_key(&mut self, cookie: &[u8], reader: &Reader<'_>) -> Result<()> {
        let address = self.address(cookie)?;
        let key = Page::read(self.file, address, &mut self.long)?.overflow()?;
        require_behind(self.any.then_some(&self.last), key, reader)?;
        self.last.clear();
        self.last.extend_from_slice(key);
        self.any = true;
        Ok(())
    }

    fn give_empty<E>(
        &mut self,
        open: bool,
        each: &mut impl FnMut(&[u8], &[u8]) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        if !open {
            return Ok(());
        }
        self.counted.rows += 1;
        each(&self.last, &[])
    }

    fn address(&self, cookie: &[u8]) -> Result<Address> {
        let mut reader = Reader::new(cookie);
        let address = Address::read(&mut reader, self.file.allocation_size())?;
        match address.filter(|_| reader.is_at_end()) {
            Some(address) => Ok(address),
            None => Err(Corrupt::new("an address of no page")),
        }
    }
}

fn require_behind(last: Option<&Vec<u8>>, key: &[u8], reader: &Reader<'_>) -> Result<()> {
    match last {
        Some(last) if last.as_slice() >= key => Err(reader.corrupt("a key that is not behind the one in front of it")),
        _ => Ok(()),
    }
}
