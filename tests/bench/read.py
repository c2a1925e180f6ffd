#!/usr/bin/env python3
"""Reads every document of a data directory as a user would to see whether all can be read, `export -o /dev/null`, on one
processor: checksums are verified, chunks decompressed, lines of bulk requests formatted and written. The files are in the
page cache. Each round counts by the clock and by processor time, which other work on the machine disturbs less.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import data


def arguments(argv):
    parser = argparse.ArgumentParser(prog="tests/bench/read.sh", description=__doc__)
    parser.add_argument("--documents", type=int, default=1_000_000, metavar="N", help="default 1,000,000")
    parser.add_argument("--rounds", type=int, default=5, metavar="R", help="measured runs, default 5")
    parser.add_argument("--data", metavar="DIR", help="a data directory of Elasticsearch 5, in place of generated data")
    parser.add_argument("--json", metavar="FILE", help="also write the result as JSON")
    return parser.parse_args(argv)


def export(program, directory, output, **options):
    processor = str(min(os.sched_getaffinity(0)))
    command = ["taskset", "--cpu-list", processor, program, "export", "--source", directory, "--output", output]
    return subprocess.Popen(command, **options)


def count(program, directory):
    """Documents, and bytes of their sources. Brings the files into the page cache, too."""
    documents = size = 0
    process = export(program, directory, "-", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for number, line in enumerate(process.stdout):
        if number % 2:
            documents += 1
            size += len(line) - 1
    if process.wait() != 0:
        raise SystemExit(f"{directory} cannot be read; see: {program} export -s {directory} -o /dev/null")
    return documents, size


def one_round(program, directory):
    """Seconds by the clock, and of processor time."""
    started = time.monotonic()
    process = export(program, directory, "/dev/null", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"the export ended with {process.returncode}")
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime


def main(argv=None):
    options = arguments(argv)
    say = lambda text: print(f"bench: {text}", file=sys.stderr, flush=True)
    program = os.environ["BENCH_PROGRAM"]
    directory = options.data or str(data.make(os.environ["BENCH_CACHE"], options.documents, say) / "data")
    documents, size = count(program, directory)
    rounds = [one_round(program, directory) for _ in range(options.rounds)]
    result = {"documents": documents, "source_bytes": size, "rounds": options.rounds}
    for name, seconds in zip(("clock", "processor"), zip(*rounds)):
        speeds = [documents / one for one in seconds]
        result[name] = {
            "seconds": [round(one, 3) for one in seconds],
            "documents_per_second": {"min": min(speeds), "median": statistics.median(speeds), "max": max(speeds)},
            "source_bytes_per_second": size / statistics.median(seconds),
        }
        speed, volume = result[name]["documents_per_second"], result[name]["source_bytes_per_second"]
        print(
            f"by {name + ' time':15} {speed['median']:>12,.0f} documents/s ({speed['min']:,.0f} to {speed['max']:,.0f}), "
            f"{volume / 1e6:,.0f} MB/s of source"
        )
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump(result, out, indent=1)
            out.write("\n")


if __name__ == "__main__":
    main()
