//! Documents against a mapping: which fields have values that the target does not take as the mapping is.

use super::super::json_text::without_mark;
use super::date::Verdict;
use super::json::{Cursor, Raw};
use super::schema::{Children, Leaf, Node, Rule, SAFE_UNITS, Schema, TERM_BYTES};
use std::sync::Arc;

/// Lists in lists, and objects in objects, are looked into so far.
const MOST_DEPTH: usize = 100;
/// Of a value that is told, so many characters.
const TOLD: usize = 40;

/// How many documents have something, and an example.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Times {
    pub documents: u64,
    /// Documents that are left out count here only.
    pub seen: bool,
    pub example: String,
    last: u64,
}

impl Times {
    fn add(&mut self, scan: (u64, bool), example: &[u8]) {
        let (serial, counted) = scan;
        if self.last == serial {
            return;
        }
        self.last = serial;
        self.documents += u64::from(counted);
        let text = String::from_utf8_lossy(example);
        let mut told: String = text.chars().take(TOLD).collect();
        if text.len() > told.len() {
            told.push('…');
        }
        self.tell(told);
    }

    /// Keeps the example that comes first in the alphabet, so that it is the same however the documents are divided.
    fn tell(&mut self, example: String) {
        if !self.seen || example < self.example {
            self.example = example;
        }
        self.seen = true;
    }

    fn merge(&mut self, other: &Self) {
        self.documents += other.documents;
        if other.seen {
            self.tell(other.example.clone());
        }
    }
}

/// What was seen of a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Values that are not taken.
    pub malformed: Times,
    /// Values of which that is not known.
    pub unknown: Times,
    /// An object where a value belongs, or a value where an object does.
    pub misplaced: Times,
    /// Strings of more than [`TERM_BYTES`].
    pub long: Times,
    /// Strings of more than [`SAFE_UNITS`], whether they fit or not.
    pub maybe_long: Times,
    /// Units of the longest of these that fits, and of the shortest that does not.
    pub longest_short: usize,
    pub shortest_long: Option<usize>,
}

/// What was seen of some documents. Parts add up to the whole.
#[derive(Debug, Clone)]
pub(super) struct Scan {
    schema: Arc<Schema>,
    pub(super) seen: Vec<Seen>,
    serial: u64,
    /// Whether the document that is being looked at counts.
    counted: bool,
    /// Whether it has a field that no document may have: its number in the schema.
    refused: Option<usize>,
}

