#!/usr/bin/env python3
"""Reads every document of MongoDB's directories as a user would to see whether all can be read, `export -o /dev/null`, on
one processor. The files are in the page cache. The time is that of the processor, which other work on the machine disturbs
less than the clock.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys

from mongod import Mongod, bson, in_a_process_of_its_own, words

# Name, bytes of a document, compression.
SORTS = [
    ("snappy, 10 kB", 10000, "snappy"),
    ("snappy, 300 B", 300, "snappy"),
    ("zlib, 10 kB", 10000, "zlib"),
    ("zstd, 10 kB", 10000, "zstd"),
    ("none, 10 kB", 10000, "none"),
]


def arguments(argv):
    parser = argparse.ArgumentParser(prog="tests/bench/read_mongo.sh", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=300, metavar="N", help="of BSON in each directory, default 300")
    parser.add_argument("--rounds", type=int, default=5, metavar="R", help="measured runs, default 5")
    parser.add_argument("--json", metavar="FILE", help="also write the result as JSON")
    return parser.parse_args(argv)


def document(rng, pool, number, size):
    """A document of about so many bytes, with some fields of each kind."""
    found = {"_id": "%032x" % (number * 7919), "type": "training", "iterations": number, "published": True}
    left = size - 130
    field = 0
    while left > 0:
        text = pool[rng.randrange(len(pool))][: min(left, 60)]
        found["field%d" % field] = {"value": text, "number": field} if field % 3 else text
        left -= len(text) + (50 if field % 3 else 20)
        field += 1
    return found


def make(path, size, compressor, megabytes):
    rng = random.Random(size)
    pool = [words(rng, 12) for _ in range(2000)]
    server = Mongod(path, log_file="100MB")
    collection = server.create("backend.task", compressor)
    # They differ in their numbers and ids; a document of its own for each would take hours to make.
    bodies = [document(rng, pool, number, size) for number in range(200)]
    lengths = [len(bson(body)) for body in bodies]
    number = written = 0
    while written < megabytes * 1000000:
        number += 1
        body = bodies[number % len(bodies)]
        written += lengths[number % len(bodies)]
        collection.put(number, {**body, "_id": "%032x" % (number * 7919), "iterations": number})
        if number % 100000 == 0:
            server.checkpoint()
    server.stop()
    with open(path + "/made.json", "w") as file:
        json.dump({"documents": number, "bytes": written}, file)


def one_round(path):
    """Seconds of processor time."""
    processor = str(min(os.sched_getaffinity(0)))
    program = os.environ["BENCH_PROGRAM"]
    command = ["taskset", "--cpu-list", processor, program, "export", "--source", path, "--output", "/dev/null"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"the export ended with {process.returncode}: {said}")
    return usage.ru_utime + usage.ru_stime


def main(argv=None):
    options = arguments(argv)
    results = []
    for name, size, compressor in SORTS:
        path = os.path.join(os.environ["BENCH_CACHE"], f"mongo-{options.megabytes}-{size}-{compressor}")
        if not os.path.exists(path):
            print(f"bench: making {path}", file=sys.stderr, flush=True)
            shutil.rmtree(path + ".making", ignore_errors=True)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            in_a_process_of_its_own(lambda: make(path + ".making", size, compressor, options.megabytes))
            os.rename(path + ".making", path)
        with open(path + "/made.json") as file:
            made = json.load(file)
        # The first brings the files into the page cache.
        seconds = [one_round(path) for _ in range(options.rounds + 1)][1:]
        took = statistics.median(seconds)
        result = {"sort": name, **made, "processor_seconds": [round(one, 3) for one in seconds]}
        result["megabytes_per_second"] = round(made["bytes"] / took / 1e6)
        result["documents_per_second"] = round(made["documents"] / took)
        results.append(result)
        print("{sort:15} {megabytes_per_second:6} MB/s {documents_per_second:10} documents/s".format(**result), flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)
            file.write("\n")


main()
