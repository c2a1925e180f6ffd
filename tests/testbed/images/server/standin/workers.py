"""Who works with the server, as Redis knows it; workers.get_stats and queues.get_queue_metrics: the monthly indices."""

import json

from . import database as db
from . import redis_lock
from .queries import MOST_NAMES

# Redis' database for them.
REGISTRY = 4


class Workers:
    """Statistics of machines and queues over a span of time."""

    def __init__(self, elastic, redis_address):
        self._elastic = elastic
        self._redis_address = redis_address

    def get_all(self, call):
        """`{}` -> `{workers: [{id, …}]}`: a key for each, which Redis forgets ten minutes after its last report."""
        redis = redis_lock.Redis(self._redis_address)
        try:
            redis.command("SELECT", REGISTRY)
            entries = [redis.command("GET", key) for key in redis.command("KEYS", f"worker_{db.COMPANY}_*")]
        finally:
            redis.close()
        return {"workers": [json.loads(entry) for entry in entries if entry]}

    def stats(self, call):
        """`{from_date, to_date, interval, items: [{key}], worker_ids?}` -> `{workers: [{worker, metrics: [{metric, dates, stats}]}]}`

        Dates are seconds since 1970, the interval seconds.
        """
        keys = [item["key"] for item in call.required("items")]
        clauses = [_span(call), {"terms": {"metric": keys}}]
        if workers := call.data.get("worker_ids"):
            clauses.append({"terms": {"worker": workers}})
        values = {name: {name: {"field": "value"}} for name in ("avg", "min", "max")}
        dates = {"dates": self._dates(call, values)}
        metrics = {"metrics": {"terms": {"field": "metric", "size": MOST_NAMES}, "aggs": dates}}
        body = {
            "size": 0,
            "query": {"bool": {"must": clauses}},
            "aggs": {"workers": {"terms": {"field": "worker", "size": MOST_NAMES}, "aggs": metrics}},
        }
        answer = self._elastic.request("POST", f"/worker_stats_{db.COMPANY}_*/_search", body)
        buckets = answer.get("aggregations", {"workers": {"buckets": []}})["workers"]["buckets"]
        return {"workers": [{"worker": b["key"], "metrics": [_metric(m) for m in b["metrics"]["buckets"]]} for b in buckets]}

    def queue_metrics(self, call):
        """`{from_date, to_date, interval, queue_ids?}` -> `{queues: [{queue, dates, avg_waiting_times, queue_lengths}]}`"""
        clauses = [_span(call)]
        if queues := call.data.get("queue_ids"):
            clauses.append({"terms": {"queue": queues}})
        top = {"queue_length": "desc"}
        last = {"top": {"top_hits": {"size": 1, "sort": top, "_source": ["average_waiting_time", "queue_length"]}}}
        by_queue = {"queues": {"terms": {"field": "queue", "size": MOST_NAMES}, "aggs": last}}
        body = {"size": 0, "query": {"bool": {"must": clauses}}, "aggs": {"dates": self._dates(call, by_queue)}}
        answer = self._elastic.request("POST", f"/queue_metrics_{db.COMPANY}_*/_search", body)
        found = {}
        for date in answer.get("aggregations", {"dates": {"buckets": []}})["dates"]["buckets"]:
            for queue in date["queues"]["buckets"]:
                entry = found.setdefault(queue["key"], {"dates": [], "avg_waiting_times": [], "queue_lengths": []})
                source = queue["top"]["hits"]["hits"][0]["_source"]
                entry["dates"].append(date["key"] // 1000)
                entry["avg_waiting_times"].append(source["average_waiting_time"])
                entry["queue_lengths"].append(source["queue_length"])
        return {"queues": [{"queue": queue, **entry} for queue, entry in sorted(found.items())]}

    def _dates(self, call, inner):
        step = self._elastic.fixed_interval(int(call.required("interval")) * 1000)
        return {"date_histogram": {"field": "timestamp", **step, "min_doc_count": 1}, "aggs": inner}


def _span(call):
    """The stated seconds, both ends included."""
    bounds = {"gte": int(call.required("from_date")), "lte": int(call.required("to_date")), "format": "epoch_second"}
    return {"range": {"timestamp": bounds}}


def _metric(bucket):
    dates = bucket["dates"]["buckets"]
    stats = [{"aggregation": name, "values": [d[name]["value"] for d in dates]} for name in ("avg", "min", "max")]
    return {"metric": bucket["key"], "dates": [date["key"] // 1000 for date in dates], "stats": stats}
