//! The end of `elastic` and of its rollback as text. The last two lines are those of upstream's script, for whoever
//! waits for them.

use super::outcome::{Outcome, but_for, delete_lines};
use super::page::Page;
use crate::display::Paint;
use crate::plan::{Placement, Plan};
use crate::text::duration;
use std::path::PathBuf;

/// Returns the report of a finished migration of a data directory.
pub fn elastic_text(plan: &Plan, outcome: &Outcome, go_back: &str, compare: &str) -> String {
    let mut page = Page::new(Paint::default());
    // The lines of the steps are above.
    page.exact(0, "");
    for one in plan.replacements() {
        let (source, target) = (one.source.display(), one.target.display());
        page.title(&format!("Done: the new data are in {target}."));
        page.paragraph(
            0,
            &format!(
                "They are everything that {source} held{}: {}. This run took {}.",
                but_for(plan, outcome),
                outcome.extent(),
                duration(outcome.elapsed)
            ),
        );
        page.paragraph(
            0,
            &format!("A server with {} can use them: mount {target} at {}.", plan.goal(), one.mounted_at),
        );
        if matches!(one.placement, Placement::Retire { .. }) {
            page.paragraph(
                0,
                &format!("Do not start the old server as it is: it would begin anew, with nothing, in {source}."),
            );
        }
    }
    page.title("To go back");
    page.exact(2, go_back);
    page.title("To compare old and new once more, at any time");
    page.exact(2, compare);
    page.block("Please note", &outcome.warnings);
    page.title("The old data, as they were");
    page.paragraph(2, "To delete them, once you are sure (there is no hurry, and afterwards there is no way back):");
    for line in delete_lines(plan) {
        page.exact(4, &line);
    }
    if let Some(log) = &outcome.log_file {
        page.title("The log of this run");
        page.exact(2, &log.display().to_string());
    }
    page.exact(0, "");
    for one in plan.replacements() {
        let source = one.source.display();
        let line = match &one.placement {
            Placement::Retire { retired } | Placement::Swap { retired } => {
                format!("Renaming the source directory {source} to {}.", retired.display())
            }
            Placement::Stay | Placement::Volume { .. } => format!("The source directory {source} keeps its name."),
        };
        page.exact(0, &line);
    }
    page.exact(0, "Upgrade completed.");
    page.into_text()
}

/// Returns the report of a finished rollback of a data directory.
pub fn elastic_back_text(plan: &Plan, preserved: &[String], migrate_again: &str) -> String {
    let mut page = Page::new(Paint::default());
    page.exact(0, "");
    page.title(&format!("Done: {} is as it was before the migration.", plan.subject().display()));
    let shown = |path: &PathBuf| path.display().to_string();
    page.block("The new data were used meanwhile, so they are kept in", preserved);
    let files = plan.archives.iter().map(|one| &one.file).filter(|file| file.exists());
    page.block("The backup is still there", &files.map(shown).collect::<Vec<_>>());
    page.title("To migrate again");
    page.exact(2, migrate_again);
    page.into_text()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample::plan_of_directory as plan;
    use std::time::Duration;

    #[test]
    fn the_plan() {
        let paint = crate::display::Paint::new(false);
        insta::assert_snapshot!(crate::report::plan_text(&plan(), paint, "docker clearml-migrate rollback"));
    }

    #[test]
    fn the_end_has_the_lines_of_upstream_s_script() {
        let outcome = Outcome {
            documents: 200_000,
            indices: 9,
            elapsed: Duration::from_secs(75),
            warnings: vec!["3 documents were left out.".into()],
            log_file: Some("/root/upgrade_to_7_2026-11-22_18-30-00.log".into()),
            ..Outcome::default()
        };
        let text = elastic_text(&plan(), &outcome, "docker clearml-migrate rollback", "docker clearml-migrate verify");
        let end: Vec<&str> = text.lines().rev().take(2).collect();
        assert_eq!(end[0], "Upgrade completed.");
        let renaming = "Renaming the source directory /nowhere/data/elastic to \
                        /nowhere/data/elastic_migrated_2026-11-22_18-30-00.";
        assert_eq!(end[1], renaming);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn the_end_of_a_rollback() {
        let aside = ["/nowhere/data/elastic_clearml_2026-11-22_18-30-00".to_owned()];
        insta::assert_snapshot!(elastic_back_text(&plan(), &aside, "docker clearml-migrate elastic"));
    }
}
