//! What is known of MongoDB's documents, as text: after the copy, and what `verify` found.

use super::counted::counted_line;
use super::page::Page;
use crate::mongo::{CollectionCompared, ComparedMongo, CopiedMongo, Known, Later};
use crate::text::{documents, plural};

/// Databases that are MongoDB's own.
const OWN: [&str; 3] = ["admin.", "config.", "local."];
/// More paths than this nobody reads.
const NAMED: usize = 5;

/// Returns how much there is in a copy, and how that is known, as a phrase.
pub(super) fn extent(copied: &CopiedMongo) -> String {
    let all = in_collections(copied.documents(), copied.counts.len());
    match &copied.known {
        Known::Comparison => format!("{all} of MongoDB, every one compared"),
        Known::Recovery { image, unread_log: None } => {
            format!("{all} of MongoDB, recovered by {image} and compared with what its log has")
        }
        Known::Recovery { image, unread_log: Some(_) } => format!("{all} of MongoDB, as {image} has recovered them"),
        Known::Replay => {
            format!("{all} of MongoDB, every one compared, with what this program alone has read in its log")
        }
        Known::Nothing { .. } => "MongoDB's files byte for byte, whose documents were not compared".to_owned(),
    }
}

/// Returns a line for each collection of the server's, with its documents.
pub(super) fn collection_lines(copied: &CopiedMongo) -> Vec<String> {
    let servers = copied.counts.iter().filter(|(name, _)| !OWN.iter().any(|own| name.starts_with(own)));
    servers.map(|(name, count)| format!("{name}: {}", documents(*count))).collect()
}

/// Puts what `verify` found on a page.
pub(super) fn put_comparison(page: &mut Page, all: &[ComparedMongo]) {
    for one in all {
        page.title("MongoDB");
        page.item(2, "old  ", &one.source.display().to_string());
        page.item(2, "new  ", &one.target.display().to_string());
        page.title(&verdict(&one.found));
        let collections = one.found.collections();
        let added: u64 = collections.iter().map(|one| one.found.added).sum();
        if added > 0 {
            page.paragraph(0, &format!("Added since: {}.", documents(added)));
        }
        page.block("Where", &difference_lines(&one.found, collections));
        let rewritten = collections.iter().filter(|one| one.rewritten > 0);
        let rewritten: Vec<String> =
            rewritten.map(|one| format!("{}: {}", one.found.collection, documents(one.rewritten))).collect();
        page.block("Compared but for the fields that the new release rewrites as it starts", &rewritten);
    }
}

fn verdict(found: &Later) -> String {
    let sum = |number: fn(&CollectionCompared) -> u64| found.collections().iter().map(number).sum::<u64>();
    let all = in_collections(sum(|one| one.found.documents), found.collections().len());
    let (missing, changed) = (sum(|one| one.found.missing), sum(|one| one.found.changed));
    match found {
        Later::Nothing(why) => format!("Not compared: {why}."),
        Later::Bytes { different, .. } if !different.is_empty() => {
            format!("{} not the same.", plural(different.len() as u64, "file is", "files are"))
        }
        Later::Bytes { collections, .. } if collections.is_empty() => "Every byte is the same.".to_owned(),
        Later::Bytes { .. } if !found.differs() => format!("Every byte is the same: {all}."),
        Later::Documents(_) if !found.differs() => format!("All {all} are there, and as they were."),
        Later::Bytes { .. } | Later::Documents(_) => format!("Of {all}: {missing} missing, {changed} changed."),
    }
}

fn difference_lines(found: &Later, collections: &[CollectionCompared]) -> Vec<String> {
    let mut lines: Vec<String> = match found {
        Later::Bytes { different, .. } => different.iter().take(NAMED).map(|path| path.display().to_string()).collect(),
        Later::Documents(_) | Later::Nothing(_) => Vec::new(),
    };
    let noteworthy = collections.iter().map(|one| &one.found).filter(|one| one.differs() || one.added > 0);
    lines.extend(noteworthy.map(counted_line));
    lines
}

/// Returns what of the old data is not there as it was: a line for each collection or file, with some of its documents.
pub(super) fn differences(all: &[ComparedMongo]) -> Vec<String> {
    let mut lines = Vec::new();
    for one in all.iter().filter(|one| one.found.differs()) {
        if let Later::Bytes { different, .. } = &one.found {
            lines.extend(different.iter().take(NAMED).map(|path| one.target.join(path).display().to_string()));
        }
        for found in one.found.collections().iter().map(|one| &one.found).filter(|found| found.differs()) {
            let named: Vec<String> = found.named.iter().map(ToString::to_string).collect();
            lines.push(match named.is_empty() {
                true => counted_line(found),
                false => format!("{}: {}", found.collection, named.join("; ")),
            });
        }
    }
    lines
}

fn in_collections(count: u64, collections: usize) -> String {
    format!("{} in {}", documents(count), plural(collections as u64, "collection", "collections"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::Paint;
    use crate::transfer::{Compared, How, Named};

    fn collection(name: &str, change: impl FnOnce(&mut CollectionCompared)) -> CollectionCompared {
        let found = Compared { collection: name.into(), documents: 1_000, there: true, ..Compared::default() };
        let mut one = CollectionCompared { found, rewritten: 0 };
        change(&mut one);
        one
    }

    fn compared(found: Later) -> Vec<ComparedMongo> {
        vec![ComparedMongo { source: "/data/db_migrated".into(), target: "/data/db".into(), found }]
    }

    fn text(all: &[ComparedMongo]) -> String {
        let mut page = Page::new(Paint::default());
        put_comparison(&mut page, all);
        page.into_text()
    }

    #[test]
    fn what_was_compared_at_a_later_time_and_what_was_not_is_told_in_numbers() {
        let same = || collection("backend.task", |_| {});
        let rewritten = collection("backend.task", |one| (one.rewritten, one.found.added) = (8, 3));
        let lost = collection("backend.model", |one| {
            (one.found.missing, one.found.changed) = (1, 1);
            one.found.named = vec![Named { id: "a1".into(), how: How::Missing }];
        });
        let different = Later::Bytes { different: vec!["sizeStorer.wt".into()], collections: Vec::new() };
        let cases = [
            Later::Bytes { different: Vec::new(), collections: Vec::new() },
            Later::Bytes { different: Vec::new(), collections: vec![same()] },
            different,
            Later::Documents(vec![rewritten]),
            Later::Documents(vec![same(), lost]),
            Later::Nothing("the old data are not in /data/db_migrated any more".into()),
        ];
        let told = cases.map(|found| {
            let all = compared(found);
            format!("{}--\n{}", text(&all), differences(&all).join("\n"))
        });
        insta::assert_snapshot!(told.join("\n\n"));
    }

    #[test]
    fn a_copy_is_told_with_how_it_is_known_and_its_collections() {
        let counts = [("admin.system.version", 1), ("backend.task", 8), ("auth.user", 1)];
        let copied = |known| CopiedMongo { counts: counts.map(|(name, count)| (name.to_owned(), count)).into(), known };
        let recovered = |unread_log: Option<&str>| {
            copied(Known::Recovery { image: "mongo:3.6.5".into(), unread_log: unread_log.map(str::to_owned) })
        };
        let all = [
            copied(Known::Comparison),
            copied(Known::Replay),
            recovered(None),
            recovered(Some("it is missing")),
            CopiedMongo { counts: Default::default(), known: Known::Nothing { why: "x".into() } },
        ];
        let told: Vec<String> = all.iter().map(extent).collect();
        insta::assert_snapshot!(format!("{}\n{}", told.join("\n"), collection_lines(&all[0]).join("\n")));
    }
}
