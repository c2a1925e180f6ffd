//! Parts that answers to searches and counts have in common. A shard that could not be read leaves an answer that
//! looks complete; everything here makes it an error.

use super::failure::{Cause, Failure};
use serde::Deserialize;

/// The `_shards` of an answer.
#[derive(Deserialize)]
pub(super) struct Shards {
    failed: u64,
    #[serde(default)]
    failures: Vec<ShardFailure>,
}

#[derive(Deserialize)]
struct ShardFailure {
    reason: Cause,
}

impl Shards {
    /// # Errors
    /// Fails when a shard did not do its part, with its reason.
    pub fn check(&self) -> Result<(), Failure> {
        if self.failed == 0 {
            return Ok(());
        }
        let reason = self.failures.first().map(|failure| failure.reason.whole_reason());
        let reason = reason.unwrap_or_else(|| "no reason given".to_owned());
        Err(Failure::Unreadable(format!("{} shard(s) did not answer: {reason}", self.failed)))
    }
}

/// A page of a scroll without its documents.
#[derive(Deserialize)]
pub(super) struct Envelope {
    #[serde(rename = "_scroll_id")]
    scroll_id: String,
    #[serde(default)]
    timed_out: bool,
    #[serde(rename = "_shards")]
    shards: Shards,
}

impl Envelope {
    /// Returns the id to continue with.
    ///
    /// # Errors
    /// Fails when the page may lack documents.
    pub fn check(self) -> Result<String, Failure> {
        self.shards.check()?;
        if self.timed_out {
            return Err(Failure::Unreadable("the search timed out and left documents out".to_owned()));
        }
        Ok(self.scroll_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_lacks_a_shard_is_no_page() {
        let page = |shards: &str| {
            let text = format!(r#"{{"_scroll_id":"x","timed_out":false,"_shards":{shards},"hits":{{"hits":[]}}}}"#);
            serde_json::from_str::<Envelope>(&text).unwrap().check()
        };
        assert_eq!(page(r#"{"total":1,"failed":0}"#).unwrap(), "x");
        let failed = page(r#"{"failed":1,"failures":[{"shard":0,"reason":{"type":"t","reason":"no context"}}]}"#);
        assert!(matches!(failed, Err(Failure::Unreadable(text)) if text.contains("no context")));
    }
}
