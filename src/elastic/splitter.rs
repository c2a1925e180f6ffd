//! Cuts an answer of many documents into single ones while it arrives, so that a page of huge documents never lies
//! in memory as a whole. The bytes of each item are passed on untouched; what is left is the envelope, a small valid
//! JSON text with an empty array where the items were.

use super::json_text::Place;

/// Which array of an answer holds the items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Items {
    /// `{"hits":{"hits":[…]}}` of a search or scroll.
    Hits,
    /// `{"docs":[…]}` of a multi-get.
    Docs,
}

impl Items {
    fn key(self) -> &'static [u8] {
        match self {
            Self::Hits => b"hits",
            Self::Docs => b"docs",
        }
    }

    /// Containers that are open inside the array, itself included.
    fn depth(self) -> usize {
        match self {
            Self::Hits => 3,
            Self::Docs => 2,
        }
    }
}

/// The state between two pieces of an answer.
#[derive(Debug)]
pub(super) struct Splitter {
    items: Items,
    depth: usize,
    place: Place,
    in_array: bool,
    in_item: bool,
    /// The last string outside of items, and whether the value that follows is the wanted array.
    string: Vec<u8>,
    named: bool,
    item: Vec<u8>,
    envelope: Vec<u8>,
}

impl Splitter {
    pub fn new(items: Items) -> Self {
        Self {
            items,
            depth: 0,
            place: Place::Between,
            in_array: false,
            in_item: false,
            string: Vec::new(),
            named: false,
            item: Vec::new(),
            envelope: Vec::new(),
        }
    }

    /// Takes the next piece and passes on each item that it completes.
    pub fn push(&mut self, piece: &[u8], mut emit: impl FnMut(Vec<u8>)) {
        let mut start = 0;
        for (at, &byte) in piece.iter().enumerate() {
            let place = self.place;
            self.place = place.after(byte);
            match (place, self.place) {
                (Place::Between | Place::Slash, Place::Between) => {}
                (Place::Between | Place::Slash, Place::Text) if !self.in_item => {
                    self.string.clear();
                    continue;
                }
                (Place::Text, Place::Text) if !self.in_item => {
                    self.string.push(byte);
                    continue;
                }
                _ => continue,
            }
            match byte {
                b':' if !self.in_item => self.named = self.string == self.items.key(),
                b'{' => {
                    if self.between_items() {
                        self.keep(piece.get(start..at));
                        start = at;
                        self.in_item = true;
                    }
                    self.depth += 1;
                }
                b'[' => {
                    self.depth += 1;
                    if !self.in_item && self.named && self.depth == self.items.depth() {
                        self.in_array = true;
                    }
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.in_item && self.depth == self.items.depth() {
                        self.keep(piece.get(start..=at));
                        start = at + 1;
                        self.in_item = false;
                        emit(std::mem::take(&mut self.item));
                    } else if self.in_array && self.depth < self.items.depth() {
                        self.in_array = false;
                    }
                }
                b',' if self.between_items() => {
                    self.keep(piece.get(start..at));
                    start = at + 1;
                }
                _ => {}
            }
        }
        self.keep(piece.get(start..));
    }

    /// Returns the envelope. It is not valid JSON if the answer was cut off.
    pub fn finish(self) -> Vec<u8> {
        self.envelope
    }

    fn between_items(&self) -> bool {
        self.in_array && !self.in_item && self.depth == self.items.depth()
    }

    fn keep(&mut self, bytes: Option<&[u8]>) {
        let into = if self.in_item { &mut self.item } else { &mut self.envelope };
        into.extend_from_slice(bytes.unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(items: Items, text: &str, piece: usize) -> (Vec<String>, String) {
        let mut splitter = Splitter::new(items);
        let mut found = Vec::new();
        for piece in text.as_bytes().chunks(piece) {
            splitter.push(piece, |item| found.push(String::from_utf8(item).unwrap()));
        }
        (found, String::from_utf8(splitter.finish()).unwrap())
    }

    #[test]
    fn items_come_out_byte_for_byte_however_the_answer_is_cut() {
        let hits = [r#"{"_id":"a","_source":{"s":"\"}],[{\\","hits":[{"x":1},{}]}}"#, r#"{"_id":"ä", "_source" : {}}"#];
        let text = format!(
            r#"{{"_scroll_id":"hits","_shards":{{"failures":[{{"a":[{{}}]}}]}},"hits":{{"total":2,"hits":[ {} , {} ]}},"z":[{{}}]}}"#,
            hits[0], hits[1]
        );
        for piece in [1, 2, 3, 7, 10_000] {
            let (found, envelope) = split(Items::Hits, &text, piece);
            assert_eq!(found, hits, "pieces of {piece}");
            let envelope: serde_json::Value = serde_json::from_str(&envelope).unwrap();
            assert_eq!(envelope["hits"], serde_json::json!({"total": 2, "hits": []}));
            assert_eq!(envelope["_shards"]["failures"], serde_json::json!([{"a": [{}]}]));
        }
    }

    #[test]
    fn what_stands_in_a_comment_is_no_part_of_the_answer() {
        let item = "{\"_source\":{ // it's \"}\n\"a\": 1 /* ]}\" */}}";
        let text = format!("{{\"hits\":{{\"hits\":[{item},{{\"_id\":\"b/*\"}}]}}}}");
        for piece in [1, 3, 1000] {
            let (found, envelope) = split(Items::Hits, &text, piece);
            assert_eq!(found, [item, "{\"_id\":\"b/*\"}"]);
            assert_eq!(envelope, "{\"hits\":{\"hits\":[]}}");
        }
    }

    #[test]
    fn the_items_of_a_multi_get_lie_one_level_higher() {
        let (found, envelope) = split(Items::Docs, r#"{"docs":[{"docs":[{}]},{"a":1}]}"#, 4);
        assert_eq!(found, [r#"{"docs":[{}]}"#, r#"{"a":1}"#]);
        assert_eq!(envelope, r#"{"docs":[]}"#);
    }

    #[test]
    fn an_answer_that_was_cut_off_leaves_no_valid_envelope() {
        let (found, envelope) = split(Items::Hits, r#"{"hits":{"hits":[{"a":1},{"b":"#, 5);
        assert_eq!(found, [r#"{"a":1}"#]);
        assert!(serde_json::from_str::<serde_json::Value>(&envelope).is_err());
    }

    #[test]
    fn nonsense_is_harmless() {
        for text in ["]]]}}}", "\"", "[[[[{{{{", "}{", ""] {
            split(Items::Hits, text, 1);
        }
    }
}
