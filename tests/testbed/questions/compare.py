#!/usr/bin/env python3
"""Compares what two nodes answered to the questions of `ask.py`. Exit code 0 if they say the same, else 1.

The two questions that end at a whole second (`lte` with `format: epoch_second`) may differ by one document: Elasticsearch 5
counts the rest of that second, 7 does not.
"""

import argparse
import json
import sys

from answers import apart_by_documents, differences, is_empty, normal
from worker_questions import ROUNDED

MOST_SHOWN = 20


def load(path):
    """The record of a file, keyed by question."""
    with open(path, encoding="utf-8") as file:
        entries = json.load(file)
    record = {}
    for entry in entries:
        question = json.dumps([entry["index"], entry["question"]], sort_keys=True)
        record[entry["kind"], entry["about"], question] = normal(entry["answer"])
    return record


def compare(first, second):
    """`(kind, about, difference)` of all that is not equal, with an allowed rounding as the number of documents (1)."""
    for key in first.keys() | second.keys():
        kind, about, question = key
        if key not in first or key not in second:
            yield kind, about, f"asked of the {'first' if key in first else 'second'} only: {question[:300]}"
            continue
        found = list(differences(first[key], second[key]))
        if not found:
            continue
        if kind in ROUNDED and apart_by_documents(first[key], second[key]) == 1:
            yield kind, about, 1
        else:
            yield kind, about, "; ".join(found[:3])


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first")
    parser.add_argument("second")
    parser.add_argument("--allow-empty", action="store_true", help="a kind of question that found nothing is no failure")
    options = parser.parse_args(argv)
    first, second = load(options.first), load(options.second)
    found = sorted(compare(first, second), key=lambda difference: difference[:2])
    rounded = [difference for difference in found if difference[2] == 1]
    wrong = [difference for difference in found if difference[2] != 1]
    kinds = {key[0] for key in first}
    empty = sorted(kinds - {key[0] for key, answer in first.items() if not is_empty(answer)})
    print(
        f"compare: {len(kinds)} kinds, {len(first)} questions: {len(first) - len(found)} equal, "
        f"{len(rounded)} differ by one document as known, {len(wrong)} differ"
    )
    for kind, about, difference in wrong[:MOST_SHOWN]:
        print(f"  {kind}, {about}: {difference}")
    for kind, _, _ in rounded:
        print(f"  (one document: {kind})")
    if empty:
        print(f"  nothing was found by: {', '.join(empty)}")
    sys.exit(1 if wrong or not first or (empty and not options.allow_empty) else 0)


if __name__ == "__main__":
    main()
