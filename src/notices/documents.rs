//! What was odd in the documents that were copied, as sentences for the user.

use crate::text::documents;
use crate::transfer::CopyOutcome;

/// Returns a sentence for each oddity of which there was any.
pub fn notices(outcomes: &[&CopyOutcome]) -> Vec<String> {
    let sum = |of: fn(&CopyOutcome) -> u64| outcomes.iter().map(|one| of(one)).sum::<u64>();
    let all = [
        (sum(|one| one.routing_kept), "had a routing that is not their experiment's id; it was kept."),
        (sum(|one| one.left_out), "were left out, as accepted with --accept-rejects."),
        (sum(|one| one.converted), "were not stored as JSON; they were turned into JSON."),
        (
            sum(|one| one.repaired),
            "had a key twice in an object, which the new Elasticsearch refuses; the last value was kept, as the old one \
             did.",
        ),
    ];
    all.into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", documents(number)))
        .collect()
}
