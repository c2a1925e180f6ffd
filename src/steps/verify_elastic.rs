//! Verify Elasticsearch: every document is read back from the new data and compared with what was sent.
//!
//! The data are read from their files, while no node runs on them; then a node is started and asked for some of them.

use super::copied::{CopiedIndex, VerifiedElastic, copied_indices, replacement};
use super::disk_watch::while_there_is_room;
use super::node::{self, Node};
use super::preserve::may_have_been_used;
use super::{Done, Run, collisions, extent, new_data, old_data, sources};
use crate::elastic::{Listed, SecondReading, Target, check_served, indices, settle, verify_index};
use crate::error::{Error, Kind, Result};
use crate::files::{self, Fingerprint};
use crate::message::{Code, Message};
use crate::plan::{Action, Verification};
use crate::text;
use crate::transfer::{Content, Proof, ReadBack, SpotChecks, Verdict, Verified};

pub(super) async fn apply(run: &Run, step: &str) -> Result<Done> {
    node::remove_leftovers(run).await?;
    let copied = copied_indices(run)?;
    extent::of_copies(run, &copied)?;
    let found = read_files(run, step, &copied).await?;
    let data = &replacement(run)?.target;
    let verified = while_there_is_room(data, async {
        let target = node::start_target(run, data).await?;
        let verified = target.while_alive(run, ask(run, step, &target, &copied, found)).await?;
        target.stop(run).await?;
        Ok(verified)
    })
    .await?;
    let (verified, others) = verified;
    let (proof, told) = match how(run)? {
        Verification::Counts => (Proof::Counts, "counted, not compared"),
        Verification::Full { .. } | Verification::Api => (Proof::Documents, "equal, byte for byte"),
    };
    let mut places = extent::places(run, &copied, Some(proof))?;
    verified.iter().for_each(|one| places.read(&one.collection, one.into()));
    for other in &others {
        places.read(other, ReadBack { documents: 0, content: Content::Unknown });
    }
    let summary = format!("{} {told}", text::documents(settle("compared", &places)?.documents));
    Done::new(summary, &VerifiedElastic { verified, data: target_now(run).await? })
}

/// The note that says that the new data were found unused and are being removed.
const REMOVING: &str = "removing the unused new data";

async fn target_now(run: &Run) -> Result<Fingerprint> {
    let one = replacement(run)?;
    sources::take_of(run, one.role, &one.target).await
}

/// New data that no server was started on since they were verified hold nothing of their own: they are removed. Others
/// are set aside where the copy is taken back.
///
/// # Errors
/// Fails when they cannot be read or removed.
pub(super) async fn undo(run: &Run, step: &str) -> Result<()> {
    run.remove_claimed(step, &run.elastic()?.clone).await?;
    let copy = run.id_of(Action::COPY_ELASTIC)?;
    if !may_have_been_used(&run.plan, run.journal().state(), copy) {
        return Ok(());
    }
    let target = &replacement(run)?.target;
    if run.noted(step, REMOVING)? != Some(true) {
        let Some(output) = run.output::<VerifiedElastic>(step)? else { return Ok(()) };
        if !files::exists(target)? || !output.data.compare(&target_now(run).await?).is_empty() {
            return Ok(());
        }
        // Cut off half-way, they would look as if they had been used.
        run.note(step, REMOVING, &true)?;
    }
    run.remove_claimed(copy, target).await
}

/// What was read of an index, and documents of it to ask the node for.
type Found = (Verified, SpotChecks);

/// Compares the files of the new data with what was sent; nothing where a node is to give the documents.
async fn read_files(run: &Run, step: &str, copied: &[CopiedIndex]) -> Result<Option<Vec<Found>>> {
    let Verification::Full { fallback } = how(run)? else { return Ok(None) };
    if copied.is_empty() {
        // Elasticsearch makes the directory of the indices with the first one.
        return Ok(Some(Vec::new()));
    }
    let names = copied.iter().map(|one| one.plan.index.clone()).collect();
    // No node runs on the files, so that they stay as they are.
    let target = match new_data::open_files(&replacement(run)?.target, Some(names)).await {
        Ok(files) => Target::Files(files),
        Err(error) if error.kind() == Kind::Cancelled => return Err(error),
        Err(error) if fallback => {
            run.events.warn(Message::new(
                Code::ReadByNode,
                format!("The new data are read back through Elasticsearch, not from their files: {}.", error.phrase()),
            ));
            return Ok(None);
        }
        Err(error) => return Err(error.hint(WITH_A_NODE)),
    };
    let mut all = Vec::new();
    for one in copied {
        all.push(compare(run, step, &target, one).await?);
    }
    Ok(Some(all))
}

