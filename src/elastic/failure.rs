//! Why a call to a node failed, in Elasticsearch's own words, and whether trying again makes sense.

use crate::error::Error;
use crate::json::lossy;
use serde::Deserialize;
use std::fmt;
use std::io::ErrorKind;

/// A failed call. Turned into an [`Error`] by [`Failure::explain`], which adds what was being done.
#[derive(Debug)]
pub enum Failure {
    /// No answer: connection refused, reset, closed half-way.
    Unreachable(reqwest::Error),
    /// No answer in time.
    TimedOut(reqwest::Error),
    /// The node answered with an error.
    Refused(Refusal),
    /// The node's answer is not what the API promises.
    Unreadable(String),
    /// Something of our own stopped the call, such as a failpoint or a cancelled run.
    Stopped(Error),
}

/// An error answer of Elasticsearch: `{"error":{"type":…,"reason":…,"caused_by":…},"status":…}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Such as `mapper_parsing_exception`; empty where the body does not say.
    pub kind: String,
    /// The reason with the reasons that caused it, outermost first.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind.as_str(), self.reason.as_str()) {
            ("", "") => write!(f, "HTTP status {}", self.status),
            ("", reason) => write!(f, "{reason} (HTTP status {})", self.status),
            (kind, reason) => write!(f, "{kind}: {reason} (HTTP status {})", self.status),
        }
    }
}

/// One `error` object, as it appears in error answers, in bulk items and in shard failures.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Cause {
    #[serde(rename = "type", default)]
    pub kind: String,
    /// May quote what a document holds, which need not be Unicode.
    #[serde(default, deserialize_with = "lossy")]
    pub reason: Option<String>,
    #[serde(default)]
    caused_by: Option<Box<Cause>>,
}

/// Kinds of errors that say that the node is in trouble, not the document.
const OF_THE_NODE: [&str; 9] = [
    "i_o_exception",
    "translog_exception",
    "already_closed_exception",
    "node_closed_exception",
    "index_shard_closed_exception",
    "illegal_index_shard_state_exception",
    "no_shard_available_action_exception",
    "refresh_failed_engine_exception",
    "flush_failed_engine_exception",
];
/// What [`Client::cluster_id`](super::Client::cluster_id) says of a node that has not found its cluster.
pub(super) const NO_CLUSTER_YET: &str = "the node is not yet part of a cluster";
/// As the system's library words it (`ENOSPC`).
const DISK_FULL: &str = "No space left on device";

impl Cause {
    /// Returns whether any other document would have fared the same.
    pub fn is_of_the_node(&self) -> bool {
        OF_THE_NODE.contains(&self.kind.as_str()) || self.whole_reason().contains(DISK_FULL)
    }

    /// Returns it as the answer to a whole request.
    pub fn into_refusal(self, status: u16) -> Refusal {
        Refusal { status, reason: self.whole_reason(), kind: self.kind }
    }

    /// Joins the reasons of the chain, leaving out those that the outer one already quotes.
    ///
    /// Jackson ends its complaints with a line that names a Java object, which says nothing to anybody.
    pub fn whole_reason(&self) -> String {
        let told = |reason: &Option<String>| {
            let lines = reason.as_deref().unwrap_or_default().lines();
            lines.filter(|line| !line.trim_start().starts_with("at [Source:")).collect::<Vec<_>>().join(" ")
        };
        let mut text = told(&self.reason);
        let mut next = self.caused_by.as_deref();
        while let Some(cause) = next {
            let reason = &told(&cause.reason);
            if !text.contains(reason) {
                text.push_str("; caused by ");
                text.push_str(&cause.kind);
                text.push_str(": ");
                text.push_str(reason);
            }
            next = cause.caused_by.as_deref();
        }
        text
    }
}

