//! The temporary Elasticsearch nodes: the release's own on the new directory and, where the old data are not read from
//! their files, 5.6.16 on a clone of them.
//!
//! They listen on loopback ports that the platform chooses, live in networks of the run's own, and carry the run's labels,
//! so that whatever a crash leaves behind is found and removed by the next run. Where the machine reaches a container by
//! its own address, it is spoken to there: docker copies all that goes through a published port.

use super::copied::reader;
use super::{Run, clones, java};
use crate::docker::{Exit, Part, explain_exit};
use crate::elastic::{Client, Version};
use crate::error::{Error, Result};
use crate::events::Unit;
use crate::files::blocking;
use crate::files::{self, Owned, clone};
use crate::plan::with_source;
use crate::plan::{Action, Reader, Replacement};
use crate::platform::{NodeSpec, RunningNode};
use crate::role::Role;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const DATA: &str = Role::ELASTICSEARCH_DATA;
const HTTP: u16 = 9200;
/// A node with thousands of small shards on a slow disk takes minutes to recover them.
const READY_WITHIN: Duration = Duration::from_secs(900);
/// A container is next door. Where it cannot be reached, as with docker in a virtual machine, this is lost once.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);
/// Enough for a flush of what is still in memory.
const STOP_WITHIN: Duration = Duration::from_secs(180);

/// A running temporary node.
pub(super) struct Node {
    running: RunningNode,
    what: &'static str,
    /// The way to talk to it.
    pub client: Client,
}

impl Node {
    /// Stops the node gracefully and removes its container and its network.
    ///
    /// # Errors
    /// Fails when the platform cannot.
    pub async fn stop(self, run: &Run) -> Result<()> {
        run.platform.stop_node(&self.running, STOP_WITHIN).await
    }

    /// Runs `work` unless the node's container ends first: then its last words are the error.
    ///
    /// # Errors
    /// The work's own, or how the container ended.
    pub async fn while_alive<T>(&self, run: &Run, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            result = work => result,
            error = ended(run, &self.running.id, self.what) => Err(error),
        }
    }
}

/// Removes the nodes that an earlier try of this run left, and what a comparison left beside the data.
///
/// # Errors
/// Fails when the platform cannot, or a clone cannot be removed.
pub async fn remove_leftovers(run: &Run) -> Result<()> {
    run.platform.remove_leftovers(&run.plan.run_id).await?;
    clones::remove_clones(run).await
}

/// Makes the clone anew and starts the node that reads it.
///
/// # Errors
/// Fails when the clone cannot be made or the node does not come up.
pub(super) async fn start_source(run: &Run, source: &Replacement) -> Result<Node> {
    let owned = run.claim(run.id_of(Action::COPY_ELASTIC)?, &run.elastic()?.clone)?;
    start_source_on_clone(run, &source.source, owned).await
}

/// Makes a clone of old data anew at a claimed place and starts the node that reads it.
///
/// # Errors
/// As [`start_source`].
pub(super) async fn start_source_on_clone(run: &Run, source: &Path, owned: Owned) -> Result<Node> {
    let place = owned.path().to_owned();
    make_clone(run, source, owned).await?;
    let mut settings = BTreeMap::from([
        // 5.x knows no single-node discovery; on its own it elects itself.
        ("discovery.zen.minimum_master_nodes", "1"),
        ("xpack.monitoring.enabled", "false"),
        ("xpack.ml.enabled", "false"),
        ("xpack.watcher.enabled", "false"),
    ]);
    settings.extend(COMMON);
    let heap = with_source(run.elastic()?.heaps).source;
    let image = &run.elastic()?.source_image;
    start(run, &NodeRequest { part: Part::Source, image, data: &place, settings, heap }, "").await
}

/// Clones data for a node to work on, in place of what an earlier try left there.
///
/// # Errors
/// Fails when the clone cannot be made.
pub(super) async fn make_clone(run: &Run, data: &Path, owned: Owned) -> Result<()> {
    let (from, cancel, events) = (data.to_owned(), run.cancel.clone(), run.events.clone());
    let cloned = blocking(move || {
        files::remove_tree(&owned)?;
        clone::clone_elastic(&from, &owned, &cancel, &events)
    })
    .await?;
    run.events.detail(format!("clone of {}: {cloned:?}", data.display()));
    Ok(())
}

/// Starts the node that writes the new data directory, which must exist.
///
/// # Errors
/// Fails when the node does not come up.
pub(super) async fn start_target(run: &Run, target: &Path) -> Result<Node> {
    let mut settings = BTreeMap::from([
        // A document may be 100 MB in itself, to which the bulk request adds.
        ("http.max_content_length", "512mb"),
        ("indices.memory.index_buffer_size", "30%"),
        // The real-memory breaker answers 429 for minutes after huge documents (measured on 7.6.2).
        ("indices.breaker.total.use_real_memory", "false"),
        // Indices that will be closed again are open while they are loaded.
        ("cluster.max_shards_per_node", "10000"),
        // An index that is not made by us would have the wrong mapping.
        ("action.auto_create_index", "false"),
        ("cluster.name", "clearml"),
        ("node.name", "clearml"),
    ]);
    settings.extend(COMMON);
    if has_geoip_downloader(&run.elastic()?.target_image) {
        // It would fetch from the internet, and make an index of its own in the new data.
        settings.insert("ingest.geoip.downloader.enabled", "false");
    }
    let heaps = run.elastic()?.heaps;
    let heap = match reader(run)? {
        Reader::Segments { .. } => heaps.target,
        Reader::Scroll { .. } => with_source(heaps).target,
    };
    let on_disk = || run.plan.replacements_of(Role::Elasticsearch).map(|one| one.bytes).sum();
    let bytes = run.elastic()?.live_bytes.unwrap_or_else(on_disk);
    let image = &run.elastic()?.target_image;
    start(run, &NodeRequest { part: Part::Target, image, data: target, settings, heap }, &java::options(bytes)).await
}

