//! Where in a text the values of a model are written: a YAML document as a tree of byte ranges.
//!
//! Found with yaml-edit, whose tree is lossless. Aliases and merge keys are followed, so that a path of the merged
//! model leads to the place where its value is written.

use super::change::{Path, PathSegment};
use std::collections::BTreeSet;
use std::ops::Range;
use yaml_edit::{AnchorRegistry, Document as YamlDocument, YamlFile, YamlNode};

/// A file that unfolds into more values than this through aliases is no compose file.
const MOST_NODES: usize = 200_000;

/// Deeper nesting than this is an anchor that holds itself.
const MOST_LEVELS: usize = 64;

/// A document and where everything in it is.
#[derive(Debug)]
pub(super) struct Document<'a> {
    /// The text, without byte order mark.
    pub(super) text: &'a str,
    root: Node,
    flow: Vec<Range<usize>>,
}

/// A value as it is written.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// The bytes of the value itself: no anchor, no tag, no comment or line end behind it.
    pub(super) range: Range<usize>,
    pub(super) shape: Shape,
}

#[derive(Debug, Clone)]
pub(super) enum Shape {
    Scalar,
    Mapping {
        entries: Vec<Entry>,
        flow: bool,
    },
    Sequence {
        items: Vec<Node>,
        flow: bool,
    },
    /// `*name`, with what it stands for.
    Alias(Box<Node>),
}

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) key: Range<usize>,
    pub(super) value: Node,
}

/// A value that was looked up, with the collection in which it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) node: &'a Node,
    pub(super) holder: Option<(&'a Node, usize)>,
}

impl Node {
    /// Returns what an alias stands for, and any other node itself.
    pub(super) fn target(&self) -> &Self {
        match &self.shape {
            Shape::Alias(target) => target.target(),
            _ => self,
        }
    }

    /// Returns the entry of a mapping, its own or one that it merges in, with the mapping where it is written.
    fn entry(&self, name: &str) -> Option<(&Self, usize)> {
        let node = self.target();
        let Shape::Mapping { entries, .. } = &node.shape else { return None };
        if let Some(index) = entries.iter().position(|entry| entry.name == name) {
            return Some((node, index));
        }
        entries.iter().filter(|entry| entry.name == "<<").find_map(|merge| {
            let source = merge.value.target();
            match &source.shape {
                Shape::Sequence { items, .. } => items.iter().find_map(|item| item.entry(name)),
                _ => source.entry(name),
            }
        })
    }
}

impl<'a> Document<'a> {
    /// Reads a text that holds one document with a mapping at its root.
    ///
    /// # Errors
    /// A phrase that says what is wrong, with the line.
    pub(super) fn parse(text: &'a str) -> Result<Self, String> {
        let parsed = YamlFile::parse(text);
        if let Some(error) = parsed.errors().first() {
            return Err(error.clone());
        }
        let file = parsed.tree();
        let documents: Vec<YamlDocument> = file.documents().collect();
        let [document] = documents.as_slice() else {
            return Err(format!("it holds {} YAML documents instead of one", documents.len()));
        };
        let root = document.as_mapping().ok_or("its root is not a mapping")?;
        let mut reader =
            Reader { text, anchors: AnchorRegistry::from_document(document), nodes: 0, level: 0, flow: Vec::new() };
        let root = reader.read(&YamlNode::Mapping(root))?;
        Ok(Self { text, root, flow: reader.flow })
    }

    /// Returns where the value at `path` is written.
    pub(super) fn find(&self, path: &Path) -> Option<Found<'_>> {
        let mut found = Found { node: &self.root, holder: None };
        for step in &path.0 {
            found = match step {
                PathSegment::Key(key) => {
                    let (holder, index) = found.node.entry(key)?;
                    let Shape::Mapping { entries, .. } = &holder.shape else { return None };
                    Found { node: &entries.get(index)?.value, holder: Some((holder, index)) }
                }
                PathSegment::Item(index) => {
                    let holder = found.node.target();
                    let Shape::Sequence { items, .. } = &holder.shape else { return None };
                    Found { node: items.get(*index)?, holder: Some((holder, *index)) }
                }
            };
        }
        Some(found)
    }

    /// Returns the line, from 1, in which the longest existing part of `path` is written.
    pub(super) fn line_of(&self, path: &Path) -> usize {
        let mut path = path.clone();
        loop {
            if let Some(Found { holder, node }) = self.find(&path) {
                let key = holder.and_then(|(holder, index)| match &holder.shape {
                    Shape::Mapping { entries, .. } => entries.get(index).map(|entry| entry.key.start),
                    _ => None,
                });
                return self.line_at(key.unwrap_or(node.range.start));
            }
            match path.split() {
                Some((parent, _)) => path = parent,
                None => return 1,
            }
        }
    }

    /// Returns the line, from 1, of a byte.
    pub(super) fn line_at(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }

    /// Whether a byte lies within `{…}` or `[…]`.
    pub(super) fn in_flow(&self, at: usize) -> bool {
        self.flow.iter().any(|range| range.contains(&at))
    }
}

struct Reader<'a> {
    text: &'a str,
    anchors: AnchorRegistry,
    nodes: usize,
    level: usize,
    flow: Vec<Range<usize>>,
}

