"""Bulk requests made beforehand: they cost the sender nothing, so what they reach is what the target can take."""

import json
import random
import shutil

BYTES = 2_000_000
PAGE = 2000


def make(source, plans, directory):
    """Writes the documents of every index as `directory`/INDEX/NUMBER.ndjson, about BYTES each."""
    making = directory.with_suffix(".making")
    shutil.rmtree(making, ignore_errors=True)
    for plan in plans:
        place = making / plan["index"]
        place.mkdir(parents=True)
        for number, body in enumerate(_bodies(source, plan["index"])):
            (place / f"{number:06}.ndjson").write_bytes(body)
    making.rename(directory)


def listed(directory):
    """All requests `(index, file)`, those of different indices mixed, always in the same order."""
    requests = [(file.parent.name, file) for file in sorted(directory.glob("*/*.ndjson"))]
    random.Random(1).shuffle(requests)
    return requests


def _bodies(source, index):
    lines, size = [], 0
    for hit in _hits(source, index):
        action = _compact({"create": {"_id": hit["_id"]}})
        lines += (action, _compact(hit["_source"]))
        size += len(lines[-1]) + len(action)
        if size > BYTES:
            yield _joined(lines)
            lines, size = [], 0
    if lines:
        yield _joined(lines)


def _hits(source, index):
    body = {"size": PAGE, "sort": ["_doc"]}
    page = source.request("POST", f"/{index}/_search?scroll=5m", body)
    while hits := page["hits"]["hits"]:
        yield from hits
        page = source.request("POST", "/_search/scroll", {"scroll": "5m", "scroll_id": page["_scroll_id"]})
    source.request("DELETE", "/_search/scroll", {"scroll_id": [page["_scroll_id"]]})


def _compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _joined(lines):
    return b"\n".join(lines) + b"\n"
