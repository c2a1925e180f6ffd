//! The plan as text: what will be stopped, written, renamed and rewritten, what is kept, what is shared. What decides
//! comes last, next to the question: how long it takes, what is at risk, how to go back.

use super::page::Page;
use super::secrets;
use crate::compose::name::Generation;
use crate::deployment::Deployment;
use crate::display::Paint;
use crate::plan::{
    Action, ElasticPlan, FileEdit, Migrated, OnIdCollision, Placement, Plan, Reader, Replacement, Rescue, ServerPlan,
    Stage, Step, Verification,
};
use crate::role::Role;
use crate::text::bytes;
use crate::text::plural;
use std::collections::BTreeSet;
use std::path::Path;

/// Returns the whole plan, as printed by `--dry-run` and before the question.
pub fn plan_text(plan: &Plan, paint: Paint, go_back: &str) -> String {
    let mut page = Page::new(paint);
    heading(&mut page, plan);
    steps(&mut page, plan);
    kept(&mut page, plan);
    shared(&mut page, plan);
    diffs(&mut page, plan);
    page.block("Good to know", &plan.notes);
    in_short(&mut page, plan, go_back);
    // What the checks found, or the question, follows.
    page.exact(0, "");
    page.into_text()
}

fn heading(page: &mut Page, plan: &Plan) {
    let server = match &plan.migrated {
        Migrated::Server(server) => server.as_ref(),
        Migrated::Elastic { version } => {
            page.title("The old data and the new ones");
            for one in plan.replacements() {
                page.item(2, "from  ", &format!("Elasticsearch 5 data in {}", one.source.display()));
                page.item(2, "to    ", &format!("Elasticsearch {version} data in {}", one.target.display()));
            }
            return;
        }
    };
    let ServerPlan { release, deployment, .. } = server;
    page.title("The old server and the new one");
    let from = format!("Trains Server {} in {}", deployment.version.version, deployment.home.display());
    page.item(2, "from  ", &from);
    page.item(2, "      ", &format!("({}; {})", deployment.found_by, deployment.version.evidence));
    page.item(2, "to    ", &format!("ClearML Server {release} in {}", plan.new_home().display()));
    if plan.home.to.is_none() {
        page.item(2, "      ", &format!("(the directory keeps its name: {})", plan.home.reason));
    }
    page.item(2, "with  ", &compose_line(server));
}

/// Returns which compose is used, and why.
fn compose_line(server: &ServerPlan) -> String {
    let compose = &server.compose;
    let why = match compose.why.as_str() {
        "" => String::new(),
        why => format!(", because {why}"),
    };
    let other = server.deployment.created_with.as_deref().filter(|created| generation(created) != compose.generation);
    let continued = match other {
        Some(created) => format!("; it goes on with the project that compose {created} made, under the same name"),
        None => String::new(),
    };
    format!("{} {}{why}{continued}", compose.typed, compose.version)
}

fn generation(version: &str) -> Generation {
    if version.starts_with("1.") { Generation::V1 } else { Generation::V2 }
}

fn steps(page: &mut Page, plan: &Plan) {
    page.title("What will be done");
    for (number, step) in plan.steps.iter().enumerate() {
        page.item(2, &format!("{:>2}. ", number + 1), &step.title());
        for detail in details(plan, step.action) {
            page.item(6, "- ", &detail);
        }
    }
}

fn details(plan: &Plan, action: Action) -> Vec<String> {
    match action {
        Action::PullImages if plan.server().is_none() => plan.images.clone(),
        Action::PullImages => vec![format!("while the old server runs: {}", plan.images.join(", "))],
        Action::StopStack => stop_lines(plan),
        Action::Rescue => rescue_lines(plan),
        Action::BackUp => plan
            .archives
            .iter()
            .map(|one| format!("{} ({}) → {}", one.what, bytes(one.bytes), one.file.display()))
            .collect(),
        Action::CopyDocuments { .. } => plan.elastic().map_or_else(Vec::new, |elastic| elastic_lines(plan, elastic)),
        Action::VerifyDocuments { .. } => {
            plan.elastic().map(|elastic| verify_line(elastic.verification)).into_iter().collect()
        }
        Action::CopyFiles { store } => copy_lines(plan, store),
        Action::RetireSources => retire_lines(plan),
        Action::MoveHome => {
            plan.home.to.iter().map(|to| format!("{} → {}", plan.home.from.display(), to.display())).collect()
        }
        Action::RewriteCompose => {
            plan.edits().iter().map(|edit| plan.home.after(&edit.path).display().to_string()).collect()
        }
        Action::StartStack => {
            let up =
                |server: &ServerPlan| format!("{} up -d (project {})", server.compose.typed, server.new_project.name);
            plan.server().map(up).into_iter().collect()
        }
        Action::CheckHealth => vec![
            "documents per index, versions of the databases, and through its API the events of sampled experiments"
                .into(),
        ],
    }
}

