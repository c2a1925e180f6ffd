//! A copy of MongoDB's files that were not left in order: the old server's own image puts it in order.
//!
//! It is started on the copy, without a network, and stopped with time enough. The original is not touched.

use super::mongo_files;
use super::{Run, pull_images};
use crate::docker::{Exit, Part};
use crate::error::{Error, Kind, Result};
use crate::events::Unit;
use crate::message::{Code, Message};
use crate::mongo::Found;
use crate::plan::Replacement;
use crate::platform::{NodeSpec, RunningNode};
use crate::role::Role;
use crate::wiredtiger::bson::{Document, Value};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Where the image expects its data.
const DATA: &str = "/data/db";
/// A log is some hundreds of megabytes at most.
const READY_WITHIN: Duration = Duration::from_secs(900);
const ASKED_EVERY: Duration = Duration::from_secs(1);
/// Enough for a checkpoint of all that is in memory.
const STOP_WITHIN: Duration = Duration::from_secs(180);
const TASK: &str = "recovering MongoDB";

/// Returns the old server's image, which is there.
///
/// # Errors
/// Refused where it is not to be had, and when cancelled.
pub(super) async fn image(run: &Run, one: &Replacement) -> Result<String> {
    let service = run.server()?.deployment.service(Role::Mongo);
    let image = service.map(|service| service.image.clone()).ok_or_else(|| no_image(one))?;
    match pull_images::require(run, [&image]).await {
        Ok(_) => Ok(image),
        Err(error) if error.kind() == Kind::Cancelled => Err(error),
        Err(error) => Err(no_image(one).because(error)),
    }
}

/// Lets the old server's image recover a copy.
///
/// # Errors
/// Fails when it does not start, or does not leave the copy in order.
pub(super) async fn mend(run: &Run, one: &Replacement, image: &str) -> Result<()> {
    run.events.info(Message::new(
        Code::CopyRecovered,
        format!("MongoDB was not stopped cleanly: {image} is started on the copy, without a network, and recovers it."),
    ));
    let spec = NodeSpec {
        image: image.to_owned(),
        run: run.plan.run_id.clone(),
        part: Part::Source,
        environment: BTreeMap::new(),
        data: one.target.clone(),
        mounted_at: DATA,
        command: Some(command(&one.target)),
        port: None,
        stop_timeout: STOP_WITHIN,
    };
    run.events.progress(TASK, 0, None, Unit::Seconds);
    let node = run.platform.start_node(&spec).await?;
    let ready = tokio::select! {
        ready = until_ready(run, &node) => ready,
        exit = run.platform.watch_exit(&node.id) => {
            run.platform.remove(&node.id).await?;
            return Err(ended(image, &exit?, &one.source));
        }
    };
    run.events.progress_ended(TASK);
    run.platform.stop_node(&node, STOP_WITHIN).await?;
    ready?;
    require_in_order(run, &one.target, image).await
}

fn ended(image: &str, exit: &Exit, source: &Path) -> Error {
    Error::failed(format!("{image} ended with code {} on the copy of MongoDB's files.", exit.code))
        .hint(format!("Its last lines:\n{}", exit.last_words(8)))
        .hint(format!("The old data are as they were in {}.", source.display()))
}

fn no_image(one: &Replacement) -> Error {
    Error::refused(format!(
        "{} was not left in order by its server, and that server's image is not to be had.",
        one.source.display()
    ))
    .hint("Start the old server once, and stop it with time enough: docker stop --time 180, of MongoDB's container.")
}

/// Returns what the image is to run. A mongod refuses to start with another layout than its directory has.
fn command(directory: &Path) -> Vec<String> {
    let mut command = vec!["mongod".to_owned(), "--dbpath".to_owned(), DATA.to_owned()];
    let bytes = fs::read(directory.join("storage.bson")).unwrap_or_default();
    let options = Document::new(&bytes).ok().and_then(|document| document.document("storage")?.document("options"));
    for (name, argument) in
        [("directoryPerDB", "--directoryperdb"), ("directoryForIndexes", "--wiredTigerDirectoryForIndexes")]
    {
        if options.is_some_and(|options| options.get(name) == Some(Value::Boolean(true))) {
            command.push(argument.to_owned());
        }
    }
    command
}

/// Waits until the server answers: it has recovered everything by then.
async fn until_ready(run: &Run, node: &RunningNode) -> Result<()> {
    let ask = ["mongo", "--quiet", "--eval", "db.version()"].map(str::to_owned);
    let started = Instant::now();
    loop {
        run.check_cancelled()?;
        let answer = run.platform.exec(&node.id, &ask).await;
        // A container that has ended is told by whoever watches it.
        if answer.is_ok_and(|answer| answer.code == 0 && !answer.stdout.trim().is_empty()) {
            return Ok(());
        }
        if started.elapsed() > READY_WITHIN {
            return Err(Error::failed("The old MongoDB does not answer on the copy of its files.")
                .hint("Start the old server, see that it works, and stop it: docker stop --time 180"));
        }
        tokio::time::sleep(ASKED_EVERY).await;
    }
}

async fn require_in_order(run: &Run, copy: &Path, image: &str) -> Result<()> {
    match mongo_files::look(run, copy).await? {
        Found::InOrder => Ok(()),
        _ => Err(Error::failed(format!("{image} has not left {} in order.", copy.display()))
            .hint("Start the old server once, see that it works, and stop it: docker stop --time 180")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_of_the_directory_is_the_one_that_the_server_is_told() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(command(directory.path()), ["mongod", "--dbpath", DATA]);
        let wrap = |fields: &[u8]| {
            let length = u32::try_from(fields.len() + 5).unwrap().to_le_bytes();
            [&length[..], fields, &[0]].concat()
        };
        let options = wrap(b"\x08directoryPerDB\0\x01\x08directoryForIndexes\0\0");
        let storage = wrap(&[&b"\x03options\0"[..], &options].concat());
        let text = wrap(&[&b"\x03storage\0"[..], &storage].concat());
        fs::write(directory.path().join("storage.bson"), text).unwrap();
        assert_eq!(command(directory.path()), ["mongod", "--dbpath", DATA, "--directoryperdb"]);
    }
}