impl Refusal {
    /// Whether a login was refused because the node cannot look it up yet.
    fn is_of_unready_users(&self) -> bool {
        let reason = self.reason.to_lowercase();
        let not_ready = ["not ready", "unavailable", "not available", "not recovered", "not yet"];
        matches!(self.status, 401 | 403)
            && reason.contains("security")
            && not_ready.iter().any(|phrase| reason.contains(phrase))
    }

    /// Reads an error answer. Whatever the body is, something readable comes out: a proxy's HTML is cut short.
    pub fn parse(status: u16, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Answer<T> {
            error: T,
        }
        #[derive(Deserialize)]
        struct Words(#[serde(deserialize_with = "lossy")] Option<String>);
        let reason = match serde_json::from_slice::<Answer<Cause>>(body) {
            Ok(Answer { error }) => return error.into_refusal(status),
            Err(_) => match serde_json::from_slice::<Answer<Words>>(body) {
                Ok(Answer { error: Words(reason) }) => reason.unwrap_or_default(),
                Err(_) => String::from_utf8_lossy(body).trim().chars().take(200).collect(),
            },
        };
        Self { status, kind: String::new(), reason }
    }
}

impl Failure {
    /// Sorts an error of the HTTP library.
    pub(super) fn from_http(error: reqwest::Error) -> Self {
        // The URL is ours and long; the message names the thing.
        let error = error.without_url();
        if error.is_timeout() { Self::TimedOut(error) } else { Self::Unreachable(error) }
    }

    /// Returns the HTTP status, if the node answered.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            _ => None,
        }
    }

    /// Returns what is not ready, as a phrase, where the node seems to be starting: nothing listens there yet, docker's proxy
    /// closes the connection because nothing listens behind it, the node has not found its cluster, or the index of its users is not there yet. Nothing for all other failures.
    pub fn while_starting(&self) -> Option<String> {
        match self {
            Self::Unreachable(error) if is_refused_connection(error) => Some("nothing listens there yet".to_owned()),
            Self::Unreachable(error) if is_closed_connection(error) => {
                Some("the connection is closed without an answer".to_owned())
            }
            Self::Unreadable(why) if why == NO_CLUSTER_YET => Some(why.clone()),
            Self::Refused(refusal) if refusal.status == 503 || refusal.is_of_unready_users() => {
                Some(refusal.to_string())
            }
            _ => None,
        }
    }

    /// Returns whether something took the connection, and did not answer as HTTP has it.
    pub fn is_no_http(&self) -> bool {
        matches!(self, Self::Unreachable(error) if !error.is_connect())
    }

    /// Returns whether the same call may succeed a little later: the node is busy, starting, or not reached.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable(_)) || matches!(self.status(), Some(429 | 502 | 503 | 504))
    }

    /// Returns whether the call may have had its effect although it failed.
    pub fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::TimedOut(_) | Self::Unreadable(_))
            || matches!(self.status(), Some(502..=504))
    }

    /// Turns the failure into an error that says what was being done, with the node's own words as the cause.
    pub fn explain(self, message: impl Into<String>) -> Error {
        let message = message.into();
        match self {
            Self::Stopped(error) => error,
            Self::Unreachable(cause) => Error::failed(message).because(cause).hint(
                "Elasticsearch did not answer. Look at the node's log for the reason, then run the same command again.",
            ),
            Self::TimedOut(cause) => Error::failed(message).because(cause).hint(
                "Elasticsearch took too long. If other work keeps this machine busy, wait for its end, then run the \
                 same command again.",
            ),
            Self::Unreadable(cause) => Error::failed(message)
                .because(anyhow::Error::msg(cause))
                .hint("Check that nothing but Elasticsearch listens on this address, then run the same command again."),
            Self::Refused(refusal) => {
                let hint = refusal_hint(&refusal);
                Error::failed(message).because(anyhow::Error::msg(refusal.to_string())).hint(hint)
            }
        }
    }
}