impl Reader<'_> {
    fn read(&mut self, node: &YamlNode) -> Result<Node, String> {
        self.nodes += 1;
        self.level += 1;
        if self.nodes > MOST_NODES || self.level > MOST_LEVELS {
            return Err("its aliases unfold into too many values".into());
        }
        let read = self.read_shape(node);
        self.level -= 1;
        read
    }

    fn read_shape(&mut self, node: &YamlNode) -> Result<Node, String> {
        let written = self.trimmed(node);
        match node {
            YamlNode::Scalar(_) => Ok(Node { range: written, shape: Shape::Scalar }),
            YamlNode::Mapping(mapping) => {
                let flow = mapping.is_flow_style();
                let mut entries = Vec::new();
                for entry in mapping.entries() {
                    let (Some(key), Some(value)) = (entry.key_node(), entry.value_node()) else {
                        return Err(format!("line {} has an entry without a key", self.line(written.start)));
                    };
                    let YamlNode::Scalar(name) = &key else {
                        return Err(format!("line {} has a key that is no text", self.line(written.start)));
                    };
                    entries.push(Entry { name: name.as_string(), key: self.trimmed(&key), value: self.read(&value)? });
                }
                let mut seen = BTreeSet::new();
                if let Some(twice) = entries.iter().find(|entry| !seen.insert(entry.name.as_str())) {
                    return Err(format!("line {} repeats the key {:?}", self.line(twice.key.start), twice.name));
                }
                let block =
                    entries.first().zip(entries.last()).map(|(a, z)| a.key.start..z.value.range.end.max(z.key.end));
                Ok(self.collection(flow, written, block, Shape::Mapping { entries, flow }))
            }
            YamlNode::Sequence(sequence) => {
                let flow = sequence.is_flow_style();
                let items = sequence.values().map(|item| self.read(&item)).collect::<Result<Vec<_>, _>>()?;
                let block = items.first().zip(items.last()).map(|(a, z)| a.range.start..z.range.end);
                Ok(self.collection(flow, written, block, Shape::Sequence { items, flow }))
            }
            YamlNode::Alias(alias) => {
                let target = self.anchors.resolve_alias(alias);
                let target = target.map_err(|_| format!("line {} uses an unknown anchor", self.line(written.start)))?;
                Ok(Node { range: written, shape: Shape::Alias(Box::new(self.read(&target)?)) })
            }
            YamlNode::TaggedNode(tagged) => {
                let inner = tagged
                    .as_mapping()
                    .map(YamlNode::Mapping)
                    .or_else(|| tagged.as_sequence().map(YamlNode::Sequence))
                    .or_else(|| tagged.value().map(YamlNode::Scalar));
                match inner {
                    Some(inner) => self.read(&inner),
                    None => Ok(Node { range: written, shape: Shape::Scalar }),
                }
            }
        }
    }

    fn collection(&mut self, flow: bool, written: Range<usize>, block: Option<Range<usize>>, shape: Shape) -> Node {
        if flow {
            self.flow.push(written.clone());
        }
        let range = if flow { written } else { block.unwrap_or(written) };
        Node { range, shape }
    }

    /// Returns a node's bytes without the white space behind them.
    fn trimmed(&self, node: &YamlNode) -> Range<usize> {
        let range = node.byte_range();
        let (start, end) = (range.start as usize, range.end as usize);
        let text = self.text.get(start..end).unwrap_or_default();
        start..start + text.trim_end().len()
    }

    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# head\nx: &base\n  image: 'a:1'   # why\n  env: &env {A: 1, \"B\": [x, y]}\nservices:\n  one:\n    <<: *base\n    empty:\n    list:\n    - p\n    - k: v\n      l: >-\n        folded\n        text\n  two:\n    <<: [*base]\n    env: *env\n";

    fn at(path: &Path) -> String {
        let document = Document::parse(TEXT).unwrap();
        TEXT[document.find(path).unwrap().node.target().range.clone()].to_owned()
    }

    #[test]
    fn a_value_is_found_where_it_is_written() {
        let one = Path::of(["services", "one"]);
        assert_eq!(at(&one.key("image")), "'a:1'");
        assert_eq!(at(&one.key("env").key("B").item(1)), "y");
        assert_eq!(at(&one.key("empty")), "");
        assert_eq!(at(&one.key("list").item(0)), "p");
        assert_eq!(at(&one.key("list").item(1).key("k")), "v");
        assert_eq!(at(&one.key("list").item(1).key("l")), ">-\n        folded\n        text");
        assert_eq!(at(&Path::of(["services", "two", "env", "A"])), "1");
        assert_eq!(at(&Path::of(["services", "two", "image"])), "'a:1'");
    }

    #[test]
    fn lines_and_flow_are_known() {
        let document = Document::parse(TEXT).unwrap();
        assert_eq!(document.line_of(&Path::of(["services", "one", "empty"])), 8);
        assert_eq!(document.line_of(&Path::of(["services", "one", "nothing", "here"])), 6);
        assert!(document.in_flow(TEXT.find("[x").unwrap()));
        assert!(!document.in_flow(TEXT.find("services").unwrap()));
    }

    #[test]
    fn what_is_not_one_mapping_is_refused() {
        for text in ["- a\n", "a: 1\n---\nb: 2\n", "a: 1\na: 2\n", "a: *none\n", "a: [1\n", ""] {
            assert!(Document::parse(text).is_err(), "{text:?}");
        }
    }
}
