//! Configuration strings: `key=value,key=(key=value,…),key=[…],key="…"` (`config/config.c`).

use super::{Corrupt, Result};

/// How deep values may lie in values: MongoDB's lie in three.
const DEEPEST: usize = 32;

/// A configuration: keys with their values, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config<'a>(Vec<(&'a str, Value<'a>)>);

/// The value of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value<'a> {
    Text(&'a str),
    Config(Config<'a>),
}

impl<'a> Config<'a> {
    /// Reads a configuration.
    ///
    /// # Errors
    /// Fails if brackets or quotes do not match.
    pub fn parse(text: &'a str) -> Result<Self> {
        let mut parser = Parser { text, at: 0 };
        let config = parser.config(None, 0)?;
        Ok(config)
    }

    /// Returns the text of a key; one that is not there, or has brackets, has none.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        match self.value(key)? {
            Value::Text(text) => Some(text),
            Value::Config(_) => None,
        }
    }

    /// Returns what is in the brackets of a key.
    pub fn config(&self, key: &str) -> Option<&Self> {
        match self.value(key)? {
            Value::Config(config) => Some(config),
            Value::Text(_) => None,
        }
    }

    /// Returns the number that a key has.
    ///
    /// # Errors
    /// Fails if it has another text.
    pub fn number(&self, key: &str) -> Result<Option<u64>> {
        let Some(text) = self.text(key) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Corrupt::new(format!("{key}={text} is no number")))
    }

    /// Returns the size in bytes that a key has: `4096`, `4KB`, `64MB`.
    ///
    /// # Errors
    /// Fails if it has another text.
    pub fn size(&self, key: &str) -> Result<Option<u64>> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let wrong = || Corrupt::new(format!("{key}={text} is no size"));
        let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at_checked(digits).ok_or_else(wrong)?;
        let shift = match unit.to_ascii_uppercase().as_str() {
            "" | "B" => 0,
            "K" | "KB" => 10,
            "M" | "MB" => 20,
            "G" | "GB" => 30,
            "T" | "TB" => 40,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        number.checked_mul(1 << shift).map(Some).ok_or_else(wrong)
    }

    /// Returns the entries that have brackets, by key.
    pub fn configs(&self) -> impl Iterator<Item = (&'a str, &Self)> {
        self.0.iter().filter_map(|(key, value)| match value {
            Value::Config(config) => Some((*key, config)),
            Value::Text(_) => None,
        })
    }

    /// Returns the entries as they stand in round or square brackets without keys: `(3,5376)`.
    pub fn items(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(|(_, value)| *value == Value::Text("")).map(|(key, _)| *key)
    }

    /// The last one of a key counts.
    fn value(&self, key: &str) -> Option<&Value<'a>> {
        self.0.iter().rev().find(|(name, _)| *name == key).map(|(_, value)| value)
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn next(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn corrupt(&self, what: &str) -> Corrupt {
        Corrupt::new(format!("a configuration with {what} at byte {}", self.at))
    }

    fn config(&mut self, end: Option<u8>, depth: usize) -> Result<Config<'a>> {
        if depth > DEEPEST {
            return Err(self.corrupt("too many brackets"));
        }
        let mut entries = Vec::new();
        loop {
            self.skip_blanks();
            match self.next() {
                None if end.is_none() => return Ok(Config(entries)),
                None => return Err(self.corrupt("a bracket that is not closed")),
                Some(byte) if Some(byte) == end => {
                    self.at += 1;
                    return Ok(Config(entries));
                }
                Some(b',') => self.at += 1,
                Some(byte) if closing(byte).is_some() => {
                    // An item without a key that has brackets of its own.
                    let value = self.value(depth)?;
                    entries.push(("", value));
                }
                Some(first) => {
                    let key = self.word()?;
                    self.skip_blanks();
                    let value = match self.next() {
                        Some(b'=' | b':') => {
                            self.at += 1;
                            self.value(depth)?
                        }
                        // In quotes, nothing is a word, too.
                        _ if key.is_empty() && first != b'"' => {
                            return Err(self.corrupt("a bracket or quote that does not match"));
                        }
                        _ => Value::Text(""),
                    };
                    entries.push((key, value));
                }
            }
        }
    }

    fn skip_blanks(&mut self) {
        while self.next().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>> {
        self.skip_blanks();
        match self.next().and_then(closing) {
            Some(end) => {
                self.at += 1;
                self.config(Some(end), depth + 1).map(Value::Config)
            }
            None => self.word().map(Value::Text),
        }
    }

    /// A word, in quotes or not.
    fn word(&mut self) -> Result<&'a str> {
        let begun = self.at;
        if self.next() == Some(b'"') {
            self.at += 1;
            loop {
                match self.next() {
                    Some(b'"') => break,
                    Some(b'\\') => self.at += 2,
                    Some(_) => self.at += 1,
                    None => return Err(self.corrupt("a quote that is not closed")),
                }
            }
            self.at += 1;
            let word = self.text.get(begun + 1..self.at - 1);
            return word.ok_or_else(|| self.corrupt("a quote that is not closed"));
        }
        while self.next().is_some_and(|byte| !b",=:()[]{}\"".contains(&byte)) {
            self.at += 1;
        }
        self.text.get(begun..self.at).ok_or_else(|| self.corrupt("half a letter"))
    }
}

