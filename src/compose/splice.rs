//! Carries changes out on a text: replaces, removes and inserts the fewest bytes, in the style of what is around.

use super::change::{Change, Path, PathSegment};
use super::locate::{Document, Found, Node, Shape};
use super::scalar::{self, Style};
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Range;

/// Bytes that are replaced by others.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Splice {
    range: Range<usize>,
    text: String,
}

impl Splice {
    fn new(range: Range<usize>, text: String) -> Self {
        Self { range, text }
    }
}

/// Why a change cannot be carried out on a text.
#[derive(Debug)]
pub(super) struct Refusal<'a> {
    pub(super) change: &'a Change,
    pub(super) reason: &'static str,
}

/// Returns the text with all changes carried out.
///
/// # Errors
/// The first change that this text is not written for.
pub(super) fn apply<'a>(document: &Document<'_>, changes: &'a [Change]) -> Result<String, Refusal<'a>> {
    let removed: BTreeSet<&Path> =
        changes.iter().filter(|change| matches!(change, Change::Remove { .. })).map(Change::at).collect();
    let editor = Editor { document, removed, line_end: if document.text.contains("\r\n") { "\r\n" } else { "\n" } };
    let mut splices: Vec<(Splice, &Change)> = Vec::new();
    for change in changes {
        let splice = editor.splice(change).map_err(|reason| Refusal { change, reason })?;
        // A value that several services share through an anchor is changed once.
        if !splices.iter().any(|(other, _)| *other == splice) {
            splices.push((splice, change));
        }
    }
    // Where collections end together, the inner one is continued first. Stable, so that insertions keep their order.
    splices.sort_by_key(|(splice, change)| (splice.range.start, splice.range.end, Reverse(change.at().0.len())));
    let mut out = String::with_capacity(document.text.len() + 1024);
    let mut at = 0;
    for (splice, change) in &splices {
        let kept = document.text.get(at..splice.range.start);
        out.push_str(kept.ok_or(Refusal { change, reason: "two changes meet in the same place" })?);
        out.push_str(&splice.text);
        at = splice.range.end;
    }
    out.push_str(document.text.get(at..).unwrap_or_default());
    Ok(out)
}

struct Editor<'a> {
    document: &'a Document<'a>,
    removed: BTreeSet<&'a Path>,
    line_end: &'static str,
}

type Outcome<T> = Result<T, &'static str>;

