"""The index templates that each release installs at start: typed for Elasticsearch 5, typeless since 0.16."""

import time

from . import elastic as es

EVENT_FIELDS = {
    "@timestamp": "date", "task": "keyword", "type": "keyword", "worker": "keyword", "timestamp": "date",
    "iter": "long", "metric": "keyword", "variant": "keyword", "value": "float",
}  # fmt: skip
STAT_FIELDS = {
    "timestamp": "date", "worker": "keyword", "category": "keyword", "metric": "keyword", "variant": "keyword",
    "value": "float", "unit": "keyword", "task": "keyword",
}  # fmt: skip
QUEUE_FIELDS = {"timestamp": "date", "queue": "keyword", "average_waiting_time": "float", "queue_length": "integer"}

# name: (index pattern, order, one shard and a kept source, mapping type of Elasticsearch 5, fields)
COMMON = {
    "events": ("events-*", 0, True, "_default_", EVENT_FIELDS),
    "events_log": ("events-log-*", 1, False, "_default_", {"msg": "stored text", "level": "keyword"}),
    "events_plot": ("events-plot-*", 1, False, "_default_", {"plot_str": "stored text"}),
    "events_training_debug_image": (
        "events-training_debug_image-*", 1, False, "_default_", {"key": "keyword", "url": "keyword"},
    ),
    "queue_metrics": ("queue_metrics_*", 0, True, "metrics", QUEUE_FIELDS),
    "worker_stats": ("worker_stats_*", 0, True, "stat", STAT_FIELDS),
}  # fmt: skip


def _field(kind):
    return {"type": "text", "index": False} if kind == "stored text" else {"type": kind}


def bodies(typed):
    """The templates by name."""
    result = {}
    for name, (pattern, order, base, mapping_type, fields) in COMMON.items():
        if name == "events_plot" and not typed:
            fields = {**fields, "plot_data": "binary"}
        mapping = {"properties": {field: _field(kind) for field, kind in fields.items()}}
        if base:
            mapping["_source"] = {"enabled": True}
        if name == "events" and typed:
            mapping["_routing"] = {"required": True}
        result[name] = {
            **({"template": pattern} if typed else {"index_patterns": pattern}),
            **({"order": order} if order else {}),
            **({"settings": {"number_of_shards": 1}} if base else {}),
            "mappings": {mapping_type: mapping} if typed else mapping,
        }
    return result


def install(elastic, log):
    """Puts all templates; the old server deletes each first, and waits up to 15 s for the node."""
    for name, body in bodies(elastic.typed).items():
        if not elastic.typed:
            elastic.request("PUT", f"/_template/{name}", body)
            continue
        _delete_when_reachable(elastic, name)
        elastic.request("POST", f"/_template/{name}", body)
    log.info("index templates installed: %s", " ".join(COMMON))


def _delete_when_reachable(elastic, name):
    for pause in (0, 1, 2, 4, 8, None):
        try:
            elastic.request("DELETE", f"/_template/{name}")
            return
        except es.Refused as refusal:
            if refusal.status == 404:
                return
            raise
        except es.Unreachable:
            if pause is None:
                raise
            time.sleep(pause)