/// What to do about files that are refused where a node may read them.
const WITH_A_NODE: &str =
    "If they are whole, Elasticsearch itself can read them back: run the same command again with --verify api";

/// What could be opened and is not what it should be further in was damaged since it was written.
fn damaged(error: Error) -> Error {
    match error.kind() {
        Kind::Refused => Error::difference("The new data are not on disk as they were written.")
            .because(error)
            .hint("Check the disk and the memory of this machine (`dmesg` may say more).")
            .hint("The old data are as they were, and the same command copies them anew."),
        _ => error,
    }
}

/// Asks the node for what it should have: documents, fields and numbers of every index. Returns also the names of the
/// server's indices that it has and that were not copied.
async fn ask(
    run: &Run,
    step: &str,
    node: &Node,
    copied: &[CopiedIndex],
    found: Option<Vec<Found>>,
) -> Result<(Vec<Verified>, Vec<String>)> {
    let closed = || copied.iter().map(|one| &one.plan).filter(|plan| plan.closed);
    for plan in closed() {
        // It is open after the copy, and closed where an earlier try came to its end.
        indices::open(&node.client, &plan.index).await?;
    }
    let mut found = found.map(Vec::into_iter);
    let mut all = Vec::new();
    for one in copied {
        run.check_cancelled()?;
        let (verified, checks) = match found.as_mut().and_then(Iterator::next) {
            Some(found) => found,
            None if how(run)? == Verification::Counts => (one.outcome.counted(), SpotChecks::new(0)),
            None => compare(run, step, &Target::Node(node.client.clone()), one).await?,
        };
        let difference = check_served(&node.client, &one.plan, verified.documents, &checks).await?;
        difference.map_or(Ok(()), |difference| Err(difference.into_error()))?;
        let fingerprint = verified.fingerprint.as_deref().unwrap_or("none, only counted");
        run.events.detail(format!("{}: {} documents, digest {fingerprint}", verified.collection, verified.documents));
        all.push(verified);
    }
    for plan in closed() {
        indices::close(&node.client, &plan.index).await?;
    }
    let is_copied = |name: &String| copied.iter().any(|one| one.plan.index == *name);
    let listed = indices::list(&node.client).await?.into_iter().filter(Listed::is_ours).map(|one| one.name);
    Ok((all, listed.filter(|name| !is_copied(name)).collect()))
}

/// Compares an index. Only a difference is worth another look at the old data: it names the documents.
async fn compare(run: &Run, step: &str, target: &Target, one: &CopiedIndex) -> Result<Found> {
    let CopiedIndex { plan, outcome } = one;
    let verdict = verify_index(target, plan, &outcome.digest, None, &run.events, &run.cancel).await;
    let verdict = verdict.map_err(damaged)?;
    if let Verdict::Equal(verified, checks) = verdict {
        return Ok((verified, checks));
    }
    let place = run.claim(step, &run.elastic()?.clone)?;
    let old = old_data::open(run, &replacement(run)?.source, place).await?;
    let source = old.source();
    let rules = collisions::rules(run, &old, std::slice::from_ref(one)).await?;
    let second = SecondReading { source: &source, rules: &rules };
    let verdict = verify_index(target, plan, &outcome.digest, Some(second), &run.events, &run.cancel);
    verdict.await?.require_equal()?;
    Err(Error::difference("The new data differed when they were read first, and not when they were read again.")
        .hint("That should not be: check the disk and the memory of this machine before you go on."))
}

fn how(run: &Run) -> Result<Verification> {
    Ok(run.options.verification.unwrap_or(run.elastic()?.verification))
}
