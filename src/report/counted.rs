//! What was found in an index or a collection, as a line.

use crate::transfer::Compared;

/// Returns what was found in an index or a collection, in numbers.
pub(super) fn counted_line(one: &Compared) -> String {
    let mut parts = Vec::new();
    let mut part = |number: u64, what: &str| {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    };
    part(one.missing, "missing");
    part(one.changed, "changed");
    part(one.added, "added");
    if !one.uncovered.is_empty() {
        parts.push(format!("the mapping lacks {}", one.uncovered.join(", ")));
    }
    format!("{}: {}", one.collection, parts.join(", "))
}
