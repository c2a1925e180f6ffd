//! `check --documents`: every document of the old server, as the new Elasticsearch would take it, while the old server
//! runs.
//!
//! The files of an index are opened all at once; what a merge deletes afterwards can still be read. Where one vanishes
//! before, the index is looked at anew.

use super::Context;
use crate::elastic::{Files, IndexPlan, Look, Looked, Source, SourceIndex, Templates, Version, look_at};
use crate::error::{Error, Kind, Result};
use crate::files::blocking;
use crate::notices::{changed_fields, refused_documents, unindexed_fields};
use crate::plan::Plan;
use crate::role::Role;
use crate::settings::Session;
use crate::text::documents as number;
use crate::text::plural;
use crate::text::quote;
use crate::transfer::{Accepted, RejectLog};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A node that writes much commits every few seconds; it is hardly so unlucky that files vanish each time.
const LOOKS: u32 = 6;
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Looks at all documents and prints what is found. Returns the refusal, if the new Elasticsearch would refuse some.
///
/// # Errors
/// Fails when the data cannot be read, and on cancel.
pub(super) async fn documents(
    plan: &Plan,
    rejects: Option<&Path>,
    accepted: Arc<Accepted>,
    session: &Session,
    context: &Context,
) -> Result<Option<Error>> {
    let Some(elastic) = plan.elastic() else { return Ok(None) };
    let image = &elastic.target_image;
    let target = image.rsplit(':').next().and_then(Version::parse);
    let target = target.ok_or_else(|| Error::internal(format!("The image {image} names no version.")))?;
    let rejects = rejects.map(|path| Arc::new(RejectLog::new(path)));
    let look = Look {
        target: &target,
        accepted,
        rejects: rejects.clone(),
        gently: true,
        events: &context.events,
        cancel: &context.cancel,
    };
    let begun = jiff::Zoned::now();
    let (mut looked, mut unread) = (Vec::new(), Vec::new());
    let sources = plan.replacements_of(Role::Elasticsearch).filter_map(|one| plan.seen_at(&one.source));
    for source in sources.filter(|source| source.is_dir()) {
        let path = source.to_owned();
        for index in blocking(move || Files::described(&path)).await? {
            match look_patiently(source, &index, &look).await {
                Ok(one) => looked.push(one),
                Err(error) if error.kind() == Kind::Cancelled => return Err(error),
                Err(error) => unread.push(told_unread(&index, &error)),
            }
        }
    }
    let read = looked.iter().map(|one| one.documents).sum();
    context.display.print(&format!(
        "{} in {}, as of {}; what is written from then on is not known.",
        number(read),
        plural(looked.len() as u64, "index", "indices"),
        begun.strftime("%Y-%m-%d %H:%M:%S")
    ));
    let plans = || looked.iter().map(|one| &one.plan);
    let refused = refused_documents(&looked, &target);
    let takes_all = refused.is_empty();
    let told = [changed_fields(plans()), unindexed_fields(plans()), refused].concat();
    for line in told.iter().map(|one| &one.text).chain(&unread) {
        context.display.print(&format!("- {line}"));
    }
    if !unread.is_empty() {
        let message = "Not every document could be looked at.";
        return Ok(Some(Error::refused(message).hint("Run the same command again, or stop the old server first.")));
    }
    if takes_all {
        context.display.print(&format!("Elasticsearch {target} takes every document.\n"));
        return Ok(None);
    }
    let error = Error::refused(format!("Elasticsearch {target} refuses some of the documents."));
    Ok(Some(match rejects {
        Some(rejects) => {
            let accept = format!("--accept-rejects {}", quote(&rejects.path().to_string_lossy()));
            error
                .hint(format!("Each is in {}, whole.", rejects.path().display()))
                .hint(format!("If you can do without them: {}", session.command(&accept)))
        }
        None => error.hint(format!("To have them in a file: {}", session.command("check --documents --rejects FILE"))),
    }))
}

fn told_unread(index: &SourceIndex, error: &Error) -> String {
    let causes = error.causes();
    let why = causes.last().map_or(error.message(), String::as_str);
    format!("The index {} could not be looked at: {}.", index.name, why.trim_end_matches('.'))
}

async fn look_patiently(path: &Path, index: &SourceIndex, look: &Look<'_>) -> Result<Looked> {
    let plan = IndexPlan::new(index, &Templates::release_1_1()?)?;
    let mut tries = 1;
    loop {
        match look_once(path.to_owned(), &plan, look).await {
            Err(error) if error.kind() != Kind::Cancelled && tries < LOOKS => tokio::time::sleep(BETWEEN_LOOKS).await,
            done => return done,
        }
        tries += 1;
    }
}

async fn look_once(path: PathBuf, plan: &IndexPlan, look: &Look<'_>) -> Result<Looked> {
    let files = blocking(move || Files::beside_a_node(&path)).await?;
    look_at(&Source::from(files), plan, look).await
}
