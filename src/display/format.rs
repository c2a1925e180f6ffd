//! Amounts and speeds in the unit of a task: "12,000 of 200,000 documents", "85 MiB/s".

use crate::events::Unit;
use crate::text::{bytes, count, documents, duration};
use std::time::Duration;

/// Returns an amount in its unit: `1.2 GiB`, `200,000 documents`, `7`.
pub fn amount(number: u64, unit: Unit) -> String {
    match unit {
        Unit::Bytes => bytes(number),
        Unit::Documents => documents(number),
        Unit::Items => count(number),
        Unit::Seconds => duration(Duration::from_secs(number)),
    }
}

/// Returns how much of a whole is done: `12,000 of 200,000 documents`.
pub fn progress(done: u64, total: Option<u64>, unit: Unit) -> String {
    match (total, unit) {
        (None, _) => amount(done, unit),
        (Some(total), Unit::Bytes) => format!("{} of {}", bytes(done), bytes(total)),
        (Some(total), _) => format!("{} of {}", count(done), amount(total, unit)),
    }
}

/// Returns a speed: `85 MiB/s`, `4,200 documents/s`.
pub fn rate(per_second: u64, unit: Unit) -> String {
    match unit {
        Unit::Bytes => format!("{}/s", bytes(per_second)),
        Unit::Documents => format!("{} documents/s", count(per_second)),
        Unit::Items | Unit::Seconds => format!("{}/s", count(per_second)),
    }
}

/// Returns what follows a finished step: its summary and its time.
pub(super) fn finished(summary: &str, elapsed: Duration) -> String {
    let summary = if summary.is_empty() { "done" } else { summary };
    format!("{summary} ({})", duration(elapsed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_names_the_unit_once() {
        assert_eq!(progress(12_000, Some(200_000), Unit::Documents), "12,000 of 200,000 documents");
        assert_eq!(progress(1 << 20, Some(1 << 30), Unit::Bytes), "1.0 MiB of 1.0 GiB");
        assert_eq!(progress(3, None, Unit::Items), "3");
        assert_eq!(rate(4_200, Unit::Documents), "4,200 documents/s");
    }
}