fn closing(byte: u8) -> Option<u8> {
    match byte {
        b'(' => Some(b')'),
        b'[' => Some(b']'),
        // JSON of MongoDB's, in app_metadata.
        b'{' => Some(b'}'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str = r#"allocation_size=4KB,app_metadata=(formatVersion=8,infoObj={ "v" : 2, "key" : { "_id" : 1 } }),block_compressor=,checkpoint=(WiredTigerCheckpoint.7=(addr="018181e4",order=7,time=1600000000,size=8192,write_gen=9),WiredTigerCheckpoint.6=(addr="",order=6)),checkpoint_lsn=(2,5376),id=3,leaf_value_max=64MB,log=(enabled=true),version=(major=1,minor=1)"#;

    #[test]
    fn what_the_metadata_of_a_file_say_is_found_by_its_keys() {
        let config = Config::parse(FILE).unwrap();
        assert_eq!(config.size("allocation_size").unwrap(), Some(4096));
        assert_eq!(config.size("leaf_value_max").unwrap(), Some(64 << 20));
        assert_eq!(config.text("block_compressor"), Some(""));
        assert_eq!(config.number("id").unwrap(), Some(3));
        assert_eq!(config.text("nothing"), None);
        let checkpoints: Vec<_> = config.config("checkpoint").unwrap().configs().collect();
        assert_eq!(checkpoints.len(), 2);
        assert_eq!((checkpoints[0].0, checkpoints[0].1.text("addr")), ("WiredTigerCheckpoint.7", Some("018181e4")));
        assert_eq!(config.config("checkpoint_lsn").unwrap().items().collect::<Vec<_>>(), ["2", "5376"]);
        let info = config.config("app_metadata").unwrap().config("infoObj");
        assert!(info.is_some(), "{config:?}");
        assert!(config.number("allocation_size").is_err());
    }

    #[test]
    fn the_definition_of_an_index_may_have_blanks_and_empty_texts_anywhere() {
        let text = r#"a=1,app_metadata=(infoObj={ "v" : 2, "partialFilterExpression" : { "email" : { "$gt" : "" } }, "x" : [ "", "y" ] }),id=7"#;
        let config = Config::parse(text).unwrap();
        assert_eq!(config.number("id").unwrap(), Some(7));
        let info = config.config("app_metadata").unwrap().config("infoObj").unwrap();
        let filter = info.config("partialFilterExpression").unwrap().config("email").unwrap();
        assert_eq!((info.text("v"), filter.text("$gt")), (Some("2"), Some("")));
    }

    #[test]
    fn brackets_and_quotes_that_do_not_match_are_refused() {
        for text in ["a=(b=1", "a=\"b", "a)", "a=[b)", "a=(b=1))", &"(".repeat(100)] {
            assert!(Config::parse(text).is_err(), "{text}");
        }
        assert_eq!(Config::parse("").unwrap(), Config::default());
        assert!(Config::parse("a=,b=(c=),").is_ok());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_or_go_on_for_ever(text in "[a=(),:\\[\\]{}\"\\\\ü ]{0,60}") {
            let _ = Config::parse(&text);
        }
    }
}
