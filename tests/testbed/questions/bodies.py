"""The parts that the server's searches are made of."""


def must(*clauses):
    """A query that wants all of `clauses`."""
    return {"bool": {"must": list(clauses)}}


def should(*clauses):
    """A query that wants one of `clauses`."""
    return {"bool": {"should": list(clauses)}}


def term(field, value):
    return {"term": {field: value}}


def terms(field, size=100, order=None, **aggs):
    """Buckets per value of a field, by value in ascending order unless told otherwise."""
    body = {"terms": {"field": field, "size": size, "order": order or {"_key": "asc"}}}
    return {**body, "aggs": aggs} if aggs else body


def by_metric_and_variant(metric_aggs=None, **variant_aggs):
    """The nesting of nearly every question about events."""
    return {"metrics": terms("metric", **(metric_aggs or {}), variants=terms("variant", **variant_aggs))}


def maximum(field):
    return {"max": {"field": field}}


def minimum(field):
    return {"min": {"field": field}}


def top_hits(sort_field, size, **rest):
    """The first documents of a bucket, in descending order of a field."""
    return {"top_hits": {"sort": [{sort_field: {"order": "desc"}}], "size": size, **rest}}


def series(answer):
    """`(metric bucket, variant bucket)` of an answer to `by_metric_and_variant`."""
    for metric in answer["aggregations"]["metrics"]["buckets"]:
        for variant in metric["variants"]["buckets"]:
            yield metric, variant
