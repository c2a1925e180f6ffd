"""What a ClearML server 1.1 asks about workers and queues."""

from bodies import maximum, minimum, must, terms, top_hits

# The two questions whose answers may differ by one document: `lte` a whole second with `format: epoch_second` includes
# the rest of that second for Elasticsearch 5 and not for 7.
ROUNDED = ("worker statistics", "worker activity")
WEEK = "604800s"


def about_workers(node, company):
    """Statistics and activity of all workers over all months, then the queues."""
    index = f"worker_stats_{company}_*"
    span = {"size": 0, "aggs": {"first": minimum("timestamp"), "last": maximum("timestamp")}}
    known = node.ask("worker span", "all", index, span)["aggregations"]
    if known["last"]["value"] is None:
        return
    first, last = (int(known[end]["value"]) // 1000 for end in ("first", "last"))
    whole = must(_between(first, last))
    aggs = {"categories": terms("category", metrics=terms("metric"))}
    node.ask("worker metrics", "all", index, {"size": 0, "query": must(_between(first, last + 1)), "aggs": aggs})
    values = {"avg": {"avg": {"field": "value"}}, "min": minimum("value"), "max": maximum("value")}
    aggs = {"workers": terms("worker", metrics=terms("metric", dates=_weekly(**values)))}
    node.ask("worker statistics", "all", index, {"size": 0, "query": whole, "aggs": aggs})
    aggs = {"dates": _weekly(workers_count={"cardinality": {"field": "worker"}})}
    node.ask("worker activity", "all", index, {"size": 0, "query": whole, "aggs": aggs})
    # One second more than there is data: nothing to round.
    highest = {f"max_{field}": top_hits(field, 1, _source=field) for field in ("average_waiting_time", "queue_length")}
    aggs = {"dates": _weekly(queues=terms("queue", **highest))}
    body = {"size": 0, "query": must(_between(first, last + 86_400)), "aggs": aggs}
    node.ask("queue metrics", "all", f"queue_metrics_{company}_*", body)


def _between(first, last):
    return {"range": {"timestamp": {"gte": first, "lte": last, "format": "epoch_second"}}}


def _weekly(**aggs):
    return {"date_histogram": {"field": "timestamp", "fixed_interval": WEEK, "min_doc_count": 1}, "aggs": aggs}
