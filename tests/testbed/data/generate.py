#!/usr/bin/env python3
"""Fills a real Elasticsearch 5.6 node with the data of a Trains Server 0.15.1, the same for the same seed.

    generate.py --elastic http://localhost:9200 --documents 200000 --seed 7 --manifest manifest.json --tasks tasks.ndjson

With --kill-tail K everything but the last K operations is flushed: kill the node with SIGKILL right after, and these K are
in its translog only. (Within five minutes: then Elasticsearch flushes an idle index by itself.)
"""

import argparse
import json
import os
import sys
import time

import load
import phases
import templates
import uploads
import workers
from elastic import Elastic, ElasticError
from manifest import check, manifest, task_records
from names import EVENT_KINDS, event_index, queue_index, worker_index
from plan import MONTHS, make_plan

# During the load only; None takes a setting away again.
LOADING = {"index.refresh_interval": "-1", "index.translog.durability": "async"}


def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--elastic", metavar="URL", help="the node to fill; without it only the files are written")
    parser.add_argument("--documents", type=int, default=10_000, metavar="N", help="documents at the end, foreign ones apart")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kill-tail", type=int, default=0, metavar="K", help="operations after the last flush")
    parser.add_argument("--keys-twice", type=int, default=0, metavar="R", help="more documents, which Elasticsearch 7 refuses")
    parser.add_argument("--manifest", metavar="FILE", help="write what must be on the node")
    parser.add_argument("--tasks", metavar="FILE", help="write the tasks, one JSON object a line")
    parser.add_argument("--uploads", metavar="DIR", help="write files behind some debug images, as the fileserver keeps them")
    parser.add_argument("--processes", type=int, default=min(4, os.cpu_count() or 1))
    return parser.parse_args(argv)


def fill(elastic, plan, processes):
    """Sends the whole plan; returns operations sent by sort."""
    found = elastic.request("GET", "/")["version"]["number"]
    if not found.startswith("5."):
        raise ElasticError(f"{elastic.url} is Elasticsearch {found}: the data of Trains 0.15.1 needs 5.x")
    indices = [event_index(kind) for kind in EVENT_KINDS]
    indices += [name(month) for month in MONTHS for name in (worker_index, queue_index)]
    taken = elastic.request("GET", "/_cat/indices?format=json&h=index")
    if clash := sorted({row["index"] for row in taken} & set(indices)):
        raise ElasticError(f"{elastic.url} already holds {clash[0]}: give me an empty node")
    templates.install(elastic)
    for index in (*indices, workers.EMPTY_INDEX):
        elastic.request("PUT", f"/{index}", {})
    everything = ",".join(indices)
    elastic.request("PUT", f"/{everything}/_settings", LOADING)
    sent = load.run(plan, phases.first(plan), elastic.url, processes)
    # Segments first, or the second phase would only change the buffer.
    elastic.request("POST", "/_refresh")
    sent += load.run(plan, phases.again(plan), elastic.url, processes)
    elastic.request("PUT", f"/{everything}/_settings", dict.fromkeys(LOADING))
    elastic.request("POST", "/_refresh")
    elastic.request("POST", "/_flush?wait_if_ongoing=true&force=true")
    if plan.tail_operations:
        tail = load.send(elastic, phases.operations(plan, ("tail",)))
        if sum(tail.values()) != plan.tail_operations:
            raise ElasticError(f"{sum(tail.values())} operations in the tail instead of {plan.tail_operations}")
        sent += tail
        # A refresh writes no commit: the operations stay in the translog.
        elastic.request("POST", "/_refresh")
    return sent


def write_files(options, plan, expected):
    """The files that were asked for."""
    if options.manifest:
        with open(options.manifest, "w", encoding="utf-8") as file:
            json.dump(expected, file, indent=1)
            file.write("\n")
    if options.tasks:
        with open(options.tasks, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in task_records(plan))
    if options.uploads:
        print(f"generate: {uploads.write(plan, options.uploads)} files in {options.uploads}")


def main(argv=None):
    options = arguments(argv)
    try:
        plan = make_plan(options.seed, options.documents, options.kill_tail, options.keys_twice)
    except ValueError as error:
        sys.exit(f"generate: {error}")
    expected = manifest(plan)
    write_files(options, plan, expected)
    if options.elastic:
        started = time.monotonic()
        elastic = Elastic(options.elastic)
        try:
            sent = fill(elastic, plan, options.processes)
            check(elastic, expected)
        except ElasticError as error:
            sys.exit(f"generate: {error}")
        seconds = time.monotonic() - started
        print(
            f"generate: {expected['documents']} documents of {len(plan.tasks)} tasks in {seconds:.1f} s, "
            f"{sum(sent.values()) / seconds:.0f} operations/s "
            f"({sent['bulk']} in bulk, {sent['single']} alone, {sent['delete']} deletions)"
        )


if __name__ == "__main__":
    main()
