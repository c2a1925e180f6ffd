"""What a ClearML server 1.1 asks about the events of a task, call by call.

Each function is one API call: its later searches are made from the answers to the earlier ones, as the server does.
"""

from bodies import by_metric_and_variant, maximum, minimum, must, series, should, term, terms, top_hits

SCALAR = "training_stats_scalar"
VECTOR = "training_stats_vector"
IMAGE = "training_debug_image"
SAMPLES = 50


def about_task(node, company, task, other):
    """All questions about one task; `other` is a second one for the calls that compare tasks."""

    def index(kind):
        return f"events-{kind}-{company}"

    calls = (
        ("log", get_task_log), ("log", get_task_events), (SCALAR, get_metrics), (SCALAR, get_task_events),
        (SCALAR, scalar_histogram), (SCALAR, latest_scalars), (SCALAR, get_scalar_metric_data), (VECTOR, get_vector),
        ("plot", get_metrics), ("plot", get_task_events), ("plot", get_task_plots), (IMAGE, get_metrics),
        (IMAGE, get_task_events), (IMAGE, debug_images), (IMAGE, debug_image_sample),
    )  # fmt: skip
    for kind, call in calls:
        if node.exists(index(kind)):
            call(node, index(kind), kind, task)
    if node.exists(index("plot")):
        get_multi_task_plots(node, index("plot"), task, other)
    latest_iterations(node, f"events-*-{company}", task, other)


def get_task_log(node, index, _kind, task):
    """The newest lines, the page before them, and all lines of one millisecond."""
    page = {"size": 10, "query": term("task", task), "sort": {"timestamp": "desc"}}
    hits = node.ask("log newest", task, index, page)["hits"]["hits"]
    if hits:
        node.ask("log older", task, index, {**page, "search_after": hits[-1]["sort"]})
        same = must(term("task", task), term("timestamp", hits[-1]["sort"][0]))
        node.ask("log same time", task, index, {"size": 10_000, "query": same})


def get_task_events(node, index, kind, task):
    """All events of a kind in order of time."""
    body = {"sort": [{"timestamp": {"order": "asc"}}], "size": 100, "query": must({"terms": {"task": [task]}})}
    node.ask_scrolling(f"events of {kind}", task, index, body)


def get_metrics(node, index, kind, task):
    """Which metrics and variants there are."""
    body = {"size": 0, "aggs": by_metric_and_variant(), "query": must(term("task", task))}
    node.ask(f"metrics of {kind}", task, index, body)


