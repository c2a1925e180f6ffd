//! Which node settings Elasticsearch 7.6.2 starts with.
//!
//! It refuses to start at any setting that it does not know. Both lists were measured: a 7.6.2 node started with each
//! of them, and the names that it called unknown written down.

/// Refused: they ended with 6.0 or 7.0.
const REFUSED: [&str; 38] = [
    "action.get.realtime",
    "action.master.force_local",
    "bootstrap.mlockall",
    "bootstrap.seccomp",
    "cluster.routing.allocation.snapshot.relocation_enabled",
    "es.logger.level",
    "gateway.initial_shards",
    "gateway.local.sync",
    "http.enabled",
    "http.pipelining",
    "http.tcp.blocking_server",
    "indices.memory.min_shard_index_buffer_size",
    "indices.recovery.concurrent_streams",
    "indices.store.throttle.max_bytes_per_sec",
    "indices.store.throttle.type",
    "indices.ttl.interval",
    "network.tcp.blocking",
    "network.tcp.blocking_client",
    "network.tcp.blocking_server",
    "node.add_id_to_custom_path",
    "node.local",
    "node.mode",
    "path.conf",
    "path.plugins",
    "path.scripts",
    "resource.reload.interval",
    "script.aggs",
    "script.auto_reload_enabled",
    "script.file",
    "script.indexed",
    "script.inline",
    "script.legacy.default_lang",
    "script.max_compilations_per_minute",
    "script.plugin",
    "script.search",
    "script.stored",
    "script.update",
    "security.manager.enabled",
];

/// Refused families.
const REFUSED_FAMILIES: [&str; 6] = [
    "default.path.",
    "discovery.zen.ping.multicast.",
    "script.engine.",
    "thread_pool.bulk.",
    "thread_pool.index.",
    "tribe.",
];

/// Known to be accepted: upstream's own, and what users set to tune a node. Families end with a dot.
const ACCEPTED: [&str; 48] = [
    "action.auto_create_index",
    "action.destructive_requires_name",
    "bootstrap.memory_lock",
    "bootstrap.system_call_filter",
    "cluster.info.update.interval",
    "cluster.max_shards_per_node",
    "cluster.name",
    "cluster.routing.allocation.disk.",
    "cluster.routing.allocation.enable",
    "cluster.routing.allocation.node_concurrent_recoveries",
    "cluster.routing.allocation.node_initial_primaries_recoveries",
    "discovery.type",
    "discovery.zen.minimum_master_nodes",
    "gateway.expected_nodes",
    "gateway.recover_after_nodes",
    "gateway.recover_after_time",
    "http.bind_host",
    "http.compression",
    "http.compression_level",
    "http.cors.",
    "http.max_content_length",
    "http.max_initial_line_length",
    "http.port",
    "indices.breaker.",
    "indices.fielddata.cache.size",
    "indices.memory.index_buffer_size",
    "indices.queries.cache.",
    "indices.query.bool.max_clause_count",
    "indices.recovery.max_bytes_per_sec",
    "indices.requests.cache.size",
    "logger.",
    "network.",
    "node.attr.",
    "node.data",
    "node.ingest",
    "node.master",
    "node.max_local_storage_nodes",
    "node.name",
    "path.data",
    "path.logs",
    "path.repo",
    "path.shared_data",
    "processors",
    "reindex.remote.whitelist",
    "script.painless.regex.enabled",
    "search.",
    "thread_pool.",
    "transport.",
];

/// Switches of X-Pack that stock files set and 7.6 still has.
const ACCEPTED_XPACK: [&str; 5] = [
    "xpack.graph.enabled",
    "xpack.ml.enabled",
    "xpack.monitoring.enabled",
    "xpack.security.enabled",
    "xpack.watcher.enabled",
];

/// What becomes of a node setting under Elasticsearch 7.6.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The node starts with it.
    Accepted,
    /// The node does not start with it.
    Refused,
    /// Not measured.
    Unknown,
}

/// Returns what becomes of a node setting; `None` for a variable that Elasticsearch's image does not pass on.
///
/// Source: `docker-entrypoint.sh` of the images 5.6 to 7.6 passes `[a-z0-9_]+\.[a-z0-9_]+…`.
pub(super) fn fate(name: &str) -> Option<Fate> {
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let (first, rest) = name.split_once('.')?;
    let second = rest.split(['.', '-']).next().unwrap_or_default();
    if !word(first) || second.is_empty() {
        return None;
    }
    let in_family = |families: &[&str]| families.iter().any(|family| family.ends_with('.') && name.starts_with(family));
    if REFUSED.contains(&name) || in_family(&REFUSED_FAMILIES) {
        Some(Fate::Refused)
    } else if ACCEPTED.contains(&name) || in_family(&ACCEPTED) || ACCEPTED_XPACK.contains(&name) {
        Some(Fate::Accepted)
    } else {
        Some(Fate::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_meet_their_measured_fate() {
        for (name, expected) in [
            ("script.inline", Some(Fate::Refused)),
            ("thread_pool.bulk.queue_size", Some(Fate::Refused)),
            ("thread_pool.search.queue_size", Some(Fate::Accepted)),
            ("cluster.routing.allocation.disk.watermark.low", Some(Fate::Accepted)),
            ("network.tcp.blocking", Some(Fate::Refused)),
            ("network.host", Some(Fate::Accepted)),
            ("xpack.security.http.ssl.enabled", Some(Fate::Unknown)),
            ("ES_JAVA_OPTS", None),
            ("TZ", None),
        ] {
            assert_eq!(fate(name), expected, "{name}");
        }
    }
}