impl Editor<'_> {
    fn splice(&self, change: &Change) -> Outcome<Splice> {
        match change {
            Change::Set { at, value } => {
                let node = self.find(at)?.node.target();
                let Shape::Scalar = node.shape else { return Err("the value is not a plain text") };
                self.replace(node.range.clone(), value)
            }
            Change::Rename { at, key } => {
                let (holder, index) = self.find(at)?.holder.ok_or("it has no key")?;
                let Shape::Mapping { entries, .. } = &holder.shape else { return Err("it has no key") };
                self.replace(entries.get(index).ok_or("it is not there")?.key.clone(), key)
            }
            Change::Remove { at } => self.remove(at),
            Change::Insert { at, key, value } => self.insert(at, key, value),
            Change::Push { at, value } => self.push(at, value),
        }
    }

    fn find(&self, at: &Path) -> Outcome<Found<'_>> {
        self.document.find(at).ok_or("the two readers of the file disagree about this place")
    }

    fn text(&self, range: Range<usize>) -> &str {
        self.document.text.get(range).unwrap_or_default()
    }

    /// Replaces a scalar by another one in the same style.
    fn replace(&self, range: Range<usize>, value: &str) -> Outcome<Splice> {
        let raw = self.text(range.clone());
        let style = Style::of(raw).ok_or("the value is written over several lines")?;
        let text = scalar::write(value, style, self.document.in_flow(range.start));
        Ok(Splice::new(range, text))
    }

    /// Removes an entry or item with the lines that it has for itself.
    fn remove(&self, at: &Path) -> Outcome<Splice> {
        let (holder, index) = self.find(at)?.holder.ok_or("the whole file cannot be removed")?;
        let spans = spans(holder);
        let own = spans.get(index).cloned().ok_or("it is not there")?;
        let flow = matches!(holder.shape, Shape::Mapping { flow: true, .. } | Shape::Sequence { flow: true, .. });
        if !flow {
            let start = self.line_start(own.start);
            let dash = match &holder.shape {
                Shape::Sequence { .. } => self.dash(own.start)?,
                _ => own.start,
            };
            if !self.text(start..dash).trim().is_empty() {
                return Err("it shares its line with something else");
            }
            return Ok(Splice::new(start..self.next_line(own.end), String::new()));
        }
        // In {…} and […] a separator goes too: the one behind, or ahead of it when nothing is kept behind.
        let (parent, _) = at.split().ok_or("the whole file cannot be removed")?;
        let keeps_later = (index + 1..spans.len()).any(|later| !self.is_removed(&parent, holder, later));
        let range = match (keeps_later, spans.get(index + 1), index.checked_sub(1).and_then(|before| spans.get(before)))
        {
            (true, Some(next), _) => own.start..next.start,
            (false, _, Some(before)) => before.end..own.end,
            _ => own,
        };
        Ok(Splice::new(range, String::new()))
    }

    fn is_removed(&self, parent: &Path, holder: &Node, index: usize) -> bool {
        let path = match &holder.shape {
            Shape::Mapping { entries, .. } => entries.get(index).map(|entry| parent.key(&entry.name)),
            _ => Some(parent.item(index)),
        };
        path.is_some_and(|path| self.removed.contains(&path))
    }

    /// Adds an entry at the end of a mapping.
    fn insert(&self, at: &Path, key: &str, value: &Value) -> Outcome<Splice> {
        let found = self.find(at)?;
        let node = found.node.target();
        let flow_entry = || format!("{}: {}", scalar::write(key, Style::Double, true), scalar::flow(value));
        match &node.shape {
            Shape::Mapping { entries, flow: true } => Ok(match entries.is_empty() {
                false => self.in_flow_behind_last(at, node, &flow_entry()),
                true => Splice::new(node.range.clone(), format!("{{{}}}", flow_entry())),
            }),
            Shape::Mapping { entries, flow: false } => {
                let first = entries.first().ok_or("the mapping is empty")?;
                let lines = scalar::block_entry(key, value, self.column(first.key.start), self.step());
                Ok(self.new_lines(node.range.end, &lines))
            }
            Shape::Scalar if node.range.is_empty() => {
                let (holder, index) = found.holder.ok_or("the file is empty")?;
                let Shape::Mapping { entries, flow: false } = &holder.shape else {
                    return Err("it has no value yet and stands in braces");
                };
                let key_start = entries.get(index).ok_or("it is not there")?.key.start;
                let lines = scalar::block_entry(key, value, self.column(key_start) + self.step(), self.step());
                Ok(self.new_lines(node.range.end, &lines))
            }
            _ => Err("it is not a mapping"),
        }
    }

    /// Adds an item at the end of a sequence.
    fn push(&self, at: &Path, value: &str) -> Outcome<Splice> {
        let node = self.find(at)?.node.target();
        match &node.shape {
            Shape::Sequence { items, flow: true } => {
                let item = scalar::write(value, Style::Double, true);
                Ok(match items.is_empty() {
                    false => self.in_flow_behind_last(at, node, &item),
                    true => Splice::new(node.range.clone(), format!("[{item}]")),
                })
            }
            Shape::Sequence { items, flow: false } => {
                let last = items.last().ok_or("the list is empty")?;
                let dash = self.dash(last.range.start)?;
                let style = Style::of(self.text(last.range.clone())).filter(|_| matches!(last.shape, Shape::Scalar));
                let item = scalar::write(value, style.unwrap_or(Style::Plain), false);
                let line = format!("{}- {item}", " ".repeat(self.column(dash)));
                Ok(self.new_lines(node.range.end, &[line]))
            }
            _ => Err("it is not a list"),
        }
    }

    /// Puts an entry or item behind the last one of a `{…}` or `[…]` that has some.
    fn in_flow_behind_last(&self, at: &Path, holder: &Node, text: &str) -> Splice {
        let spans = spans(holder);
        let end = spans.last().map_or(holder.range.end, |span| span.end);
        let keeps_any = (0..spans.len()).any(|index| !self.is_removed(at, holder, index));
        Splice::new(end..end, format!("{}{text}", if keeps_any { ", " } else { "" }))
    }

    /// Puts lines below the line in which `end` is.
    fn new_lines(&self, end: usize, lines: &[String]) -> Splice {
        let at = self.next_line(end);
        let ended = self.text(0..at).ends_with('\n');
        let body = lines.join(self.line_end);
        let text = if ended { format!("{body}{}", self.line_end) } else { format!("{}{body}", self.line_end) };
        Splice::new(at..at, text)
    }

    fn line_start(&self, at: usize) -> usize {
        self.text(0..at).rfind('\n').map_or(0, |newline| newline + 1)
    }

    fn next_line(&self, at: usize) -> usize {
        let rest = self.text(at..self.document.text.len());
        rest.find('\n').map_or(self.document.text.len(), |newline| at + newline + 1)
    }

    fn column(&self, at: usize) -> usize {
        self.text(self.line_start(at)..at).chars().count()
    }

    /// Returns the dash that opens the item whose value begins at `at`.
    fn dash(&self, at: usize) -> Outcome<usize> {
        let start = self.line_start(at);
        let ahead = self.text(start..at);
        let dash = ahead.trim_end().len().checked_sub(1).map(|dash| start + dash);
        dash.filter(|dash| self.text(*dash..*dash + 1) == "-").ok_or("its dash stands on another line")
    }

    /// Returns by how much this file indents a service below `services:`.
    fn step(&self) -> usize {
        let services = self.document.find(&Path(vec![PathSegment::Key("services".into())]));
        match services.map(|found| &found.node.target().shape) {
            Some(Shape::Mapping { entries, flow: false }) => {
                entries.first().map(|entry| self.column(entry.key.start)).filter(|step| *step > 0).unwrap_or(2)
            }
            _ => 2,
        }
    }
}

/// Returns the bytes of each entry or item, separators left out.
fn spans(holder: &Node) -> Vec<Range<usize>> {
    match &holder.shape {
        Shape::Mapping { entries, .. } => {
            entries.iter().map(|entry| entry.key.start..entry.value.range.end.max(entry.key.end)).collect()
        }
        Shape::Sequence { items, .. } => items.iter().map(|item| item.range.clone()).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
#[path = "splice_tests.rs"]
mod tests;
