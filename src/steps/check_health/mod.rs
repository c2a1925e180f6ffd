//! Check the new server: that it runs, that its databases are at the release's versions, and that it has what the
//! old one had, asked through the server itself.
//!
//! A green answer alone proves nothing: a failed schema migration of MongoDB is only logged, and a missing index
//! answers 200 with nothing in it. Hence versions and counts (seen on servers 0.15.1 and 1.1.1).
//!
//! | module | question |
//! |---|---|
//! | [`api`] | does the API server answer, without complaint? |
//! | [`web`] | does the web server answer, and pass requests on? |
//! | [`files`] | does the file server serve its files? |
//! | [`versions`] | has it brought MongoDB's schema to the release's? |
//! | [`experiments`] | do MongoDB's experiments fit what was copied? |
//! | [`counts`] | does Elasticsearch serve all documents? |
//! | [`events`] | does the server show them, logged in? |
//! | [`steady`] | do the server's containers stay up for a minute? |
//!
//! The minute begins with the API server's first answer; the other questions are asked within it.

mod api;
mod asking;
mod counts;
mod databases_answer;
mod ended;
mod events;
mod experiments;
mod files;
mod steady;
mod versions;
mod web;

use super::{Done, Run, databases};
use crate::error::{Kind, Result};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// MongoDB's schema migrations of a big server take minutes.
const START_LIMIT: Duration = Duration::from_secs(900);

/// A server that was started long ago answers at once, or has not come round.
const LOOK_LIMIT: Duration = Duration::from_secs(30);

/// What the checks leave for the report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// What was found worth saying: one line each.
    pub checks: Vec<String>,
}

pub(super) async fn apply(run: &Run) -> Result<Done> {
    check(run, START_LIMIT).await
}

/// Returns whether a new server that was found wanting works by now: its user may have put the cause right.
///
/// # Errors
/// Only when cancelled.
pub async fn works_by_now(run: &Run) -> Result<bool> {
    match check(run, LOOK_LIMIT).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == Kind::Cancelled => Err(error),
        Err(error) => {
            run.events.detail(format!("the new server still does not work: {error}"));
            Ok(false)
        }
    }
}

async fn check(run: &Run, limit: Duration) -> Result<Done> {
    let api = api::wait_for_api(run, limit).await?;
    let watch = steady::Watch::begin(run).await?;
    databases::note(run).await;
    let mut checks = vec![versions::check_versions(run).await?];
    experiments::compare_experiments(run).await?;
    checks.push(counts::check_counts(run).await?);
    checks.push(events::check_events(run, api).await?);
    checks.extend(web::check_web_server(run).await?);
    checks.extend(files::check_file_server(run).await?);
    checks.push(watch.to_its_end(run).await?);
    let summary = format!("all {} checks passed", checks.len());
    Done::new(summary, &Checked { checks })
}
