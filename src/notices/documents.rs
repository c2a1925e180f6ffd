//! What was odd in the documents that were copied.

use crate::message::{About, Code, Message};
use crate::text::documents;
use crate::transfer::CopyOutcome;

/// Returns what there is to tell of copied documents: a sentence for each oddity of which there was any.
pub fn notices(outcomes: &[&CopyOutcome]) -> Vec<Message> {
    let sum = |of: fn(&CopyOutcome) -> u64| outcomes.iter().map(|one| of(one)).sum::<u64>();
    let all = [
        (
            Code::RoutingKept,
            sum(|one| one.routing_kept),
            "had a routing that is not their experiment's id; it was kept.",
        ),
        (Code::DocumentsLeftOut, sum(|one| one.left_out), "were left out, as accepted with --accept-rejects."),
        (Code::DocumentsConverted, sum(|one| one.converted), "were not stored as JSON; they were turned into JSON."),
        (
            Code::DocumentsRepaired,
            sum(|one| one.repaired),
            "had a key twice in an object, which the new Elasticsearch refuses; the last value was kept, as the old one \
             did.",
        ),
    ];
    all.into_iter()
        .filter(|(_, number, _)| *number > 0)
        .map(|(code, number, what)| {
            Message::new(code, format!("{} {what}", documents(number))).about(About::Number(number))
        })
        .collect()
}
