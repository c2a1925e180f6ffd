#!/usr/bin/env python3
"""Moves the same documents again and again, each time in another way, and says how fast each way was.

All ways fill the same warmed target, in turn, round by round, so that whatever else the machine does falls on all of them. It
is a node as the program sets one up for a long load (own); --target stock takes one as the new server has it.
Each makes the indices with the same mappings, and is done when everything is flushed. Afterwards the target is counted: a way
that lost documents ends the run, unless it is known to lose some; then the result says how many.
"""

import argparse
import os
import signal
import sys
import time

import data
import report
from nodes import TARGETS, Nodes
from processes import Watched
from report import Run
from ways import WAYS, Bench, is_way, named


def arguments(argv):
    ways = "\n".join(f"  {name:24}{way.__doc__.splitlines()[0]}" for name, way in WAYS.items())
    parser = argparse.ArgumentParser(
        prog="tests/bench/run.sh",
        description=__doc__,
        epilog=f"ways:\n{ways}\n\nnodes: {', '.join(TARGETS)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("ways", nargs="*", metavar="WAY", help="what to measure; all but the last three unless named")
    parser.add_argument("--documents", type=int, default=1_000_000, metavar="N", help="default 1,000,000")
    parser.add_argument("--rounds", type=int, default=3, metavar="R", help="measured runs of each way, default 3")
    parser.add_argument("--json", metavar="FILE", help="also write the result as JSON")
    parser.add_argument("--target", default="own", metavar="NODE", choices=TARGETS, help="the target of all ways, default own")
    parser.add_argument("--fresh", action="store_true", help="a new target, not warmed, for every single run; WAY@NODE names its node")
    parser.add_argument("--list", action="store_true", help="only name the ways that would be measured")
    options = parser.parse_args(argv)
    if unknown := [word for word in options.ways if not is_way(word)]:
        parser.error(f"no such way: {unknown[0]}; there are: {', '.join(WAYS)}, each also as WAY@NODE")
    if not options.fresh and any("@" in word for word in options.ways):
        parser.error("without --fresh all ways share one target, so that there is no choosing it: WAY@NODE needs --fresh")
    if options.documents < 100 or options.rounds < 1:
        parser.error("at least 100 documents and 1 round")
    usual = [name for name, way in WAYS.items() if way.USUAL]
    options.ways = list(dict.fromkeys(options.ways)) or usual
    return options


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def one_run(bench, way):
    """Lets one way fill the empty target; returns what was measured."""
    bench.empty_target()
    with Watched(bench.nodes.processes()) as watched:
        started = time.monotonic()
        way.run(bench, watched.add)
        seconds = time.monotonic() - started
    missing = bench.missing_documents()
    if missing and not way.may_lose_documents:
        raise SystemExit(f"bench: {way.label}: {missing} documents did not arrive")
    return Run((bench.documents - missing) / seconds, missing, dict(watched.peaks), dict(watched.seconds))


def warm_up(bench, ways, documents):
    """Runs that do not count, until the virtual machines of both nodes have compiled what they use."""
    written = 0
    while written < documents:
        for way in ways:
            say(f"warming up: {way.label} {one_run(bench, way).speed:,.0f} documents/s")
            written += bench.documents


def measure(bench, ways, options):
    """Returns the runs by the label of the way."""
    if not options.fresh:
        warm_up(bench, ways, min(1_000_000, 2 * bench.documents))
    runs = {way.label: [] for way in ways}
    for number in range(options.rounds):
        # Each round begins with another way, so that none always follows the same one.
        first = number % len(ways)
        for way in ways[first:] + ways[:first]:
            if options.fresh:
                bench.nodes.restart_target(way.node or TARGETS[options.target])
            run = one_run(bench, way)
            runs[way.label].append(run)
            say(f"round {number + 1} of {options.rounds}: {way.label} {run.speed:,.0f} documents/s")
    return runs


def main(argv=None):
    options = arguments(argv)
    if options.list:
        print(*options.ways, sep="\n")
        return
    # Also then the nodes are taken away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cache = os.environ["BENCH_CACHE"]
    directory = data.make(cache, options.documents, say)
    with Nodes(cache, directory, TARGETS[options.target]) as nodes:
        bench = Bench(nodes, directory, os.environ["BENCH_PROGRAM"], cache)
        ways = []
        for name in options.ways:
            variants, kind = named(name)
            if reason := kind.missing(bench):
                say(f"{name} is left out: {reason}")
            else:
                ways += variants
        if any(way.needs_bodies for way in ways):
            bench.make_bodies(say)
        runs = measure(bench, ways, options)
        result = report.summary(ways, runs, bench, options)
    print(report.table(result))
    if options.json:
        report.write(result, options.json)


if __name__ == "__main__":
    main()
