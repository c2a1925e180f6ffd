//! The checks before anything changes: one small function each, all findings reported at once.
//!
//! A check only looks. What it finds is a refusal (the migration cannot begin), a warning (it can, and the user
//! should know), or nothing. Every finding names the thing and says what to type.

mod afterwards;
mod at_work;
pub mod data;
mod emptier;
mod emptiness;
mod falling;
mod images;
mod indices;
mod later;
mod listeners;
mod machine;
mod mappings;
mod mongo;
mod owner;
mod paths;
mod places;
mod ports;
mod services;
mod subject;
mod users;
mod windows;

pub use afterwards::{will_find_its_data, would_find_its_data};
pub use later::has_left;
pub use places::{any_in_memory, doubts, unsafe_storage};
pub use services::in_the_way;
pub use subject::Subject;
pub use windows::paths_of_windows;

use crate::error::{Error, Result};
use crate::findings::{Finding, Severity};
use crate::plan::Plan;

/// Runs every check.
///
/// # Errors
/// Fails when a check cannot be carried out at all, and when cancelled; what checks find is in the list.
pub async fn run(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let mut findings = subject.plan.server().map_or_else(Vec::new, |server| services::supported(&server.deployment));
    findings.extend(paths::targets(subject.plan));
    findings.extend(paths::permissions(subject.plan));
    findings.extend(machine::memory(subject.plan, subject.docker.info().memory));
    findings.extend(machine::longest_document(subject.plan, subject.docker.info().memory));
    findings.extend(machine::map_count(subject.docker.info().in_virtual_machine()));
    findings.extend(machine::space(subject).await?);
    findings.extend(images::there(subject).await?);
    findings.extend(services::container_names(subject).await?);
    findings.extend(ports::taken(subject).await?);
    findings.extend(falling::containers(subject).await?);
    findings.extend(places::neighbours(subject).await?);
    findings.extend(subject.survey.into_iter().flat_map(|survey| data::old_data(survey, subject.plan)));
    findings.extend(subject.survey.into_iter().flat_map(|survey| mappings::can_be_made(survey, subject.plan)));
    findings.extend(mongo::old_data(subject).await?);
    findings.extend(owner::of_the_data(subject).await?);
    findings.extend(data::open_elsewhere(subject).await?);
    findings.extend(at_work::at_work(subject).await);
    if subject.cancel.is_cancelled() {
        return Err(Error::cancelled());
    }
    findings.iter_mut().for_each(|finding| name_containers(finding, subject.plan));
    findings.sort_by_key(|finding| finding.severity);
    Ok(findings)
}

/// Returns what of the findings is to be said again in the report.
pub fn lasting(findings: &[Finding]) -> Vec<String> {
    findings.iter().filter(|finding| finding.lasting).map(|finding| finding.what.clone()).collect()
}

/// Data that are yet to be rescued are looked at by way of a process: people know them by the container's name.
fn name_containers(finding: &mut Finding, plan: &Plan) {
    for rescue in &plan.rescues {
        let Some(seen_at) = &rescue.seen_at else { continue };
        for text in [&mut finding.what, &mut finding.remedy] {
            *text = text.replace(&seen_at.display().to_string(), &rescue.place());
        }
    }
}

/// Returns the error of a migration that the findings refuse, or nothing.
pub fn refusal(findings: &[Finding]) -> Option<Error> {
    let refusals = findings.iter().filter(|finding| finding.severity == Severity::Refusal).count();
    match refusals {
        0 => None,
        1 => Some(Error::refused("One check refuses the migration; nothing was changed.")),
        n => Some(Error::refused(format!("{n} checks refuse the migration; nothing was changed."))),
    }
    .map(|error| error.hint("Do what is said above, then run the same command again."))
}