/// What a name leads to.
enum Place<'s> {
    Nothing,
    Node(&'s Node),
    /// Below a field that is a value.
    Below(&'s Leaf),
}

impl Scan {
    pub fn new(schema: Arc<Schema>) -> Self {
        let seen = vec![Seen::default(); schema.fields.len()];
        Self { schema, seen, serial: 0, counted: true, refused: None }
    }

    /// Looks at a document; one that is left out does not count. Returns the field for which the target refuses it, if
    /// it has one.
    pub fn document(&mut self, source: &[u8], counted: bool) -> Option<usize> {
        self.serial += 1;
        self.counted = counted;
        self.refused = None;
        let schema = Arc::clone(&self.schema);
        let mut cursor = Cursor::new(without_mark(source));
        if cursor.take(b'{') {
            // What cannot be read, the target says.
            let _ = self.object(&mut cursor, &schema.root, 0);
        }
        self.refused
    }

    pub fn merge(&mut self, other: &Self) {
        for (own, other) in self.seen.iter_mut().zip(&other.seen) {
            own.malformed.merge(&other.malformed);
            own.unknown.merge(&other.unknown);
            own.misplaced.merge(&other.misplaced);
            own.long.merge(&other.long);
            own.maybe_long.merge(&other.maybe_long);
            own.longest_short = own.longest_short.max(other.longest_short);
            own.shortest_long = match (own.shortest_long, other.shortest_long) {
                (Some(own), Some(other)) => Some(own.min(other)),
                (one, other) => one.or(other),
            };
        }
    }

    /// Reads an object behind its brace.
    fn object(&mut self, cursor: &mut Cursor<'_>, children: &Children, depth: usize) -> Option<()> {
        if depth > MOST_DEPTH {
            return None;
        }
        loop {
            match cursor.peek()? {
                b'}' => {
                    cursor.take(b'}');
                    return Some(());
                }
                b',' => {
                    cursor.take(b',');
                }
                b'"' => {
                    let name = cursor.string()?.content()?;
                    if !cursor.take(b':') {
                        return None;
                    }
                    let place = find(children, &name);
                    self.value(cursor, &place, depth)?;
                }
                _ => return None,
            }
        }
    }

    fn value(&mut self, cursor: &mut Cursor<'_>, place: &Place<'_>, depth: usize) -> Option<()> {
        match (place, cursor.peek()?) {
            (Place::Nothing | Place::Node(Node::Free), _) => cursor.skip(),
            (place, b'[') if depth < MOST_DEPTH => {
                cursor.take(b'[');
                loop {
                    match cursor.peek()? {
                        b']' => {
                            cursor.take(b']');
                            return Some(());
                        }
                        b',' => {
                            cursor.take(b',');
                        }
                        _ => self.value(cursor, place, depth + 1)?,
                    }
                }
            }
            (Place::Node(Node::Object { children, .. }), b'{') => {
                cursor.take(b'{');
                self.object(cursor, children, depth + 1)
            }
            (Place::Node(Node::Object { field, .. }), b'"') => {
                let text = cursor.string()?;
                self.see(*field, |seen| &mut seen.misplaced, text.bytes);
                Some(())
            }
            (Place::Node(Node::Object { field, .. }), _) => {
                let word = cursor.word()?;
                if word != "null" {
                    self.see(*field, |seen| &mut seen.misplaced, word.as_bytes());
                }
                Some(())
            }
            (Place::Node(Node::Value(leaf)), b'"') => {
                let text = cursor.string()?;
                self.string(leaf, text)
            }
            (Place::Node(Node::Value(leaf)), b'{') => {
                self.misplaced(leaf);
                cursor.skip()
            }
            (Place::Node(Node::Value(leaf)), _) => {
                let word = cursor.word()?;
                self.word(leaf, word);
                Some(())
            }
            (Place::Below(leaf), _) => {
                self.misplaced(leaf);
                cursor.skip()
            }
        }
    }

    fn see(&mut self, field: usize, of: impl Fn(&mut Seen) -> &mut Times, example: &[u8]) {
        let scan = (self.serial, self.counted);
        if let Some(seen) = self.seen.get_mut(field) {
            of(seen).add(scan, example);
        }
    }

    fn misplaced(&mut self, leaf: &Leaf) {
        match leaf.rule {
            Rule::Nothing { .. } => self.refuse(leaf.field, b"{\xE2\x80\xA6}"),
            _ => self.see(leaf.field, |seen| &mut seen.misplaced, b"{\xE2\x80\xA6}"),
        }
    }

    fn refuse(&mut self, field: usize, example: &[u8]) {
        self.refused = Some(field);
        self.see(field, |seen| &mut seen.malformed, example);
    }

    /// Judges a number or a word.
    fn word(&mut self, leaf: &Leaf, word: &str) {
        let taken = match &leaf.rule {
            Rule::Nothing { but_whole_numbers } => {
                if !(*but_whole_numbers && word.parse::<u32>().is_ok_and(|number| number > 0)) {
                    self.refuse(leaf.field, word.as_bytes());
                }
                return;
            }
            _ if word == "null" => return,
            Rule::Numbers(numbers) => !matches!(word, "true" | "false") && numbers.take_token(word),
            Rule::Dates(dates) => {
                self.date(leaf.field, dates.judge(word), word.as_bytes());
                true
            }
            Rule::Boolean => matches!(word, "true" | "false"),
            Rule::Words { .. } | Rule::NoObject => true,
        };
        if !taken {
            self.see(leaf.field, |seen| &mut seen.malformed, word.as_bytes());
        }
        leaf.copies.iter().for_each(|copy| self.word(copy, word));
    }

    fn string(&mut self, leaf: &Leaf, raw: Raw<'_>) -> Option<()> {
        match &leaf.rule {
            Rule::Nothing { .. } => self.refuse(leaf.field, raw.bytes),
            Rule::NoObject => {}
            Rule::Words { ignore_above } => {
                if raw.bytes.len() > SAFE_UNITS {
                    self.words(leaf.field, &raw.content()?, *ignore_above);
                }
            }
            Rule::Boolean => {
                let content = raw.content()?;
                if !matches!(content.as_ref(), b"" | b"true" | b"false") {
                    self.see(leaf.field, |seen| &mut seen.malformed, &content);
                }
            }
            Rule::Numbers(numbers) => {
                let content = raw.content()?;
                if !text(&content).is_some_and(|text| numbers.take_text(text)) {
                    self.see(leaf.field, |seen| &mut seen.malformed, &content);
                }
            }
            Rule::Dates(dates) => {
                let content = raw.content()?;
                let verdict = text(&content).map_or(Verdict::Refused, |text| dates.judge(text));
                self.date(leaf.field, verdict, &content);
            }
        }
        leaf.copies.iter().try_for_each(|copy| self.string(copy, raw))
    }

    fn date(&mut self, field: usize, verdict: Verdict, example: &[u8]) {
        match verdict {
            Verdict::Taken => {}
            Verdict::Refused => self.see(field, |seen| &mut seen.malformed, example),
            Verdict::Unknown => self.see(field, |seen| &mut seen.unknown, example),
        }
    }

    fn words(&mut self, field: usize, content: &[u8], ignore_above: Option<usize>) {
        let units = units(content);
        if units <= SAFE_UNITS || ignore_above.is_some_and(|above| units > above) {
            return;
        }
        self.see(field, |seen| &mut seen.maybe_long, content);
        let too_long = content.len() > TERM_BYTES;
        if too_long {
            self.see(field, |seen| &mut seen.long, content);
        }
        if let Some(seen) = self.seen.get_mut(field) {
            if too_long {
                seen.shortest_long = Some(seen.shortest_long.map_or(units, |shortest| shortest.min(units)));
            } else {
                seen.longest_short = seen.longest_short.max(units);
            }
        }
    }
}

fn text(content: &[u8]) -> Option<&str> {
    std::str::from_utf8(content).ok()
}

/// Units of UTF-16, as Java counts a string.
fn units(content: &[u8]) -> usize {
    content.iter().map(|byte| usize::from(byte & 0xC0 != 0x80) + usize::from(*byte >= 0xF0)).sum()
}

/// Finds a field; dots in its name lead into objects.
fn find<'s>(children: &'s Children, name: &[u8]) -> Place<'s> {
    if let Some(node) = child(children, name) {
        return Place::Node(node);
    }
    if memchr::memchr(b'.', name).is_none() {
        return Place::Nothing;
    }
    let mut children = children;
    let mut names = name.split(|byte| *byte == b'.').filter(|name| !name.is_empty()).peekable();
    while let Some(name) = names.next() {
        match child(children, name) {
            None => return Place::Nothing,
            Some(node) if names.peek().is_none() => return Place::Node(node),
            Some(Node::Object { children: next, .. }) => children = next,
            Some(Node::Value(leaf)) => return Place::Below(leaf),
            Some(free) => return Place::Node(free),
        }
    }
    Place::Nothing
}

fn child<'s>(children: &'s Children, name: &[u8]) -> Option<&'s Node> {
    let at = children.binary_search_by(|(known, _)| known.as_ref().cmp(name)).ok()?;
    children.get(at).map(|(_, node)| node)
}
