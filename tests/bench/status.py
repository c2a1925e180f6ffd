#!/usr/bin/env python3
"""How long `status` takes, and its memory, on journals of migrations with many indices: a journal that this program has left
on real servers (tests/golden), grown to as many notes as are asked for. Each index has the digest of an index whose 4,096
buckets are all in use. Many indices, and one index that has come far in many parts, each of which was noted: as it is written
today, with long notes in files, of which the last one of each index stays; and as up to November 2026, with all in the journal's
lines.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
import zlib

GOLDEN = os.path.join(os.path.dirname(__file__), "../golden/journals/elastic-copied.journal")
FULL = "".join(f"{bucket:03x}{7:08x}{bucket * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}" for bucket in range(4096))


def arguments(argv=None):
    parser = argparse.ArgumentParser(prog="tests/bench/status.sh", description=__doc__)
    parser.add_argument("--indices", type=int, default=1_200, metavar="N", help="default 1,200")
    parser.add_argument("--parts", type=int, default=6_400, metavar="N", help="notes of the one index, default 6,400")
    parser.add_argument("--rounds", type=int, default=5, metavar="R", help="measured runs, default 5")
    parser.add_argument("--json", metavar="FILE", help="also write the result as JSON")
    return parser.parse_args(argv)


def crc(text):
    return f"{zlib.crc32(text):08x}"


class Writer:
    """A journal that is written line by line."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(os.path.join(directory, ".clearml-migrate"))
        os.mkdir(os.path.join(directory, "elastic"))
        self.file = open(os.path.join(directory, ".clearml-migrate/elastic.journal"), "wb")
        self.number = 0
        self.run_id = None

    def record(self, record):
        self.number += 1
        self.run_id = record.get("run_id", self.run_id)
        text = json.dumps({"at": "2026-12-01T02:00:00Z", "record": record}, separators=(",", ":"), ensure_ascii=False)
        checked = f"{self.number} {text}".encode()
        self.file.write(f"v1 {self.number} {crc(checked)} ".encode() + text.encode() + b"\n")

    def note(self, key, value, in_a_file):
        if not in_a_file:
            return self.record({"kind": "note", "step": "copy_elastic", "key": key, "value": value})
        notes = os.path.join(self.directory, ".clearml-migrate", f"{self.run_id}.notes")
        os.makedirs(notes, exist_ok=True)
        text = json.dumps(value, separators=(",", ":")).encode()
        name = f"{self.number + 1}.json"
        with open(os.path.join(notes, name), "wb") as file:
            file.write(text)
        described = {"name": name, "bytes": len(text), "crc": crc(text)}
        self.record({"kind": "note_in_file", "step": "copy_elastic", "key": key, "file": described})


def golden():
    """The records in front of the first note on an index, and that note's value."""
    before = []
    with open(GOLDEN, encoding="utf-8") as journal:
        for line in journal:
            record = json.loads(line.split(" ", 3)[3])["record"]
            if record["kind"] == "note" and record["key"].startswith("index "):
                return before, record["value"]
            before.append(record)
    raise SystemExit("the golden journal has no note on an index")


def with_indices(directory, number, in_files):
    writer = Writer(directory)
    before, value = golden()
    for record in before:
        writer.record(record)
    value["outcome"]["digest"] = FULL
    for index in range(number):
        name = f"worker_stats_d1bd_{index:04d}"
        value["plan"]["index"] = value["outcome"]["index"] = name
        writer.note(f"index {name}", value, in_files)
    writer.file.close()


def with_parts(directory, number, in_files):
    writer = Writer(directory)
    before, value = golden()
    for record in before:
        writer.record(record)
    tally = {**value["outcome"], "digest": FULL}
    for part in range(1, number + 1):
        partial = {"index": "events-log-d1bd", "target": "id", "units": [], "tally": {**tally, "read": part}}
        writer.note("index events-log-d1bd", {"partial": partial}, in_files)
        if in_files and part < number:
            os.remove(os.path.join(directory, ".clearml-migrate", f"{writer.run_id}.notes", f"{writer.number}.json"))
    writer.file.close()


def one_round(program, directory):
    """Seconds by the clock, and the most memory that was resident, in bytes."""
    environment = {**os.environ, "CLEARML_MIGRATE_STATE_DIR": os.path.join(directory, "state")}
    command = [program, "status", "--source", os.path.join(directory, "elastic")]
    started = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    said = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0 or "1 of 4 steps are done" not in said:
        raise SystemExit(f"status ended with {process.returncode} and said:\n{said}")
    return seconds, usage.ru_maxrss * 1024


def measure(program, directory, rounds):
    one_round(program, directory)
    runs = [one_round(program, directory) for _ in range(rounds)]
    work = os.path.join(directory, ".clearml-migrate")
    size = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(work) for name in names)
    seconds = sorted(seconds for seconds, _ in runs)
    return {
        "bytes": size,
        "seconds": {"min": seconds[0], "median": statistics.median(seconds), "max": seconds[-1]},
        "peak_resident_bytes": max(memory for _, memory in runs),
    }


def main():
    options = arguments()
    program = os.environ["BENCH_PROGRAM"]
    forms = {
        f"{options.indices} indices": lambda at: with_indices(at, options.indices, True),
        f"{options.indices} indices, all in lines": lambda at: with_indices(at, options.indices, False),
        f"{options.parts} notes on one index": lambda at: with_parts(at, options.parts, True),
        f"{options.parts} notes on one index, all in lines": lambda at: with_parts(at, options.parts, False),
    }
    result = {"rounds": options.rounds, "journals": {}}
    directory = tempfile.mkdtemp(dir="/var/tmp", prefix="clearml-migrate-bench-")
    try:
        for number, (name, make) in enumerate(forms.items()):
            at = os.path.join(directory, str(number))
            make(at)
            one = result["journals"][name] = measure(program, at, options.rounds)
            shutil.rmtree(at)
            print(
                f"{name:<45} {one['bytes'] / 2**20:8.1f} MiB  {one['seconds']['median']:6.3f} s "
                f"({one['seconds']['min']:.3f} to {one['seconds']['max']:.3f})  {one['peak_resident_bytes'] / 2**20:5.1f} MiB of memory"
            )
    finally:
        shutil.rmtree(directory)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
