"""The index templates that a Trains 0.15.1 server installs at start: Elasticsearch 5 form, with mapping types.

Every event must name its routing (the server gives the task id); fields that no template names are mapped dynamically.
"""

from names import METRICS, STAT


def _properties(**by_type):
    """Field mappings from `type=(field, …)`."""
    return {field: {"type": kind} for kind, fields in by_type.items() for field in fields}


def _of_every_event(pattern, properties, **rest):
    # `_default_`: whatever the type of the first document will be called.
    return {"template": pattern, "mappings": {"_default_": {"properties": properties, **rest.pop("mapping", {})}}, **rest}


def _of_one_type(pattern, kind, properties):
    mapping = {"_source": {"enabled": True}, "properties": properties}
    return {"template": pattern, "settings": {"number_of_shards": 1}, "mappings": {kind: mapping}}


UNINDEXED_TEXT = {"type": "text", "index": False}

TEMPLATES = {
    "events": _of_every_event(
        "events-*",
        {
            "@timestamp": {"type": "date"},
            **_properties(
                keyword=("task", "type", "worker", "metric", "variant"),
                date=("timestamp",),
                long=("iter",),
                float=("value",),
            ),
        },
        mapping={"_source": {"enabled": True}, "_routing": {"required": True}},
        settings={"number_of_shards": 1},
    ),
    "events_log": _of_every_event("events-log-*", {"msg": UNINDEXED_TEXT, **_properties(keyword=("level",))}, order=1),
    "events_plot": _of_every_event("events-plot-*", {"plot_str": UNINDEXED_TEXT}, order=1),
    "events_training_debug_image": _of_every_event(
        "events-training_debug_image-*", _properties(keyword=("key", "url")), order=1
    ),
    "worker_stats": _of_one_type(
        "worker_stats_*",
        STAT,
        _properties(
            date=("timestamp",),
            keyword=("worker", "category", "metric", "variant", "unit", "task"),
            float=("value",),
        ),
    ),
    "queue_metrics": _of_one_type(
        "queue_metrics_*",
        METRICS,
        _properties(date=("timestamp",), keyword=("queue",), float=("average_waiting_time",), integer=("queue_length",)),
    ),
}


def install(elastic):
    """Replaces the templates on the node, as the server does: delete, then put."""
    for name, body in TEMPLATES.items():
        elastic.request("DELETE", f"/_template/{name}", accept=(200, 404))
        elastic.request("PUT", f"/_template/{name}", body)
