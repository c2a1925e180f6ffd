"""Pieces of the queries that the servers send; the shapes are those seen on the wire of 0.15.1 and 1.1.1."""

MOST_NAMES = 100


def term(field, value):
    return {"term": {field: value}}


def must(*clauses):
    return {"bool": {"must": list(clauses)}}


def should(*clauses):
    return {"bool": {"should": list(clauses)}}


def by_name(elastic, field, inner=None):
    """Buckets of one field in the order of its values."""
    buckets = {"terms": {"field": field, "size": MOST_NAMES, "order": {elastic.by_key: "asc"}}}
    return {**buckets, **({"aggs": inner} if inner else {})}


def by_metric_and_variant(elastic, inner=None):
    return {"metrics": by_name(elastic, "metric", {"variants": by_name(elastic, "variant", inner)})}


def last_iterations(elastic, count, inner=None):
    """Buckets of the last `count` iterations, newest first."""
    buckets = {"terms": {"field": "iter", "size": count, "order": {elastic.by_key: "desc"}}}
    return {**buckets, **({"aggs": inner} if inner else {})}


def metric_variant_buckets(answer):
    """(metric, variant, bucket) of an answer to `by_metric_and_variant`."""
    for metric in answer["aggregations"]["metrics"]["buckets"]:
        for variant in metric["variants"]["buckets"]:
            yield metric["key"], variant["key"], variant


def sources(answer):
    return [hit["_source"] for hit in answer["hits"]["hits"]]
