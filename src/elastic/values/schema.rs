//! A mapping, ready to judge documents by.

use super::super::node::Version;
use super::date::Dates;
use super::number::{Kind, Numbers};
use serde_json::{Map, Value};

/// Any string of more units of UTF-16 may be too long for a term, none of fewer is: each unit has three bytes at most.
pub(super) const SAFE_UNITS: usize = TERM_BYTES / 3;
/// Lucene's longest term (`IndexWriter.MAX_TERM_LENGTH`).
pub(super) const TERM_BYTES: usize = 32_766;

/// The fields of a mapping that say what values they take.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) root: Children,
    pub(super) fields: Vec<Field>,
}

/// A field of the mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// The dotted name.
    pub name: String,
    /// The names of the objects that lead to its definition in the mapping.
    pub keys: Vec<String>,
    /// What it is.
    pub is: Is,
}

/// What a field is, as far as that decides what is done about its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Is {
    /// Kept by the node for itself: it takes no document that has it.
    Reserved,
    Boolean,
    Other,
}

/// Fields by name, sorted.
pub(super) type Children = Vec<(Box<[u8]>, Node)>;

#[derive(Debug)]
pub(super) enum Node {
    /// An object with fields.
    Object { field: usize, children: Children },
    /// A value.
    Value(Leaf),
    /// Takes whatever comes, or is not judged here.
    Free,
}

#[derive(Debug)]
pub(super) struct Leaf {
    pub field: usize,
    pub rule: Rule,
    /// Fields that get the same value.
    pub copies: Vec<Leaf>,
}

#[derive(Debug)]
pub(super) enum Rule {
    Numbers(Numbers),
    Dates(Dates),
    Boolean,
    /// Words as they are; those of more units than this are not indexed anyway.
    Words {
        ignore_above: Option<usize>,
    },
    /// Anything but an object.
    NoObject,
    /// Nothing; whole numbers aside, if that is set.
    Nothing {
        but_whole_numbers: bool,
    },
}

/// What is set for a whole index.
#[derive(Debug, Clone, Copy)]
struct Defaults {
    coerce: bool,
    ignore_malformed: bool,
}

/// Returns a parameter that is true or false, written as that or as a string.
fn flag(value: Option<&Value>) -> Option<bool> {
    match value? {
        Value::Bool(value) => Some(*value),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

impl Schema {
    /// Reads the mapping (`{"properties": …}`) and the settings (`index`) of an index in a node of this version.
    /// `reserved` are names that it refuses at the top of a document.
    pub fn new(mapping: &Value, settings: &Value, version: &Version, reserved: &[&str]) -> Self {
        let set = |name: &str| flag(settings.get("mapping").and_then(|mapping| mapping.get(name)));
        let defaults = Defaults {
            coerce: set("coerce").unwrap_or(true),
            ignore_malformed: set("ignore_malformed").unwrap_or(false),
        };
        let mut builder = Builder { version, defaults, fields: Vec::new() };
        let properties = mapping.get("properties").and_then(Value::as_object);
        let mut root = properties.map(|fields| builder.children(fields, "", &[])).unwrap_or_default();
        for name in reserved {
            let field = builder.field(name, &[], Is::Reserved);
            let rule = Rule::Nothing { but_whole_numbers: *name == "_doc_count" };
            root.push((name.as_bytes().into(), Node::Value(Leaf { field, rule, copies: Vec::new() })));
        }
        root.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self { root, fields: builder.fields }
    }
}

struct Builder<'a> {
    version: &'a Version,
    defaults: Defaults,
    fields: Vec<Field>,
}

impl Builder<'_> {
    fn field(&mut self, name: &str, keys: &[String], is: Is) -> usize {
        self.fields.push(Field { name: name.to_owned(), keys: keys.to_vec(), is });
        self.fields.len() - 1
    }

    fn children(&mut self, fields: &Map<String, Value>, path: &str, keys: &[String]) -> Children {
        let mut children = Vec::with_capacity(fields.len());
        for (name, definition) in fields {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let keys = [keys, &["properties".to_owned(), name.clone()]].concat();
            children.push((name.as_bytes().into(), self.node(definition, &path, &keys)));
        }
        children.sort_by(|(one, _): &(Box<[u8]>, Node), (other, _)| one.cmp(other));
        children
    }

    fn node(&mut self, definition: &Value, path: &str, keys: &[String]) -> Node {
        let kind = definition.get("type").and_then(Value::as_str).unwrap_or("object");
        if !matches!(kind, "object" | "nested") {
            return self.leaf(kind, definition, path, keys).map_or(Node::Free, Node::Value);
        }
        if flag(definition.get("enabled")) == Some(false) {
            return Node::Free;
        }
        let field = self.field(path, keys, Is::Other);
        let properties = definition.get("properties").and_then(Value::as_object);
        let children = properties.map(|fields| self.children(fields, path, keys)).unwrap_or_default();
        Node::Object { field, children }
    }

    fn leaf(&mut self, kind: &str, definition: &Value, path: &str, keys: &[String]) -> Option<Leaf> {
        let rule = self.rule(kind, definition)?;
        let is = if matches!(rule, Rule::Boolean) { Is::Boolean } else { Is::Other };
        let field = self.field(path, keys, is);
        let mut copies = Vec::new();
        for (name, definition) in definition.get("fields").and_then(Value::as_object).into_iter().flatten() {
            let kind = definition.get("type").and_then(Value::as_str).unwrap_or_default();
            let keys = [keys, &["fields".to_owned(), name.clone()]].concat();
            copies.extend(self.leaf(kind, definition, &format!("{path}.{name}"), &keys));
        }
        Some(Leaf { field, rule, copies })
    }

    /// Returns what a type takes; nothing for those that are not judged here.
    fn rule(&self, kind: &str, definition: &Value) -> Option<Rule> {
        let set = |name: &str| flag(definition.get(name));
        let number = match kind {
            "byte" => Some(Kind::Whole(8)),
            "short" => Some(Kind::Whole(16)),
            "integer" => Some(Kind::Whole(32)),
            "long" => Some(Kind::Long),
            "half_float" => Some(Kind::HalfFloat),
            "float" => Some(Kind::Float),
            "double" | "scaled_float" => Some(Kind::Double),
            _ => None,
        };
        let ignored = set("ignore_malformed").unwrap_or(self.defaults.ignore_malformed);
        match (kind, number) {
            ("date", _) | (_, Some(_)) if ignored => Some(Rule::NoObject),
            (_, Some(kind)) => {
                let coerce = set("coerce").unwrap_or(self.defaults.coerce);
                let by_double = !self.version.is_at_least((7, 17));
                Some(Rule::Numbers(Numbers { kind, coerce, by_double }))
            }
            ("date", _) => {
                Some(Rule::Dates(Dates::new(definition.get("format").and_then(Value::as_str), self.version)))
            }
            ("boolean", _) => Some(Rule::Boolean),
            ("keyword", _) if set("index") == Some(false) && set("doc_values") == Some(false) => Some(Rule::NoObject),
            ("keyword", _) => {
                let above = definition.get("ignore_above").and_then(Value::as_u64);
                let ignore_above = above.and_then(|above| usize::try_from(above).ok());
                Some(match ignore_above {
                    Some(0..=SAFE_UNITS) => Rule::NoObject,
                    ignore_above => Rule::Words { ignore_above },
                })
            }
            ("text" | "binary", _) => Some(Rule::NoObject),
            _ => None,
        }
    }
}
