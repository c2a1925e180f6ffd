#!/usr/bin/env python3
"""Moves the same documents with two programs, an earlier one and this one, in turn, and compares them pair by pair.

Both fill the same warmed target, round by round; who begins alternates. Of each round there are the ratios of documents per
second, of the program's own processor time for each document, and of its memory: their medians say what has changed, whatever
else the machine did. Processor time decides where they disagree.
"""

import argparse
import json
import os
import signal
import statistics
import sys
from datetime import datetime, timezone

import bench
import data
import report
from nodes import TARGETS, Nodes
from ways import WAYS, Bench

# The release before the engine that copies was taken apart.
OLD = "7fc5be1"
COPIES = ("segments", "segments-verified", "scroll")


def arguments(argv):
    parser = argparse.ArgumentParser(prog="tests/bench/rounds.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", default=OLD, metavar="COMMIT", help=f"the earlier program, default {OLD}")
    parser.add_argument("--way", default="segments", choices=COPIES, help="what both do, default segments")
    parser.add_argument("--documents", type=int, default=1_000_000, metavar="N", help="default 1,000,000")
    parser.add_argument("--rounds", type=int, default=9, metavar="R", help="measured pairs, default 9")
    parser.add_argument("--json", metavar="FILE", help="also write the result as JSON")
    parser.add_argument("--show-old", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.documents < 100 or options.rounds < 1:
        parser.error("at least 100 documents and 1 round")
    return options


class Program(WAYS["segments"]):
    """One of the two programs."""

    def __init__(self, label, program, way):
        super().__init__(label)
        self._program, self._way = program, way

    def run(self, bench_, watch):
        usual, bench_.program = bench_.program, self._program
        try:
            self._way.run(bench_, watch)
        finally:
            bench_.program = usual


def measured(run, documents):
    """What counts of a run."""
    return {
        "documents_per_second": run.speed,
        "own_processor_microseconds_per_document": run.seconds.get("way", 0) / documents * 1e6,
        "peak_anonymous_bytes": run.peaks.get("way", 0),
    }


def summary(pairs, options, documents):
    """What is written as JSON: every pair, and the medians of the ratios, each this program's over the earlier one's."""
    rounds = [{label: measured(run, documents) for label, run in pair.items()} for pair in pairs]
    ratio = lambda key: [one["new"][key] / one["old"][key] for one in rounds if one["old"][key]]
    keys = list(rounds[0]["old"])
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "old": options.old,
        "profiles": {"old": os.environ["BENCH_PROFILE_OLD"], "new": os.environ["BENCH_PROFILE"]},
        "way": options.way,
        "documents": documents,
        "machine": report.machine(),
        "rounds": rounds,
        "medians": {label: {key: statistics.median(one[label][key] for one in rounds) for key in keys} for label in ("old", "new")},
        "median_of_paired_ratios": {key: statistics.median(ratio(key)) for key in keys if ratio(key)},
    }


def table(result):
    """The result for people."""
    lines = []
    for key, ratio in result["median_of_paired_ratios"].items():
        old, new = (result["medians"][label][key] for label in ("old", "new"))
        lines.append(f"{key}: {old:,.1f}, now {new:,.1f}; median of the paired ratios {ratio:.3f}")
    load = result["machine"]["load_average"][0]
    about = f"{result['documents']:,} documents, {len(result['rounds'])} rounds in turn of {result['way']}, {result['old']} and this program, load {load:.1f} at the end"
    return "\n".join([*lines, about])


def main(argv=None):
    options = arguments(argv)
    if options.show_old:
        print(options.old)
        return
    # Also then the nodes are taken away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cache = os.environ["BENCH_CACHE"]
    directory = data.make(cache, options.documents, bench.say)
    way = WAYS[options.way](options.way)
    programs = [Program("old", os.environ["BENCH_PROGRAM_OLD"], way), Program("new", os.environ["BENCH_PROGRAM"], way)]
    with Nodes(cache, directory, TARGETS["own"]) as nodes:
        both = Bench(nodes, directory, os.environ["BENCH_PROGRAM"], cache)
        bench.warm_up(both, programs, min(1_000_000, 2 * both.documents))
        pairs = []
        for number in range(options.rounds):
            order = programs if number % 2 == 0 else programs[::-1]
            pair = {program.label: bench.one_run(both, program) for program in order}
            pairs.append(pair)
            told = ", ".join(f"{label} {run.speed:,.0f}" for label, run in sorted(pair.items()))
            bench.say(f"round {number + 1} of {options.rounds}: {told} documents/s")
        result = summary(pairs, options, both.documents)
    print(table(result))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump(result, out, indent=1)
            out.write("\n")


if __name__ == "__main__":
    main()
