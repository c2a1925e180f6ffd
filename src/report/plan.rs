//! The plan as text: what will be stopped, written, renamed and rewritten, what is kept, what is shared.

use crate::deployment::{Deployment, Role};
use crate::display::Paint;
use crate::display::format::{bytes, duration, plural};
use crate::plan::{FileEdit, Plan, Step, Switch};
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

/// Returns the whole plan, as printed by `--dry-run` and before the question.
pub fn plan_text(plan: &Plan, paint: Paint, go_back: &str) -> String {
    let mut text = String::new();
    heading(&mut text, plan);
    section(&mut text, "What will be done", &steps(plan));
    section(&mut text, "What is kept, byte for byte, until you delete it", &kept(plan));
    section(&mut text, "What is shared, not copied", &shared(plan));
    let diffs = diffs(plan, paint);
    if !diffs.is_empty() {
        let _ = write!(text, "\nWhat changes in your files\n{diffs}");
    }
    section(&mut text, "Good to know", &plan.notes.iter().map(|note| format!("- {note}")).collect::<Vec<_>>());
    let _ = write!(
        text,
        "\nTime: about {}; the server is down from step 2 on.\nThe way back, at any time: {go_back}\n",
        duration(Duration::from_secs(plan.estimate_seconds))
    );
    text
}

fn heading(text: &mut String, plan: &Plan) {
    let deployment = &plan.deployment;
    let _ = writeln!(text, "From   Trains Server {} in {}", deployment.version.version, deployment.home.display());
    let _ = writeln!(text, "       {}; {}", deployment.found_by, deployment.version.evidence);
    let _ = writeln!(text, "To     ClearML Server {} in {}", plan.release, plan.new_home().display());
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = write!(text, "\n{title}\n");
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
}

fn steps(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for (number, step) in plan.steps().into_iter().enumerate() {
        let mut details = details(plan, step).into_iter();
        let first = details.next().unwrap_or_default();
        lines.push(format!("{:>2}. {:<26} {first}", number + 1, step.title()));
        lines.extend(details.map(|detail| format!("{:<30} {detail}", "")));
    }
    lines
}

fn details(plan: &Plan, step: Step) -> Vec<String> {
    match step {
        Step::PullImages => vec![plan.images.join(", ")],
        Step::StopStack => vec![stop_line(&plan.deployment)],
        Step::BackUp => plan.archives.iter().map(|one| format!("{} → {}", one.what, one.file.display())).collect(),
        Step::CopyElastic => elastic_lines(plan),
        Step::VerifyElastic => vec!["every document is read back and compared; a difference ends the run here".into()],
        Step::CopyMongo => copy_lines(plan, Role::Mongo),
        Step::CopyRedis => copy_lines(plan, Role::Redis),
        Step::RetireSources => retire_lines(plan),
        Step::MoveHome => plan.home.to.iter().map(|to| arrow(&plan.home.from, to)).collect(),
        Step::RewriteCompose => {
            plan.edits.iter().map(|edit| plan.home.after(&edit.path).display().to_string()).collect()
        }
        Step::StartStack => vec![format!("docker compose up -d (project {})", plan.new_project.name)],
        Step::CheckHealth => {
            vec!["counts per index, database versions, and through its API the events of sampled experiments".into()]
        }
    }
}

fn stop_line(deployment: &Deployment) -> String {
    let running = deployment.services.iter().filter(|one| one.container.as_ref().is_some_and(|one| one.running));
    let names: Vec<&str> = running.map(|one| one.name.as_str()).collect();
    if names.is_empty() {
        return format!("project {}: nothing runs", deployment.project.name);
    }
    format!("project {}: {}; no volume is removed", deployment.project.name, names.join(", "))
}

fn elastic_lines(plan: &Plan) -> Vec<String> {
    let mut lines: Vec<String> = plan
        .replacements_of(Role::Elasticsearch)
        .map(|one| format!("{} ({}) into {}", one.source.display(), bytes(one.bytes), one.target.display()))
        .collect();
    lines.push(format!(
        "{}: {}",
        plural(plan.elastic.indices.len() as u64, "index", "indices"),
        short_list(&plan.elastic.indices)
    ));
    if !plan.elastic.left.is_empty() {
        lines.push(format!("left behind, not the server's: {}", short_list(&plan.elastic.left)));
    }
    lines
}

/// Returns a list that stays readable when a server has years of monthly indices.
fn short_list(names: &[String]) -> String {
    const SHOWN: usize = 6;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn copy_lines(plan: &Plan, role: Role) -> Vec<String> {
    plan.replacements_of(role)
        .map(|one| format!("{} ({})", arrow(&one.source, &one.target), bytes(one.bytes)))
        .collect()
}

fn retire_lines(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for one in &plan.replacements {
        match &one.switch {
            Switch::Retire { retired } => lines.push(arrow(&one.source, retired)),
            Switch::Swap { retired } => {
                lines.push(arrow(&one.source, retired));
                lines.push(arrow(&one.target, &one.source));
            }
            Switch::Stay => lines.push(format!("{} stays where it is", one.source.display())),
            Switch::Volume { name, .. } => {
                lines.push(format!("the volume at {} stays; the new server uses {name}", one.source.display()));
            }
        }
    }
    lines
}

fn kept(plan: &Plan) -> Vec<String> {
    let data = plan.replacements.iter().map(|one| plan.home.after(one.retired()));
    let files = plan.edits.iter().map(|edit| plan.home.after(&edit.kept_as));
    data.chain(files).map(|path| path.display().to_string()).collect()
}

fn shared(plan: &Plan) -> Vec<String> {
    let Some(fileserver) = plan.deployment.service(Role::Fileserver) else { return Vec::new() };
    let Some(path) = fileserver.mount("/mnt/fileserver").and_then(|mount| mount.storage.path()) else {
        return Vec::new();
    };
    vec![
        format!("{}: artifacts and debug images.", plan.home.after(path).display()),
        "The new server uses the same files: what you delete in it is gone for the old one too.".into(),
    ]
}

fn diffs(plan: &Plan, paint: Paint) -> String {
    let name = |path: &Path| path.display().to_string();
    let diff =
        |edit: &FileEdit| paint.diff(&name(&edit.path), &name(&plan.home.after(&edit.path)), &edit.old, &edit.new);
    plan.edits.iter().map(diff).collect()
}

fn arrow(from: &Path, to: &Path) -> String {
    format!("{} → {}", from.display(), to.display())
}
