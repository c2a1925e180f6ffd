//! The old data: they really are Elasticsearch 5, they are whole, and nobody has them open.

use super::{Subject, emptiness, indices, users};
use crate::elastic::Survey;
use crate::error::Result;
use crate::files::blocking;
use crate::files::locks::{self, Holding};
use crate::findings::Finding;
use crate::lucene::data_dir::{Identified, Kind, identify};
use crate::message::{About, Code};
use crate::plan::Plan;
use std::path::Path;

/// Judges each Elasticsearch data directory by its own files.
pub(super) fn old_data(survey: &Survey, plan: &Plan) -> Vec<Finding> {
    let mut findings = judge_identified(&survey.path, &survey.identified, plan);
    if let Some(data) = survey.data() {
        // Without a node that reads, there is no heap to be filled.
        let heap = plan.elastic().map(|elastic| elastic.heaps.source).filter(|heap| *heap > 0);
        findings.extend(indices::not_too_many(&survey.path, data, heap));
        findings.extend(indices::foreign(data));
    }
    findings
}

/// Judges a directory that should hold the Elasticsearch 5 data of a plan.
///
/// # Errors
/// Fails if it cannot be read.
pub fn judge(path: &Path, plan: &Plan) -> Result<Vec<Finding>> {
    Ok(judge_identified(path, &identify(path)?, plan))
}

fn judge_identified(path: &Path, identified: &Identified, plan: &Plan) -> Vec<Finding> {
    let (told, reason) = (identified.told(path), &identified.reason);
    let place = path.display();
    let wrong =
        |code: Code, what: String, remedy: &str| vec![Finding::refusal(code, what, remedy).about(About::path(path))];
    match &identified.kind {
        Kind::Elastic5(data) => match indices::whole(data) {
            whole if whole.is_empty() => emptiness::judge(path, data, plan),
            broken => broken,
        },
        Kind::Elastic(1) => wrong(
            Code::ElasticsearchOlder,
            format!("{told}: {reason}."),
            "Elasticsearch 5 reads data of version 2 at the oldest. Let Elasticsearch 2.4 bring them to its own version, then \
             start a Trains Server with Elasticsearch 5.6 on it once.",
        ),
        Kind::Elastic(2) => wrong(
            Code::ElasticsearchOlder,
            format!("{told}: {reason}."),
            "Start a Trains Server with Elasticsearch 5.6 on it once: it brings the data to version 5.",
        ),
        Kind::Elastic(_) => wrong(
            Code::LaterServer,
            format!("{told}: {reason}."),
            "This server has left Elasticsearch 5 already, so there is nothing for this migration to do with it.",
        ),
        Kind::SeveralNodes(_) => wrong(
            Code::SeveralNodes,
            format!("{told}: {reason}."),
            "Two Elasticsearch nodes once shared the directory. Start the old server with one, see which data it shows, and move the other nodes/N directory away.",
        ),
        Kind::Missing => Vec::new(),
        Kind::Empty => wrong(
            Code::DataEmpty,
            format!("{place} is empty."),
            "There is nothing to migrate. Is a disk not mounted, or is another directory the one in use?",
        ),
        Kind::NotADataDir | Kind::Unknown => {
            let remedy = identified.instead.as_ref().map_or_else(
                || "Check the path; it must be the directory that holds nodes/.".to_owned(),
                |whole| format!("Name the directory that holds nodes/, which is {}.", whole.display()),
            );
            wrong(Code::NoElasticsearchData, format!("{told}: {reason}."), &remedy)
        }
    }
}

/// Nobody but the project itself may have the data open: locks tell on this machine, and running containers tell
/// where locks cannot be seen.
pub(super) async fn open_elsewhere(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let mut findings = other_containers(subject).await?;
    if subject.may_run && subject.plan.server().is_some_and(|server| server.deployment.is_running()) {
        // The project's own databases hold the locks now; they are asked for again once it is stopped.
        return Ok(findings);
    }
    if subject.plan.server().is_none() && !findings.is_empty() {
        // Its lock would say the same once more.
        return Ok(findings);
    }
    for one in subject.plan.replacements().filter(|one| one.source.is_dir()) {
        let (source, cancel) = (one.source.clone(), subject.cancel.clone());
        match blocking(move || locks::hold(&source, &cancel)).await? {
            Holding::Held(_) => {}
            Holding::InUse(in_use) => findings.push(
                Finding::refusal(
                    Code::DataInUse,
                    format!("{} is in use: {in_use}.", one.source.display()),
                    "Stop the program or container that uses it, then run the same command again.",
                )
                .about(About::path(&one.source)),
            ),
        }
    }
    Ok(findings)
}

async fn other_containers(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let own = subject.plan.server().map(|server| server.deployment.project.name.as_str());
    let mut findings = Vec::new();
    for container in subject.docker.containers(&[]).await? {
        if !container.state.running || (own.is_some() && container.label("com.docker.compose.project") == own) {
            continue;
        }
        for one in subject.plan.replacements().filter(|one| container.uses(&one.source)) {
            let whose = if own.is_some() { "has {} mounted and is not of this project" } else { "uses {}" };
            let what = whose.replace("{}", &one.source.display().to_string());
            findings.push(
                Finding::refusal(
                    Code::DataUsedByContainer,
                    format!("The container {} {what}.", container.name),
                    users::stop(&container),
                )
                .about(About::path(&one.source))
                .about(About::container(&container.name)),
            );
        }
    }
    Ok(findings)
}
