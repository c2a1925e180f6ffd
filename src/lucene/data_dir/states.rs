//! State files, of which a damaged one is a finding.

use super::list::read_if_there;
use super::{Finding, Problem};
use crate::error::Result;
use crate::lucene::state;
use serde_json::Value;
use std::path::Path;

/// Reads a state file; a damaged one becomes a finding.
pub(super) fn read_state(path: &Path, findings: &mut Vec<Finding>) -> Result<Option<Value>> {
    let problem = match read_if_there(path)?.map(|bytes| state::parse(&bytes)) {
        Some(Ok(state)) => return Ok(Some(state.content)),
        Some(Err(corrupt)) => Problem::Damaged(corrupt.to_string()),
        None => Problem::Missing,
    };
    findings.push(Finding { path: path.to_owned(), problem });
    Ok(None)
}