def scalar_histogram(node, index, _kind, task):
    """The curves of a task: first how long they are, then averages over as many intervals as the screen has room for."""
    ranges = by_metric_and_variant(
        count={"value_count": {"field": "iter"}},
        min_index=minimum("iter"), max_index=maximum("iter"),
        min_time=minimum("timestamp"), max_time=maximum("timestamp"),
    )  # fmt: skip
    query = must(term("task", task))
    answer = node.ask("scalar ranges", task, index, {"size": 0, "aggs": ranges, "query": query})
    found = list(series(answer))
    if not found:
        return
    wanted = [must(term("metric", m["key"]), term("variant", v["key"])) for m, v in found]
    query = must(term("task", task), should(*wanted))

    def interval(low, high):
        span = max(v[high]["value"] for _, v in found) - min(v[low]["value"] for _, v in found)
        return max(1, int(span) // SAMPLES)

    average = {"avg_val": {"avg": {"field": "value"}}}
    steps = {"field": "iter", "interval": interval("min_index", "max_index"), "min_doc_count": 1}
    aggs = by_metric_and_variant(iters={"histogram": steps, "aggs": average})
    node.ask("scalar histogram", task, index, {"size": 0, "aggs": aggs, "query": query})
    times = {"field": "timestamp", "fixed_interval": f"{interval('min_time', 'max_time')}ms", "min_doc_count": 1}
    aggs = by_metric_and_variant(iters={"date_histogram": times, "aggs": average})
    node.ask("scalar histogram by time", task, index, {"size": 0, "aggs": aggs, "query": query})


def latest_scalars(node, index, _kind, task):
    """The last values above zero of every curve."""
    last = {"docvalue_fields": ["value"], "_source": "value"}
    aggs = by_metric_and_variant(
        last_value=top_hits("iter", 1, **last),
        last_10_value=top_hits("iter", 10, **last),
        last_timestamp=maximum("@timestamp"),
    )
    query = must({"query_string": {"query": "value:>0"}}, term("task", task))
    node.ask("latest scalars", task, index, {"size": 0, "aggs": aggs, "query": query})


def latest_iterations(node, index, task, other):
    """How far two tasks came, over events of every kind."""
    newest = {"iters": terms("iter", 1, {"_key": "desc"})}
    body = {"size": 0, "query": must({"terms": {"task": [task, other]}}), "aggs": {"tasks": terms("task", **newest)}}
    node.ask("latest iterations", task, index, body)


def get_scalar_metric_data(node, index, kind, task):
    """Every value of one metric."""
    for metric, _variant in _first_series(node, index, task):
        query = must({"terms": {"task": [task]}}, term("metric", metric))
        body = {"size": 500, "sort": {"iter": "desc"}, "query": query}
        node.ask_scrolling("scalar metric data", task, index, body)


def get_vector(node, index, _kind, task):
    """A curve as two columns."""
    for metric, variant in _first_series(node, index, task):
        query = must(term("task", task), term("metric", metric), term("variant", variant))
        body = {"size": 10_000, "query": query, "_source": ["iter", "value"], "sort": ["iter"]}
        node.ask("vector", task, index, body)


def get_task_plots(node, index, _kind, task):
    """The last plots of every series: first which iterations, then the documents."""
    last = terms("iter", 2, {"_key": "desc"})
    body = {"size": 0, "query": must(term("task", task)), "aggs": by_metric_and_variant(iters=last)}
    answer = node.ask("plot iterations", task, index, body)
    wanted = [
        must(term("task", task), term("metric", m["key"]), term("variant", v["key"]), term("iter", i["key"]))
        for m, v in series(answer)
        for i in v["iters"]["buckets"]
    ]
    if wanted:
        valid = should(term("valid_plot", True), {"bool": {"must_not": {"exists": {"field": "valid_plot"}}}})
        body = {"size": 500, "sort": {"iter": {"order": "desc"}}, "query": must(valid, should(*wanted))}
        node.ask_scrolling("plots", task, index, body)


def get_multi_task_plots(node, index, task, other):
    """The last plots of two tasks side by side."""
    last = {"iters": terms("iter", 1, {"_key": "desc"})}
    body = {"size": 0, "query": must({"terms": {"task": [task, other]}}), "aggs": {"tasks": terms("task", **last)}}
    answer = node.ask("multi plot iterations", task, index, body)
    wanted = [
        must(term("task", bucket["key"]), {"terms": {"iter": [i["key"] for i in bucket["iters"]["buckets"]]}})
        for bucket in answer["aggregations"]["tasks"]["buckets"]
    ]
    if wanted:
        body = {"size": 500, "sort": {"iter": {"order": "desc"}}, "query": should(*wanted)}
        node.ask_scrolling("multi plots", task, index, body)


def debug_images(node, index, _kind, task):
    """The newest images of a metric, once by url and once by iteration."""
    for metric, _variant in _first_series(node, index, task):
        query = must(term("task", task), {"exists": {"field": "url"}}, {"terms": {"metric": [metric]}})
        urls = terms("url", 1, {"max_iter": "desc"}, max_iter=maximum("iter"), iters=top_hits("iter", 2, _source="iter"))
        aggs = by_metric_and_variant({"last_event_timestamp": maximum("timestamp")}, urls=urls)
        node.ask("image urls", task, index, {"size": 0, "query": query, "aggs": aggs})
        newest = terms("iter", 3, {"_key": "desc"}, **by_metric_and_variant(events=top_hits("url", 10)))
        node.ask("image iterations", task, index, {"size": 0, "query": query, "aggs": {"iters": newest}})


def debug_image_sample(node, index, _kind, task):
    """One image: which iterations are still there, then the newest of them."""
    for metric, variant in _first_series(node, index, task):
        query = must(term("task", task), term("metric", metric), {"exists": {"field": "url"}})
        urls = terms("url", 1, {"max_iter": "asc"}, max_iter=maximum("iter"), iters=top_hits("iter", 1, _source="iter"))
        aggs = {"variants": terms("variant", last_iter=maximum("iter"), urls=urls)}
        answer = node.ask("image sample variants", task, index, {"size": 0, "query": query, "aggs": aggs})
        oldest = answer["aggregations"]["variants"]["buckets"][0]["urls"]["buckets"][0]["max_iter"]["value"]
        query = must(*query["bool"]["must"], term("variant", variant), {"range": {"iter": {"gte": int(oldest)}}})
        body = {"size": 1, "sort": {"iter": "desc"}, "query": query}
        node.ask("image sample", task, index, body)


def _first_series(node, index, task):
    """The first metric and variant of a task, or nothing. Like a user's click: no question that is recorded."""
    body = {"size": 0, "aggs": by_metric_and_variant(), "query": must(term("task", task))}
    return [(m["key"], v["key"]) for m, v in series(node.search(index, body))][:1]