const COMMON: [(&str, &str); 4] = [
    ("discovery.type", "single-node"),
    // On by default in the official images of 5.x and 8.x.
    ("xpack.security.enabled", "false"),
    // Space was checked before; a watermark would only turn a copy read-only half-way.
    ("cluster.routing.allocation.disk.threshold_enabled", "false"),
    ("cluster.routing.allocation.node_initial_primaries_recoveries", "64"),
];

/// From 7.14 on; earlier versions do not start with a setting that they do not know.
fn has_geoip_downloader(image: &str) -> bool {
    let mut numbers = image.rsplit(':').next().unwrap_or_default().split('.').map(|part| part.parse().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(7), Some(14))
}

/// A node that is to be started.
struct NodeRequest<'a> {
    part: Part,
    image: &'a str,
    data: &'a Path,
    settings: BTreeMap<&'a str, &'a str>,
    /// Bytes of heap.
    heap: u64,
}

impl NodeRequest<'_> {
    fn what(&self) -> &'static str {
        match self.part {
            Part::Source => "The temporary Elasticsearch 5.6 node",
            Part::Target => "The temporary node of the new Elasticsearch",
        }
    }

    fn spec(&self, run: &Run, java: &str) -> NodeSpec {
        let mib = self.heap >> 20;
        let options = format!("-Xms{mib}m -Xmx{mib}m {java}");
        let settings = self.settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        NodeSpec {
            image: self.image.to_owned(),
            run: run.plan.run_id.clone(),
            part: self.part,
            environment: settings.chain([("ES_JAVA_OPTS".to_owned(), options.trim_end().to_owned())]).collect(),
            data: self.data.to_owned(),
            mounted_at: DATA,
            command: None,
            port: Some(HTTP),
            stop_timeout: STOP_WITHIN,
        }
    }
}

/// Starts a node, whose Java gets these options if it knows them.
async fn start(run: &Run, wanted: &NodeRequest<'_>, java: &str) -> Result<Node> {
    let image = wanted.image.rsplit('/').next().unwrap_or(wanted.image);
    let task = format!("starting {image}");
    run.events.progress(&task, 0, None, Unit::Seconds);
    let node = match start_with(run, wanted, java).await? {
        Some(node) => node,
        None => {
            run.events.detail(format!("the Java of {image} does not know {java}; it is started without"));
            let refused = || Error::failed(format!("{} does not start: its Java refuses the heap.", wanted.what()));
            start_with(run, wanted, "").await?.ok_or_else(refused)?
        }
    };
    run.events.progress_ended(&task);
    Ok(node)
}

/// Starts a node and waits until it answers. Returns nothing if Java refuses its options; the node is gone then.
async fn start_with(run: &Run, wanted: &NodeRequest<'_>, java: &str) -> Result<Option<Node>> {
    let running = run.platform.start_node(&wanted.spec(run, java)).await?;
    let ready = async {
        let Some(published) = running.published else {
            // It ended before it could be published anywhere.
            return std::future::pending().await;
        };
        let client = Client::new(&format!("http://{published}"))?;
        let version = client.wait_until_ready(READY_WITHIN, std::future::pending(), &run.cancel).await?;
        Ok((nearest(client, &running).await, version))
    };
    let what = wanted.what();
    let exit = tokio::select! {
        ready = ready => {
            let (client, version): (Client, Version) = ready?;
            run.events.detail(format!("{what} is Elasticsearch {version} at {}", client.address()));
            return Ok(Some(Node { running: running.clone(), what, client }));
        }
        exit = run.platform.watch_exit(&running.id) => exit?,
    };
    if !java::is_refused(&exit) {
        return Err(describe(what, &exit));
    }
    run.platform.stop_node(&running, STOP_WITHIN).await?;
    Ok(None)
}

/// Returns the client of a node's own address if it answers there, else that of its published port.
async fn nearest(published: Client, node: &RunningNode) -> Client {
    let Some(own) = node.own else { return published };
    published.also_at(&format!("http://{own}"), ANSWERS_WITHIN).await.unwrap_or(published)
}

/// Waits for the end of a container and returns it as an error with its last words.
async fn ended(run: &Run, id: &str, what: &str) -> Error {
    match run.platform.watch_exit(id).await {
        Ok(exit) => describe(what, &exit),
        Err(error) => error,
    }
}

fn describe(what: &str, exit: &Exit) -> Error {
    let error = Error::failed(format!("{what} ended with code {}.", exit.code));
    let error = match explain_exit(Role::Elasticsearch, exit) {
        Some(explanation) => error.hint(explanation),
        None => error,
    };
    error.hint(format!("Its last lines:\n{}", exit.last_words(8)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versions_that_know_the_setting_get_it() {
        let with =
            |version: &str| has_geoip_downloader(&format!("docker.elastic.co/elasticsearch/elasticsearch:{version}"));
        assert!(!with("7.6.2") && !with("7.13.4") && with("7.14.0") && with("7.17.18") && with("8.15.3"));
    }
}
