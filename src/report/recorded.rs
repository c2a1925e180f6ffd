//! What a rollback sets aside, as text, before it asks.

use super::page::Page;
use crate::display::Paint;
use crate::results::{Change, Recorded, Told};
use crate::text::count;
use crate::text::documents;
use crate::text::plural;

/// More lines than this nobody reads.
const LINES: usize = 20;

/// The server's collections, and what a document in them is called.
const KINDS: [(&str, &str, &str); 7] = [
    ("backend.task", "experiment", "experiments"),
    ("backend.model", "model", "models"),
    ("backend.project", "project", "projects"),
    ("backend.queue", "queue", "queues"),
    ("backend.user", "user", "users"),
    ("backend.company", "workspace", "workspaces"),
    ("auth.user", "login", "logins"),
];

/// Returns what the new server has recorded since the migration, and what of that is not known. Numbers do not show what
/// was changed in place, and the text says that they are numbers.
pub fn recorded_text(recorded: &Recorded) -> String {
    let nothing = |told: &Told| matches!(told, Told::Changes(changes) if changes.is_empty());
    if nothing(&recorded.elastic) && recorded.mongo.as_ref().is_none_or(nothing) {
        return "By the numbers of documents, nothing was recorded since the migration.".to_owned();
    }
    let mut lines = lines_of("Elasticsearch", &recorded.elastic, index_line);
    lines.extend(recorded.mongo.iter().flat_map(|told| lines_of("MongoDB", told, collection_line)));
    let mut page = Page::new(Paint::default());
    page.block("Recorded since the migration, by the numbers of documents", &lines);
    page.into_text()
}

fn lines_of(database: &str, told: &Told, line: fn(&Change) -> String) -> Vec<String> {
    match told {
        Told::Unknown(why) => vec![format!("in {database}: not known, as {}", why_in_words(why))],
        Told::Changes(changes) if changes.is_empty() => vec![format!("in {database}: nothing")],
        Told::Changes(changes) => {
            let more = changes.len().saturating_sub(LINES);
            let mut lines: Vec<String> = changes.iter().take(LINES).map(line).collect();
            if more > 0 {
                lines.push(format!("and other numbers in {} more of {database}", count(more as u64)));
            }
            lines
        }
    }
}

/// What an error says begins like a sentence.
fn why_in_words(why: &str) -> String {
    let mut letters = why.chars();
    match letters.next() {
        Some(first) if why.starts_with("The ") => first.to_lowercase().chain(letters).collect(),
        _ => why.to_owned(),
    }
}

fn index_line(change: &Change) -> String {
    let Change { name, before, now } = change;
    match (*before, *now) {
        (None, now) => format!("{} in {name}, which is new", documents(now.unwrap_or(0))),
        (Some(before), None) => format!("{} fewer: {name} is not there any more", documents(before)),
        (Some(before), Some(now)) => {
            let fewer = if now < before { " fewer" } else { "" };
            format!("{}{fewer} in {name} ({} → {})", documents(now.abs_diff(before)), count(before), count(now))
        }
    }
}

fn collection_line(change: &Change) -> String {
    let (before, now) = (change.before.unwrap_or(0), change.now.unwrap_or(0));
    let fewer = if now < before { " fewer" } else { "" };
    let name = &change.name;
    let known = KINDS.iter().find(|(collection, ..)| collection == name);
    let what =
        known.map_or_else(|| documents(now.abs_diff(before)), |(_, one, many)| plural(now.abs_diff(before), one, many));
    format!("{what}{fewer} in {name} ({} → {})", count(before), count(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(changes: &[(&str, Option<u64>, Option<u64>)]) -> Told {
        let change = |(name, before, now): &(&str, _, _)| Change { name: (*name).into(), before: *before, now: *now };
        Told::Changes(changes.iter().map(change).collect())
    }

    #[test]
    fn what_was_recorded_is_told_in_numbers() {
        let elastic = changes(&[
            ("events-log-d1bd92a3b039400cbafc60a7a5b1e52b", Some(12_400), Some(13_604)),
            ("events-plot-d1bd92a3b039400cbafc60a7a5b1e52b", Some(7), Some(6)),
            ("queue_metrics_d1bd92a3b039400cbafc60a7a5b1e52b_2026-10", Some(3), None),
            ("worker_stats_d1bd92a3b039400cbafc60a7a5b1e52b_2026-11", None, Some(1)),
        ]);
        let mongo = changes(&[
            ("auth.user", Some(1), Some(2)),
            ("backend.model", Some(5), Some(3)),
            ("backend.settings", None, Some(1)),
            ("backend.task", Some(8), Some(11)),
        ]);
        insta::assert_snapshot!(recorded_text(&Recorded { elastic, mongo: Some(mongo) }));
    }

    #[test]
    fn what_is_not_known_is_told_with_the_reason() {
        let why = |why: &str| Told::Unknown(why.to_owned());
        let files = "it does not run, and its files do not tell (12 operations of the shard are not in /x/segments_5)";
        let mongo = why("its documents were not counted when the new server was started");
        let both = recorded_text(&Recorded { elastic: why(files), mongo: Some(mongo) });
        let docker = why("The containers cannot be listed (connection refused)");
        let one = recorded_text(&Recorded { elastic: changes(&[]), mongo: Some(docker) });
        insta::assert_snapshot!(format!("{both}\n--\n{one}"));
    }

    #[test]
    fn where_nothing_has_changed_that_is_all_that_is_told() {
        let text = |mongo| recorded_text(&Recorded { elastic: changes(&[]), mongo });
        assert!(text(Some(changes(&[]))).ends_with("nothing was recorded since the migration."));
        assert_eq!(text(None), text(Some(changes(&[]))));
    }

    #[test]
    fn of_many_indices_some_are_named_and_the_others_counted() {
        let many: Vec<Change> =
            (0..30).map(|n| Change { name: format!("worker_stats_{n:02}"), before: None, now: Some(1) }).collect();
        let text = recorded_text(&Recorded { elastic: Told::Changes(many), mongo: None });
        assert!(text.contains("worker_stats_19") && !text.contains("worker_stats_20"), "{text}");
        assert!(text.contains("and other numbers in 10 more of Elasticsearch"), "{text}");
    }
}
