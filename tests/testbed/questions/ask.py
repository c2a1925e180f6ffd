#!/usr/bin/env python3
"""Asks a node the questions that the server asks and writes down the answers.

    ask.py --elastic http://localhost:9200 --dialect 5 --tasks tasks.ndjson -o before.json

Ask the old node in dialect 5 and the new one in dialect 7 about the same tasks, then `compare.py before.json after.json`.
"""

import argparse
import json
import sys

from event_questions import about_task
from node import Node, Refused
from worker_questions import about_workers

DEFAULT_COMPANY = "d1bd92a3b039400cbafc60a7a5b1e52b"


def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--elastic", required=True, metavar="URL")
    parser.add_argument("--dialect", required=True, type=int, choices=(5, 7), help="major version of the node")
    parser.add_argument("--tasks", required=True, metavar="FILE", help="one JSON object with an `id` a line")
    parser.add_argument("--sample", type=int, default=12, metavar="N", help="ask about N of the tasks, first and last among them")
    parser.add_argument("--company", default=DEFAULT_COMPANY)
    parser.add_argument("--pages", type=int, default=5, metavar="N", help="read at most N pages of a scroll")
    parser.add_argument("-o", "--output", required=True, metavar="FILE")
    return parser.parse_args(argv)


def sample(tasks, size):
    """`size` of the tasks, evenly spread, first and last among them."""
    if len(tasks) <= size or size < 2:
        return tasks[:size]
    return [tasks[number * (len(tasks) - 1) // (size - 1)] for number in range(size)]


def main(argv=None):
    options = arguments(argv)
    with open(options.tasks, encoding="utf-8") as file:
        tasks = [json.loads(line)["id"] for line in file if line.strip()]
    if not tasks:
        sys.exit(f"ask: {options.tasks} names no task")
    node = Node(options.elastic, options.dialect, options.pages)
    chosen = sample(tasks, options.sample)
    try:
        for task, other in zip(chosen, chosen[1:] + chosen[:1]):
            about_task(node, options.company, task, other)
        about_workers(node, options.company)
    except Refused as error:
        sys.exit(f"ask: {options.elastic}: {error}")
    with open(options.output, "w", encoding="utf-8") as file:
        json.dump(node.record, file, ensure_ascii=False, indent=1)
        file.write("\n")
    kinds = {entry["kind"] for entry in node.record}
    print(f"ask: {len(node.record)} questions of {len(kinds)} kinds about {len(chosen)} tasks")


if __name__ == "__main__":
    main()
