//! The end of a run as text: what was done, where the old things are, how to go back, what clients must change.

use super::mongo;
use super::page::Page;
use crate::deployment::Storage;
use crate::display::Paint;
use crate::mongo::CopiedMongo;
use crate::plan::{Placement, Plan};
use crate::text::documents;
use crate::text::duration;
use crate::text::plural;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a finished run knows about itself.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Documents copied and verified.
    pub documents: u64,
    /// Indices copied.
    pub indices: u64,
    /// Documents that were left out, as the user accepted.
    pub left_out: u64,
    /// Documents were not compared, as the user wished.
    pub only_counted: bool,
    /// What was copied of MongoDB; nothing where only Elasticsearch's data were migrated.
    pub mongo: Option<CopiedMongo>,
    /// Wall time of this run.
    pub elapsed: Duration,
    /// What the health check found worth saying: one line each.
    pub checks: Vec<String>,
    /// Warnings of the run, repeated here.
    pub warnings: Vec<String>,
    /// The log file, if one was written.
    pub log_file: Option<PathBuf>,
    /// Address of the web application.
    pub web: Option<String>,
}

impl Outcome {
    /// Returns how much was copied, and how that is known, as a phrase.
    pub(super) fn extent(&self) -> String {
        let known = if self.only_counted { "counted but not compared" } else { "every one compared" };
        format!("{} in {}, {known}", documents(self.documents), plural(self.indices, "index", "indices"))
    }
}

/// Returns the report of a finished migration.
pub fn success_text(plan: &Plan, outcome: &Outcome, go_back: &str) -> String {
    let mut page = Page::new(Paint::default());
    // The lines of the steps are above.
    page.exact(0, "");
    let release = plan.server().map_or("", |server| &server.release);
    page.title(&format!("Done: ClearML Server {release} runs in {}.", plan.new_home().display()));
    page.paragraph(
        0,
        &format!(
            "It has everything that the old server had{}: {}. This run took {}.",
            but_for(plan, outcome),
            all(outcome),
            duration(outcome.elapsed)
        ),
    );
    if let Some(web) = &outcome.web {
        page.paragraph(
            0,
            &format!("Open it at {web}. Browsers must log in once more, as the session cookie has a new name."),
        );
    }
    page.title("To go back to the old server");
    page.exact(2, go_back);
    page.block("Checked on the new server", &outcome.checks);
    let in_mongo = outcome.mongo.as_ref().map(mongo::collection_lines);
    page.block("Copied of MongoDB", &in_mongo.unwrap_or_default());
    page.block("Please note", &outcome.warnings);
    page.title("The old server's data and files, as they were");
    page.paragraph(2, "To delete them, once you are sure (there is no hurry, and afterwards there is no way back):");
    for line in delete_lines(plan) {
        page.exact(4, &line);
    }
    page.block("On the machines that use the server", &client_lines());
    if let Some(log) = &outcome.log_file {
        page.title("The log of this run");
        page.exact(2, &log.display().to_string());
    }
    page.into_text()
}

/// Returns how much was copied of both databases, as a phrase.
fn all(outcome: &Outcome) -> String {
    let of_mongo = outcome.mongo.as_ref().map(|copied| format!("; and {}", mongo::extent(copied)));
    format!("{}{}", outcome.extent(), of_mongo.unwrap_or_default())
}

/// Returns what restricts the word "everything", as a phrase.
pub(super) fn but_for(plan: &Plan, outcome: &Outcome) -> String {
    let left_out = (outcome.left_out > 0).then(|| left_out(outcome.left_out));
    let noted = plan.elastic().filter(|elastic| !elastic.warnings.is_empty()).map(|_| "what is noted below".to_owned());
    let all: Vec<String> = left_out.into_iter().chain(noted).collect();
    if all.is_empty() { String::new() } else { format!(", but for {}", all.join(" and for ")) }
}

/// Returns how many documents were left out, and why that was allowed, as a phrase.
pub fn left_out(number: u64) -> String {
    let were = if number == 1 { "was" } else { "were" };
    format!("{} that {were} left out, as accepted with --accept-rejects", documents(number))
}

/// Returns the report of a finished rollback.
pub fn rolled_back_text(
    plan: &Plan,
    started: bool,
    preserved: &[String],
    start_again: &str,
    migrate_again: &str,
) -> String {
    let home = plan.home.from.display();
    let mut page = Page::new(Paint::default());
    // The lines of the steps are above.
    page.exact(0, "");
    if started {
        page.title(&format!("Done: the old server runs again from {home}."));
        page.paragraph(0, "It is as it was before the migration.");
    } else {
        page.title(&format!("Done: everything in {home} is as it was before the migration."));
        page.paragraph(0, "The old server is not started. To start it:");
        page.exact(2, start_again);
    }
    page.block("What the new server recorded is not in the old one, and is set aside", preserved);
    page.title("To migrate again");
    page.exact(2, migrate_again);
    page.into_text()
}

/// Returns the commands that delete everything that was kept.
pub(super) fn delete_lines(plan: &Plan) -> Vec<String> {
    let data = plan.replacements().map(|one| match (&one.placement, volume_name(plan, &one.source)) {
        (Placement::Volume { .. }, Some(name)) => format!("docker volume rm {name}"),
        _ => format!("rm -r {}", quoted(&plan.home.after(one.retired()))),
    });
    let files = plan.edits().iter().map(|edit| &edit.kept_as).chain(plan.archives.iter().map(|one| &one.file));
    let files = files.map(|file| format!("rm {}", quoted(&plan.home.after(file))));
    let containers: BTreeSet<String> = plan.rescues.iter().map(|one| format!("docker rm -v {}", one.kept_as)).collect();
    containers.into_iter().chain(data).chain(files).collect()
}

