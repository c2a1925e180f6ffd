//! Settings in a YAML file, nested (`path: {data: …}`) or with dots (`path.data: …`).

use super::Process;
use super::place::{Unclear, several};
use serde_json::Value;

/// Reads a file that is named `shown`. An empty one has no settings.
pub(super) fn parse(text: &str, shown: &str) -> Result<Value, Unclear> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Value::Null);
    }
    serde_saphyr::from_str(text).map_err(|_| Unclear::unreadable(shown, "it is not YAML"))
}

/// Returns the text at a name such as `path.data`, whatever of its dots are levels.
pub(super) fn text(value: &Value, name: &str, shown: &str, process: &Process) -> Result<Option<String>, Unclear> {
    match at(value, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => process.filled_in(text).map(Some),
        Some(Value::Array(_)) => Err(several(shown)),
        Some(_) => Err(Unclear::unreadable(shown, &format!("its {name} is no text"))),
    }
}

fn at<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    if let Some(found) = value.get(name) {
        return Some(found);
    }
    let mut dots = name.match_indices('.');
    dots.find_map(|(dot, _)| {
        let (head, tail) = (name.get(..dot)?, name.get(dot + 1..)?);
        at(value.get(head)?, tail)
    })
}