fn stop_lines(plan: &Plan) -> Vec<String> {
    let mut lines: Vec<String> = plan.server().map(|server| stop_line(&server.deployment)).into_iter().collect();
    let mut seen = BTreeSet::new();
    let kept = plan.rescues.iter().filter(|one| seen.insert(&one.container));
    lines.extend(kept.map(|one| {
        format!(
            "the container {} is not removed, as it holds the only copy of {}: it is kept as {}, without a restart policy, until you delete it",
            one.name, one.path, one.kept_as
        )
    }));
    lines
}

fn rescue_lines(plan: &Plan) -> Vec<String> {
    let size = |one: &Rescue| one.bytes.map_or_else(|| "of unknown size".to_owned(), bytes);
    let line = |one: &Rescue| format!("{} ({}) → {}, and compared with it", one.place(), size(one), one.to.display());
    plan.rescues.iter().map(line).collect()
}

fn stop_line(deployment: &Deployment) -> String {
    let running = deployment.services.iter().filter(|one| one.container.as_ref().is_some_and(|one| one.running));
    let names: Vec<&str> = running.map(|one| one.name.as_str()).collect();
    if names.is_empty() {
        return format!("project {}: nothing runs", deployment.project.name);
    }
    format!("project {}: {}; no volume is removed", deployment.project.name, names.join(", "))
}

fn elastic_lines(plan: &Plan, elastic: &ElasticPlan) -> Vec<String> {
    let mut lines: Vec<String> = plan
        .replacements_of(Role::Elasticsearch)
        .map(|one| format!("{} ({}), only read", arrow(&one.source, &one.target), size(one.bytes, elastic.live_bytes)))
        .collect();
    lines.extend(reader_line(elastic));
    if elastic.on_id_collision == OnIdCollision::PrefixType {
        let list = plan.new_ids_file();
        lines.push(format!(
            "where documents of an index share their _id, all but one get a new one, <type>-<_id>, listed in {}",
            list.display()
        ));
    }
    let kept = "values that the new Elasticsearch does not take are kept in their documents and not indexed";
    lines.push(match plan.server() {
        Some(_) => format!("{kept}; which ones, is not known before the copy, unless `check --documents` is run"),
        None => kept.to_owned(),
    });
    let indices = &elastic.indices;
    lines.push(format!("{}: {}", plural(indices.len() as u64, "index", "indices"), short_list(indices)));
    if !elastic.left.is_empty() {
        lines.push(format!("left behind, as they are not the server's: {}", short_list(&elastic.left)));
    }
    lines
}

/// Returns how much there is and, where much of it was deleted and will not be copied, how much of it lives.
fn size(all: u64, live: Option<u64>) -> String {
    match live.filter(|live| *live < all / 2) {
        Some(live) => format!("{}, of which {} are not deleted", bytes(all), bytes(live)),
        None => bytes(all),
    }
}

fn verify_line(verification: Verification) -> String {
    match verification {
        Verification::Full { .. } => "every document is read back from the new files and compared, and the new Elasticsearch is asked for some; a difference ends the run here",
        Verification::Api => "every document is read back through the new Elasticsearch and compared (--verify api); a difference ends the run here",
        Verification::Counts => "documents are only counted, not compared (--verify counts); a difference ends the run here",
    }
    .to_owned()
}

/// Returns what reads the old data, and why.
fn reader_line(elastic: &ElasticPlan) -> Option<String> {
    let node = elastic.source_image.rsplit(':').next().unwrap_or_default();
    let node = format!("a temporary Elasticsearch {node} on a clone");
    match &elastic.reader {
        Reader::Segments { fallback: false } => Some("read from the files themselves".to_owned()),
        Reader::Segments { fallback: true } => {
            Some(format!("read from the files themselves; should these be of an unknown kind, by {node}"))
        }
        Reader::Scroll { why, .. } if why.is_empty() => None,
        Reader::Scroll { why, .. } => Some(format!("read by {node}: {why}")),
    }
}