fn volume_name<'a>(plan: &'a Plan, source: &Path) -> Option<&'a str> {
    let mut mounts = plan.server()?.deployment.services.iter().flat_map(|service| &service.mounts);
    mounts.find_map(|mount| match &mount.storage {
        Storage::Volume { name, mountpoint, .. } if mountpoint == source => Some(name.as_str()),
        _ => None,
    })
}

fn client_lines() -> Vec<String> {
    [
        "pip install clearml, and `import clearml` instead of `import trains`",
        "~/trains.conf becomes ~/clearml.conf; addresses and keys in it stay the same",
        "pip install clearml-agent, and `clearml-agent` instead of `trains-agent`",
    ]
    .map(str::to_owned)
    .into()
}

/// Returns a path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+:@".contains(c));
    if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mongo::Known;
    use crate::plan::Migrated;
    use crate::plan::sample;

    const GO_BACK: &str = "docker clearml-migrate rollback";

    #[test]
    fn what_was_only_counted_is_not_called_compared() {
        let outcome = Outcome { documents: 5, indices: 1, only_counted: true, ..Outcome::default() };
        assert_eq!(outcome.extent(), "5 documents in 1 index, counted but not compared");
        assert!(!success_text(&sample::plan(), &outcome, GO_BACK).contains("every one compared"));
    }

    #[test]
    fn what_the_checks_found_of_the_data_restricts_the_word_everything() {
        let mut plan = sample::plan();
        plan.elastic_mut().unwrap().warnings = vec!["x is no index and is left out.".to_owned()];
        let text = success_text(&plan, &outcome(), GO_BACK).replace('\n', " ");
        assert!(text.contains("everything that the old server had, but for what is noted below:"), "{text}");
    }

    #[test]
    fn what_was_left_out_is_no_part_of_everything() {
        let mut plan = sample::plan();
        let told = |plan: &Plan, left_out| but_for(plan, &Outcome { left_out, ..outcome() });
        assert_eq!(told(&plan, 0), "");
        assert_eq!(told(&plan, 1), ", but for 1 document that was left out, as accepted with --accept-rejects");
        plan.elastic_mut().unwrap().warnings = vec!["x is no index and is left out.".to_owned()];
        let both =
            ", but for 5 documents that were left out, as accepted with --accept-rejects and for what is noted below";
        assert_eq!(told(&plan, 5), both);
        let text = success_text(&sample::plan(), &Outcome { left_out: 5, mongo: None, ..outcome() }, GO_BACK)
            .replace('\n', " ");
        let everything = "It has everything that the old server had, but for 5 documents that were left out, as accepted with \
                          --accept-rejects: 200,000 documents in 14 indices, every one compared.";
        assert!(text.contains(everything), "{text}");
    }

    fn outcome() -> Outcome {
        Outcome {
            documents: 200_000,
            left_out: 0,
            only_counted: false,
            mongo: Some(CopiedMongo {
                counts: [("auth.user", 3), ("backend.project", 2), ("backend.task", 8)]
                    .map(|(name, count)| (name.to_owned(), count))
                    .into(),
                known: Known::Comparison,
            }),
            indices: 14,
            elapsed: Duration::from_secs(204),
            checks: vec!["14 indices hold 200,000 documents".into()],
            warnings: vec!["The old server was started again since it was stopped; it is stopped once more.".into()],
            log_file: Some("/opt/clearml/.clearml-migrate/log/2026-11-22_18-30-00.log".into()),
            web: Some("http://localhost:8080".into()),
        }
    }

    #[test]
    fn the_report_of_a_migration() {
        insta::assert_snapshot!(success_text(&sample::plan(), &outcome(), GO_BACK));
    }

    #[test]
    fn the_report_of_a_rollback() {
        let aside = ["/opt/trains/data/mongo/db_clearml_2026-11-22_18-30-00".to_owned()];
        let text = |started, aside: &[String]| {
            rolled_back_text(
                &sample::plan(),
                started,
                aside,
                "docker compose -f /opt/trains/docker-compose.yml up -d",
                "docker clearml-migrate",
            )
        };
        insta::assert_snapshot!(format!("{}\n-- not started:\n{}", text(true, &aside), text(false, &[])));
    }

    #[test]
    fn only_what_was_kept_is_told_to_be_deleted() {
        let plan = sample::plan();
        let in_use: Vec<_> = plan.replacements().map(|one| plan.home.after(one.final_path())).collect();
        for command in delete_lines(&plan) {
            let path = command.trim_start_matches("rm ").trim_start_matches("-r ");
            assert!(path.contains(&plan.stamp), "{command}");
            assert!(in_use.iter().all(|used| !used.starts_with(path)), "{command}");
        }
    }

    #[test]
    fn a_volume_is_deleted_by_its_name() {
        let mut plan = sample::plan();
        let source = PathBuf::from("/var/lib/docker/volumes/trains_m/_data");
        plan.stores[1].places[0].source = source.clone();
        plan.stores[1].places[0].placement =
            Placement::Volume { key: "m_clearml".into(), name: "trains_m_clearml".into() };
        let Migrated::Server(server) = &mut plan.migrated else { panic!("the sample is a server") };
        server.deployment.services[3].mounts[0].storage =
            Storage::Volume { name: "trains_m".into(), key: "m".into(), mountpoint: source };
        assert_eq!(delete_lines(&plan)[1], "docker volume rm trains_m");
    }

    #[test]
    fn a_path_with_a_space_is_quoted_for_the_shell() {
        assert_eq!(quoted(Path::new("/opt/trains")), "/opt/trains");
        assert_eq!(quoted(Path::new("/mnt/it's here")), r"'/mnt/it'\''s here'");
    }
}