/// Whether nobody listens at the address. One that leads nowhere fails otherwise.
fn is_refused_connection(error: &reqwest::Error) -> bool {
    chain(error).any(|error| io_kind(error) == Some(ErrorKind::ConnectionRefused))
}

/// Whether the connection was taken, and closed or reset before any answer.
fn is_closed_connection(error: &reqwest::Error) -> bool {
    // So hyper calls an orderly end before the answer's first line; it gives no kind that can be compared.
    const CLOSED: &str = "connection closed before message completed";
    chain(error).any(|error| {
        let is_cut = matches!(
            io_kind(error),
            Some(
                ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::BrokenPipe
                    | ErrorKind::UnexpectedEof
            )
        );
        is_cut || error.to_string() == CLOSED
    })
}

fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    let first: Option<&(dyn std::error::Error + 'static)> = Some(error);
    std::iter::successors(first, |error| error.source())
}

fn io_kind(error: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    error.downcast_ref::<std::io::Error>().map(std::io::Error::kind)
}

fn refusal_hint(refusal: &Refusal) -> &'static str {
    if refusal.reason.contains(DISK_FULL) {
        return "The disk is full. Free some space, then run the same command again.";
    }
    match (refusal.kind.as_str(), refusal.status) {
        ("cluster_block_exception", _) => {
            "Elasticsearch has blocked the index, most often because its disk is nearly full. Free some space, then run \
             the same command again."
        }
        ("circuit_breaking_exception" | "out_of_memory_error", _) | (_, 429) => {
            "Elasticsearch is short of memory. Give it more (with --memory, where this program starts it), then run the same \
             command again."
        }
        (_, 401 | 403) => "Elasticsearch asks for a login: is its security switched on?",
        _ => "The node's log has the details. Run the same command again once the cause is gone.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_names_every_cause_once() {
        let body = br#"{"error":{"root_cause":[],"type":"mapper_parsing_exception","reason":"failed to parse",
            "caused_by":{"type":"json_parse_exception","reason":"Duplicate field 'a'"}},"status":400}"#;
        let refusal = Refusal::parse(400, body);
        assert_eq!(
            refusal.to_string(),
            "mapper_parsing_exception: failed to parse; caused by json_parse_exception: Duplicate field 'a' (HTTP status 400)"
        );
    }

    #[test]
    fn words_that_quote_what_is_not_unicode_are_read() {
        let body = br#"{"error":{"type":"mapper_parsing_exception","reason":"failed to parse field [iter]",
            "caused_by":{"type":"illegal_argument_exception","reason":"For input string: \"caf\uDCE9\""}},"status":400}"#;
        let refusal = Refusal::parse(400, body);
        assert_eq!(refusal.kind, "mapper_parsing_exception");
        assert!(refusal.reason.ends_with("For input string: \"caf\u{FFFD}\u{FFFD}\u{FFFD}\""), "{refusal}");
        assert_eq!(Refusal::parse(400, br#"{"error":"no \uDCE9"}"#).reason, "no \u{FFFD}\u{FFFD}\u{FFFD}");
    }

    #[test]
    fn answers_that_are_not_elasticsearch_s_are_still_readable() {
        assert_eq!(Refusal::parse(502, b"<html>bad gateway</html>").reason, "<html>bad gateway</html>");
        assert_eq!(Refusal::parse(400, br#"{"error":"no handler"}"#).reason, "no handler");
        assert_eq!(Refusal::parse(500, b"").to_string(), "HTTP status 500");
    }

    #[test]
    fn an_error_carries_the_node_s_words_and_a_hint() {
        let refusal = Refusal { status: 429, kind: "circuit_breaking_exception".into(), reason: "too large".into() };
        let error = Failure::Refused(refusal).explain("The index events-log-x could not be read.");
        assert_eq!(error.causes(), ["circuit_breaking_exception: too large (HTTP status 429)"]);
        assert!(error.hints()[0].contains("--memory"));
    }
}
