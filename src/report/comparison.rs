//! What `verify` found, as text and as the error that ends it.

use super::counted::counted_line;
use super::mongo;
use super::outcome::left_out;
use super::page::Page;
use crate::display::Paint;
use crate::error::Error;
use crate::results::Comparison;
use crate::text::documents;
use crate::text::plural;
use crate::transfer::Compared;

/// Returns what was compared and found.
pub fn comparison_text(comparison: &Comparison) -> String {
    let sum = |number: fn(&Compared) -> u64| comparison.indices.iter().map(number).sum::<u64>();
    let (all, missing, changed, added) =
        (sum(|one| one.documents), sum(|one| one.missing), sum(|one| one.changed), sum(|one| one.added));
    let indices = plural(comparison.indices.len() as u64, "index", "indices");
    let mut page = Page::new(Paint::default());
    page.title("Compared");
    match &comparison.source {
        Some(source) => page.item(2, "old  ", &source.display().to_string()),
        None => page.item(2, "old  ", "the digests that were kept when they were copied, as the data are gone"),
    }
    page.item(2, "new  ", &comparison.target.display().to_string());
    page.title(&match comparison.differs() {
        true => format!("Of {} in {indices}: {missing} missing, {changed} changed.", documents(all)),
        false => format!("All {} in {indices} are there, unchanged.", documents(all)),
    });
    if comparison.left_out > 0 {
        page.paragraph(0, &format!("Not among them: {}.", left_out(comparison.left_out)));
    }
    if added > 0 {
        page.paragraph(0, &format!("Added since: {}.", documents(added)));
    }
    let noteworthy = comparison.indices.iter().filter(|one| one.differs() || one.added > 0);
    let discrepancies = comparison.discrepancies.iter().map(ToString::to_string);
    page.block("Where", &noteworthy.map(counted_line).chain(discrepancies).collect::<Vec<_>>());
    page.block("Indices made since", &comparison.made_since);
    mongo::put_comparison(&mut page, &comparison.mongo);
    page.into_text()
}

/// Returns the difference as an error that names documents; none if nothing of the old data is missing or changed.
pub fn comparison_error(comparison: &Comparison) -> Option<Error> {
    if !comparison.differs() {
        return None;
    }
    let different = comparison.indices.iter().filter(|one| one.differs());
    let named = |one: &&Compared| {
        let documents = one.named.iter().map(ToString::to_string).collect::<Vec<_>>();
        if documents.is_empty() { counted_line(one) } else { format!("{}: {}", one.collection, documents.join("; ")) }
    };
    let discrepancies = comparison.discrepancies.iter().map(ToString::to_string);
    let in_mongo = mongo::differences(&comparison.mongo);
    let lines: Vec<String> = different.map(|one| named(&one)).chain(discrepancies).chain(in_mongo).collect();
    let error = Error::difference("The new data do not hold everything that the old data hold.")
        .because(anyhow::Error::msg(lines.join("\n")))
        .hint("If experiments were reset, deleted or reported again in the new server since, that is why, and is no loss.");
    Some(match &comparison.source {
        Some(source) => error.hint(format!("The old data are untouched in {}.", source.display())),
        None => error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::{Discrepancy, Gap, How, Named};

    fn comparison(indices: Vec<Compared>) -> Comparison {
        Comparison {
            source: Some("/data/elastic_migrated_2026-11-22_18-30-00".into()),
            target: "/data/elastic_7".into(),
            indices,
            discrepancies: Vec::new(),
            made_since: Vec::new(),
            left_out: 0,
            mongo: Vec::new(),
        }
    }

    fn index(name: &str) -> Compared {
        Compared { collection: name.into(), documents: 1000, ..Compared::default() }
    }

    #[test]
    fn equal_data_take_two_lines() {
        let comparison = comparison(vec![index("events-log-a"), index("events-plot-a")]);
        assert!(comparison_error(&comparison).is_none());
        insta::assert_snapshot!(comparison_text(&comparison));
    }

    #[test]
    fn what_was_left_out_of_the_copy_is_not_called_compared() {
        let comparison = Comparison { left_out: 5, ..comparison(vec![index("events-log-a")]) };
        assert!(comparison_error(&comparison).is_none());
        let text = comparison_text(&comparison);
        let told = "\nAll 1,000 documents in 1 index are there, unchanged.\nNot among them: 5 documents that were left out, as \
                    accepted with\n--accept-rejects.\n";
        assert!(text.contains(told), "{text}");
    }

    #[test]
    fn what_was_added_since_is_counted_and_no_difference() {
        let comparison = Comparison {
            made_since: vec!["worker_stats_a_2026-11".into()],
            ..comparison(vec![Compared { added: 12, ..index("events-log-a") }, index("events-plot-a")])
        };
        assert!(comparison_error(&comparison).is_none());
        insta::assert_snapshot!(comparison_text(&comparison));
    }

    #[test]
    fn differences_are_named_and_end_with_their_own_exit_code() {
        let named = vec![Named { id: "a1".into(), how: How::Missing }, Named { id: "b2".into(), how: How::Altered }];
        let lacking = Compared { uncovered: vec!["extra".into()], ..index("events-plot-a") };
        let comparison = comparison(vec![Compared { missing: 1, changed: 1, named, ..index("events-log-a") }, lacking]);
        let error = comparison_error(&comparison).unwrap();
        assert_eq!(error.kind().exit_code(), 4);
        insta::assert_snapshot!(comparison_text(&comparison));
        insta::assert_snapshot!(format!("{error}\n{}\n{}", error.causes().join("\n"), error.hints().join("\n")));
    }

    #[test]
    fn what_was_planned_and_not_looked_at_is_a_difference() {
        let discrepancies = vec![Discrepancy { collection: "events-plot-a".into(), gap: Gap::NotCopied }];
        let comparison = Comparison { discrepancies, ..comparison(vec![index("events-log-a")]) };
        let error = comparison_error(&comparison).unwrap();
        assert_eq!(
            (error.kind().exit_code(), error.causes()),
            (4, vec!["The index events-plot-a was planned and not copied.".to_owned()])
        );
        let text = comparison_text(&comparison);
        assert!(
            text.contains("The index events-plot-a was planned and not copied.") && !text.contains("unchanged"),
            "{text}"
        );
    }

    #[test]
    fn without_the_old_data_it_says_what_it_compared() {
        let comparison = Comparison { source: None, ..comparison(vec![index("events-log-a")]) };
        insta::assert_snapshot!(comparison_text(&comparison));
    }
}
