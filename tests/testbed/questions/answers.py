"""Answers in a form in which two versions of Elasticsearch can be compared, and the comparison."""

import math

# Says nothing about the data, or is what the migration takes away on purpose (mapping type, routing).
IGNORED = {"_type", "_score", "_routing", "_shards", "took", "_scroll_id", "max_score", "timed_out", "terminated_early"}
# How far counts may be off where shards were asked for their top buckets only: 5 says "unknown" even of one shard.
IGNORED |= {"doc_count_error_upper_bound"}
# From 7 on a search counts no further.
MOST_COUNTED = 10_000
# The order of adding up differs.
FLOAT_TOLERANCE = 1e-9


def normal(value):
    """The answer without what is ignored, totals counted alike, and hits of equal rank in order of their ids."""
    if isinstance(value, list):
        return [normal(part) for part in value]
    if not isinstance(value, dict):
        return value
    kept = {key: normal(part) for key, part in value.items() if key not in IGNORED}
    if isinstance(kept.get("hits"), list) and "total" in kept:
        total = kept["total"]
        kept["total"] = min(total["value"] if isinstance(total, dict) else total, MOST_COUNTED)
        kept["hits"] = _equal_ranks_by_id(kept["hits"])
    return kept


def _equal_ranks_by_id(hits):
    ordered, group = [], []
    for hit in hits:
        if group and group[0].get("sort") != hit.get("sort"):
            ordered += sorted(group, key=_identity)
            group = []
        group.append(hit)
    return ordered + sorted(group, key=_identity)


def _identity(hit):
    return hit["_index"], hit["_id"]


def differences(left, right, path=""):
    """Where two normal answers differ, one line each."""
    if isinstance(left, dict) and isinstance(right, dict):
        if _is_page(left) and _is_page(right):
            yield from _page_differences(left, right, path)
            return
        for key in sorted(left.keys() | right.keys()):
            if key not in left or key not in right:
                yield f"{path}/{key}: only in the {'first' if key in left else 'second'}"
            else:
                yield from differences(left[key], right[key], f"{path}/{key}")
    elif isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            yield f"{path}: {len(left)} and {len(right)} entries"
        for number, (one, other) in enumerate(zip(left, right)):
            yield from differences(one, other, f"{path}[{number}]")
    elif not _equal(left, right):
        yield f"{path}: {left!r} and {right!r}"


def _is_page(value):
    return isinstance(value.get("hits"), list) and "total" in value


def _page_differences(left, right, path):
    """Like any other, but that a page which ends among hits of equal rank may hold any of these."""
    ones, others = left["hits"], right["hits"]
    if left["total"] != right["total"] or len(ones) != len(others):
        yield f"{path}: {len(ones)} of {left['total']} hits and {len(others)} of {right['total']}"
        return
    cut = len(ones) < left["total"]
    for number, (one, other) in enumerate(zip(ones, others)):
        last_rank = one.get("sort") == ones[-1].get("sort") and other.get("sort") == others[-1].get("sort")
        if cut and last_rank and _identity(one) != _identity(other) and one.get("sort") == other.get("sort"):
            continue
        yield from differences(one, other, f"{path}/hits[{number}]")


def _equal(left, right):
    if isinstance(left, float) or isinstance(right, float):
        both = (int, float)
        return isinstance(left, both) and isinstance(right, both) and math.isclose(left, right, rel_tol=FLOAT_TOLERANCE)
    return type(left) is type(right) and left == right


def apart_by_documents(left, right):
    """How many documents two normal answers differ by, or None where that cannot be the only reason.

    Totals and buckets count the same document each at its own level, so the largest difference at any level counts.
    Other values may differ only inside a bucket (or an answer) whose count differs.
    """
    if left["hits"]["hits"] or right["hits"]["hits"]:
        return None
    apart = abs(left["hits"]["total"] - right["hits"]["total"])
    below = _bucket_differences(left.get("aggregations", {}), right.get("aggregations", {}))
    return None if below is None else max(apart, below)


def _bucket_differences(left, right):
    """The documents by which the aggregations of a bucket differ."""
    if left.keys() != right.keys():
        return None
    most = 0
    for name in left:
        ones, others = ({b["key"]: b for b in side[name].get("buckets", [])} for side in (left, right))
        apart = 0
        for key in ones.keys() | others.keys():
            one, other = ones.get(key), others.get(key)
            count = abs((one or _NOTHING)["doc_count"] - (other or _NOTHING)["doc_count"])
            apart += count
            if one and other:
                if not count and any(differences(one, other)):
                    return None
                below = _bucket_differences(_aggregations(one), _aggregations(other))
                if below is None:
                    return None
                most = max(most, below)
        most = max(most, apart)
    return most


_NOTHING = {"doc_count": 0}


def _aggregations(bucket):
    return {name: part for name, part in bucket.items() if isinstance(part, dict)}


def is_empty(answer):
    """Whether an answer holds neither hits nor buckets nor values: comparing such proves nothing."""
    if answer["hits"]["hits"]:
        return False
    aggs = answer.get("aggregations", {}).values()
    return all(not agg.get("buckets") and agg.get("value") is None for agg in aggs)