/// Returns a list that stays readable when a server has years of monthly indices.
fn short_list(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn copy_lines(plan: &Plan, role: Role) -> Vec<String> {
    let line = |one: &Replacement| format!("{} ({})", arrow(&one.source, &one.target), bytes(one.bytes));
    let compared = "every document is read in both, from their files, and compared; a difference ends the run here";
    let compared = (role == Role::Mongo).then(|| compared.to_owned());
    plan.replacements_of(role).map(line).chain(compared).collect()
}

fn retire_lines(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for one in plan.replacements() {
        match &one.placement {
            Placement::Retire { retired } => lines.push(arrow(&one.source, retired)),
            Placement::Swap { retired } => {
                lines.push(arrow(&one.source, retired));
                lines.push(arrow(&one.target, &one.source));
            }
            Placement::Stay => lines.push(format!("{} stays where it is", one.source.display())),
            Placement::Volume { name, .. } => {
                lines.push(format!("the volume at {} stays; the new server uses {name}", one.source.display()));
            }
        }
    }
    lines
}

fn kept(page: &mut Page, plan: &Plan) {
    let data = plan.replacements().map(|one| plan.home.after(one.retired()));
    let files = plan.edits().iter().map(|edit| plan.home.after(&edit.kept_as));
    let containers: BTreeSet<String> =
        plan.rescues.iter().map(|one| format!("the container {}", one.kept_as)).collect();
    let paths = data.chain(files).map(|path| path.display().to_string());
    let paths: Vec<String> = containers.into_iter().chain(paths).collect();
    page.block("What is kept, byte for byte, until you delete it", &paths);
}

fn shared(page: &mut Page, plan: &Plan) {
    let fileserver = plan.server().and_then(|server| server.deployment.service(Role::Fileserver));
    let folder = fileserver.and_then(|one| one.data_mounts().first()?.storage.path());
    // What was rescued is a copy of its own.
    let Some(path) = folder.filter(|path| plan.rescue_to(path).is_none()) else { return };
    let lines = [
        format!("{}: artifacts and debug images", plan.home.after(path).display()),
        "The new server uses the same files: what you delete in it is gone for the old one too.".to_owned(),
    ];
    page.block("What is shared, not copied", &lines);
}

fn diffs(page: &mut Page, plan: &Plan) {
    if plan.edits().is_empty() {
        return;
    }
    page.title("What changes in your files (passwords and keys are not shown)");
    for edit in plan.edits() {
        for line in diff(plan, edit, page.paint()).lines() {
            page.exact(0, line);
        }
    }
}

fn diff(plan: &Plan, edit: &FileEdit, paint: Paint) -> String {
    let name = |path: &Path| path.display().to_string();
    let is_compose = plan.server().is_some_and(|server| server.deployment.project.files.contains(&edit.path));
    let (old, new) = match is_compose {
        true => (secrets::hide(&edit.old), secrets::hide(&edit.new)),
        false => secrets::hide_what_stays(&edit.old, &edit.new),
    };
    paint.diff(&name(&edit.path), &name(&plan.home.after(&edit.path)), &old, &new)
}

fn in_short(page: &mut Page, plan: &Plan, go_back: &str) {
    let ahead = |is_it: &dyn Fn(&Step) -> bool| plan.steps.iter().take_while(|step| !is_it(step)).count();
    let stop = ahead(&|step| step.action == Action::StopStack) + 1;
    let switch = ahead(&|step| step.stage == Stage::Switch) + 1;
    page.title("In short");
    let time = about(plan.estimate_seconds);
    page.item(
        2,
        "- ",
        &match plan.server() {
            Some(_) => format!("It should take about {time}; the server is down from step {stop} on."),
            None => format!("It should take about {time}; whatever uses the data must stay stopped."),
        },
    );
    page.item(2, "- ", "Nothing of yours is deleted, and the old data are never written to.");
    let only_counted = plan.elastic().is_some_and(|elastic| elastic.verification == Verification::Counts);
    let compared = if only_counted { "counted" } else { "compared" };
    page.item(
        2,
        "- ",
        &format!(
            "Nothing is renamed or rewritten before step {switch}; by then every document has been copied and {compared}."
        ),
    );
    page.item(2, "- ", "If it is cut off, by you or by a power failure, the same command goes on.");
    page.item(2, "- ", "The way back, at any time:");
    page.exact(6, &page.paint().cyan(go_back));
}

/// Returns a time as one says it: an estimate has no seconds.
fn about(seconds: u64) -> String {
    let minutes = seconds.div_ceil(60).max(1);
    match minutes {
        0..60 => plural(minutes, "minute", "minutes"),
        _ => format!("{} h {:02} min", minutes / 60, minutes % 60),
    }
}

/// Returns `from → to`; where both are in one directory, it is named once.
fn arrow(from: &Path, to: &Path) -> String {
    match to.file_name() {
        Some(name) if from.parent() == to.parent() => format!("{} → {}", from.display(), name.to_string_lossy()),
        _ => format!("{} → {}", from.display(), to.display()),
    }
}

#[cfg(test)]
mod tests;
