//! An answer of many documents, taken one document at a time while it arrives.

use super::client::{Call, Client};
use super::document::{Item, parse_item};
use super::failure::Failure;
use super::splitter::{Items, Splitter};
use serde::de::DeserializeOwned;
use std::collections::VecDeque;

/// An answer on its way.
pub(super) struct Page {
    response: reqwest::Response,
    splitter: Splitter,
    complete: VecDeque<Vec<u8>>,
    /// Items taken so far.
    pub items: usize,
    /// Bytes that have arrived so far.
    pub bytes: usize,
}

impl Page {
    /// Sends `call` once and waits for the beginning of the answer.
    pub async fn request(client: &Client, call: &Call, items: Items) -> Result<Self, Failure> {
        let response = client.send_once(call).await?;
        Ok(Self { response, splitter: Splitter::new(items), complete: VecDeque::new(), items: 0, bytes: 0 })
    }

    /// Returns the next item, or `None` when the answer has ended, for whatever reason: see [`Page::envelope`].
    pub async fn next(&mut self) -> Result<Option<Item>, Failure> {
        loop {
            if let Some(text) = self.complete.pop_front() {
                self.items += 1;
                return parse_item(text).map(Some).map_err(Failure::Unreadable);
            }
            let Some(piece) = self.response.chunk().await.map_err(Failure::from_http)? else { return Ok(None) };
            self.bytes += piece.len();
            self.splitter.push(&piece, |text| self.complete.push_back(text));
        }
    }

    /// Reads what is around the items.
    ///
    /// # Errors
    /// Fails when the answer was cut off.
    pub fn envelope<T: DeserializeOwned>(self) -> Result<T, Failure> {
        serde_json::from_slice(&self.splitter.finish())
            .map_err(|error| Failure::Unreadable(format!("the answer is not whole: {error}")))
    }
}
