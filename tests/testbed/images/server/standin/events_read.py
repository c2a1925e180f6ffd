"""events.get_*, events.scalar_metrics_iter_histogram, events.debug_images: what the user interface shows of a task."""

from . import database as db
from .queries import (
    by_metric_and_variant, by_name, last_iterations, metric_variant_buckets, must, should, sources, term,
)  # fmt: skip

SCALAR, PLOT, IMAGE = "training_stats_scalar", "plot", "training_debug_image"
PAGE_OF_PLOTS = 500
MOST_OF_ONE_MOMENT = 10_000
# Images of one variant at one iteration; top_hits allows no more.
MOST_IMAGES = 100
# Plots written before 0.17 carry no mark.
VALID_PLOT = should(term("valid_plot", True), {"bool": {"must_not": {"exists": {"field": "valid_plot"}}}})
# What the caller may plot against, and the field that holds it.
HISTOGRAM_FIELDS = {"iter": "iter", "timestamp": "timestamp", "iso_time": "timestamp"}


def index_of(kind):
    return f"events-{kind}-{db.COMPANY}"


class EventReader:
    """Every answer is computed by Elasticsearch; an index that does not exist gives an empty one."""

    def __init__(self, elastic):
        self._elastic = elastic

    def task_log(self, call):
        """`{task, batch_size?, from_timestamp?, scroll_id?, order?}` -> `{events, returned, total[, scroll_id]}`"""
        if self._elastic.typed:
            return self._scrolled(call, "log", "timestamp", default_order="desc", default_size=500)
        task = call.required("task")
        if not self._elastic.exists(index_of("log")):
            return {"events": [], "returned": 0, "total": 0}
        body = {
            "size": int(call.data.get("batch_size", 500)),
            "query": term("task", task),
            "sort": {"timestamp": "desc"},
        }
        if (moment := call.data.get("from_timestamp")) is not None:
            body["search_after"] = [moment]
        answer = self._elastic.search(index_of("log"), body, task)
        events = sources(answer)
        if len(events) == body["size"] and events:
            events = self._with_whole_last_moment(task, events)
        return {"events": events, "returned": len(events), "total": self._elastic.total(answer)}

    def _with_whole_last_moment(self, task, events):
        """A page never ends between two lines of one millisecond: the next one starts after that millisecond."""
        moment = events[-1]["timestamp"]
        query = must(term("task", task), term("timestamp", moment))
        answer = self._elastic.search(index_of("log"), {"size": MOST_OF_ONE_MOMENT, "query": query}, task)
        return [event for event in events if event["timestamp"] != moment] + sources(answer)

    def task_events(self, call):
        """`{task, event_type?, order?, batch_size?, scroll_id?}` -> `{events, returned, total, scroll_id}`; total is exact."""
        return self._scrolled(call, call.data.get("event_type", "log"), "timestamp", default_order="asc", default_size=100)

    def task_plots(self, call):
        """`{task, iters?, scroll_id?}` -> `{plots, returned, total, scroll_id}`"""
        if scroll_id := call.data.get("scroll_id"):
            return self._plots(self._elastic.scroll(scroll_id))
        task, empty = call.required("task"), {"plots": [], "returned": 0, "total": 0, "scroll_id": None}
        if not self._elastic.exists(index_of(PLOT)):
            return empty
        iters = {"iters": last_iterations(self._elastic, int(call.data.get("iters", 1)))}
        valid = [] if self._elastic.typed else [VALID_PLOT]
        query = must(*valid, term("task", task))
        aggregation = {"size": 0, "aggs": by_metric_and_variant(self._elastic, iters), "query": query}
        last = metric_variant_buckets(self._elastic.search(index_of(PLOT), aggregation, task))
        wanted = [
            must(term("task", task), term("metric", metric), term("variant", variant), term("iter", bucket["key"]))
            for metric, variant, buckets in last
            for bucket in buckets["iters"]["buckets"]
        ]
        if not wanted:
            return empty
        body = {"sort": [{"iter": {"order": "desc"}}], "size": PAGE_OF_PLOTS, "query": must(*valid, should(*wanted))}
        return self._plots(self._elastic.search(index_of(PLOT), body, task, scroll="1h"))

    def _plots(self, answer):
        plots = sources(answer)
        total = self._elastic.total(answer)
        return {"plots": plots, "returned": len(plots), "total": total, "scroll_id": answer["_scroll_id"]}

    def scalar_histogram(self, call):
        """`{task, samples?, key?: iter|timestamp|iso_time}` -> `{metric: {variant: {name, x, y}}}`"""
        task, samples = call.required("task"), int(call.data.get("samples") or 6000)
        if not self._elastic.exists(index_of(SCALAR)):
            return {}
        field = HISTOGRAM_FIELDS[call.data.get("key", "iter")]
        result = {}
        for interval, pairs in self._by_interval(task, field, samples).items():
            for metric, variant, buckets in self._histogram(task, field, interval, pairs):
                points = [(bucket["key"], bucket["avg_val"]["value"]) for bucket in buckets]
                series = {"name": variant, "x": [int(x) for x, _ in points], "y": [y for _, y in points]}
                result.setdefault(metric, {})[variant] = series
        return result

    def _by_interval(self, task, field, samples):
        """Series by the width of the buckets that brings each below `samples` points."""
        measures = {
            "count": {"value_count": {"field": field}},
            "min_index": {"min": {"field": field}},
            "max_index": {"max": {"field": field}},
        }
        body = {"size": 0, "aggs": by_metric_and_variant(self._elastic, measures), "query": must(term("task", task))}
        groups = {}
        for metric, variant, found in metric_variant_buckets(self._elastic.search(index_of(SCALAR), body, task)):
            if found["count"]["value"]:
                width = found["max_index"]["value"] - found["min_index"]["value"] + 1
                groups.setdefault(max(1, int(width / samples)), []).append((metric, variant))
        return groups

    def _histogram(self, task, field, interval, pairs):
        if field == "iter":
            name, histogram = "iters", {"histogram": {"field": field, "interval": interval, "min_doc_count": 1}}
        else:
            name = "dates"
            step = self._elastic.fixed_interval(interval)
            histogram = {"date_histogram": {"field": field, **step, "min_doc_count": 1}}
        inner = {name: {**histogram, "aggs": {"avg_val": {"avg": {"field": "value"}}}}}
        either = should(*(must(term("metric", metric), term("variant", variant)) for metric, variant in pairs))
        query = must(term("task", task), either)
        body = {"size": 0, "aggs": by_metric_and_variant(self._elastic, inner), "query": query}
        for metric, variant, found in metric_variant_buckets(self._elastic.search(index_of(SCALAR), body, task)):
            if (metric, variant) in pairs:
                yield metric, variant, found[name]["buckets"]

    def debug_images(self, call):
        """`{metrics: [{task, metric?}], iters?}` -> `{metrics: [{task, iterations: [{iter, events}]}], scroll_id}`"""
        if not self._elastic.exists(index_of(IMAGE)):
            return {"metrics": [], "scroll_id": None}
        found = [
            {"task": wanted["task"], **({"metric": wanted["metric"]} if "metric" in wanted else {}),
             "iterations": self._images(wanted["task"], wanted.get("metric"), int(call.data.get("iters", 1)))}
            for wanted in call.required("metrics")
        ]  # fmt: skip
        return {"metrics": found, "scroll_id": None}

    def _images(self, task, metric, iters):
        events = {"events": {"top_hits": {"sort": {"url": {"order": "desc"}}, "size": MOST_IMAGES}}}
        variants = by_name(self._elastic, "variant", events)
        inner = {"metrics": by_name(self._elastic, "metric", {"variants": variants})}
        clauses = [term("task", task), {"exists": {"field": "url"}}, *([term("metric", metric)] if metric else [])]
        body = {"size": 0, "aggs": {"iters": last_iterations(self._elastic, iters, inner)}, "query": must(*clauses)}
        answer = self._elastic.search(index_of(IMAGE), body, task)
        return [
            {"iter": iteration["key"], "events": [
                event
                for metric_bucket in iteration["metrics"]["buckets"]
                for variant in metric_bucket["variants"]["buckets"]
                for event in sources(variant["events"])
            ]}
            for iteration in answer["aggregations"]["iters"]["buckets"]
        ]  # fmt: skip

    def _scrolled(self, call, kind, field, default_order, default_size):
        if scroll_id := call.data.get("scroll_id"):
            return self._events(self._elastic.scroll(scroll_id))
        task = call.required("task")
        if not self._elastic.exists(index_of(kind)):
            return {"events": [], "returned": 0, "total": 0, "scroll_id": None}
        body = {
            "sort": [{field: {"order": call.data.get("order", default_order)}}],
            "size": int(call.data.get("batch_size", default_size)),
            "query": must({"terms": {"task": [task]}}),
        }
        return self._events(self._elastic.search(index_of(kind), body, task, scroll="1h"))

    def _events(self, answer):
        events, total = sources(answer), self._elastic.total(answer)
        return {"events": events, "returned": len(events), "total": total, "scroll_id": answer["_scroll_id"]}
