"""How much room the program's copy takes on the disk of the target, against the bytes of live documents in the old data.

For each source (all kinds of index together, each kind by itself, one of which nine tenths were deleted, one whose lines are
nearly alike) and each version, a fresh node is filled by `bench-copy copy --data`, and its directory is looked at every 100 ms:
the blocks of all files, those of translogs apart. Sources are made by Elasticsearch 5.6.16 with tests/testbed/data.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from bare import JAVA, TESTS, Bare  # also makes the module `templates` known

import templates

PROGRAM = os.environ.get("BENCH_PROGRAM", "")
PORTS = {"source": 19600 + os.getpid() % 40 * 2, "target": 19700 + os.getpid() % 40 * 2}
EVERY_S = 0.1
KINDS = ("log", "training_stats_scalar", "training_stats_vector", "plot", "training_debug_image")
LOG = "events-log-d1bd92a3b039400cbafc60a7a5b1e52b"
MIB = 1 << 20


def say(text):
    print(f"space: {text}", file=sys.stderr, flush=True)


class Peak:
    """Looks at a directory until the `with` block ends; `most` is the most bytes that it had, and how they were made up."""

    def __init__(self, directory):
        self.directory = directory
        self.most = {"all": 0, "translog": 0, "rest": 0}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def look(self):
        """Bytes of the blocks of all files now: in translogs, and elsewhere."""
        found = [0, 0]
        for place, _, names in os.walk(self.directory):
            in_translog = place.endswith("/translog")
            for name in names:
                try:
                    found[not in_translog] += os.lstat(os.path.join(place, name)).st_blocks * 512
                except OSError:
                    pass
        return found

    def _watch(self):
        while not self._done.wait(EVERY_S):
            translog, rest = self.look()
            for name, now in (("all", translog + rest), ("translog", translog), ("rest", rest)):
                self.most[name] = max(self.most[name], now)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()


def index_directories(elastic):
    """Ids of the indices, which are the names of their directories, by name."""
    rows = elastic.request("GET", "/_cat/indices?format=json&h=index,uuid,docs.count")
    return {row["index"]: row["uuid"] for row in rows if int(row["docs.count"] or 0)}


def make(place, documents):
    """A data directory of so many documents, and the directories of its indices by name."""
    data = place / f"made-{documents}"
    with Bare("5.6.16", data, PORTS["source"], settings=(), java="") as node:
        elastic = node.wait()
        command = [sys.executable, TESTS / "testbed/data/generate.py", "--elastic", node.url]
        subprocess.run([*command, "--documents", str(documents), "--seed", "7"], check=True, stdout=sys.stderr)
        found = index_directories(elastic)
        node.stop()
    return data, found


def make_logs(place, documents, change):
    """A data directory with console lines only, which are nearly alike; then `change` is done to it."""
    data = place / f"lines-{documents}-{change.__name__}"
    with Bare("5.6.16", data, PORTS["source"], settings=(), java="") as node:
        elastic = node.wait()
        templates.install(elastic)
        elastic.request("PUT", f"/{LOG}", {})
        draw = random.Random(7)
        for start in range(0, documents, 5000):
            lines = [line for number in range(start, min(start + 5000, documents)) for line in progress_bar(number, draw)]
            body = "".join(json.dumps(line) + "\n" for line in lines)
            path = f"/{LOG}/event/_bulk?filter_path=errors"
            answer = elastic.request("POST", path, body.encode(), content_type="application/x-ndjson")
            assert answer == {"errors": False}, answer
        elastic.request("POST", "/_flush?wait_if_ongoing=true&force=true")
        change(elastic)
        elastic.request("POST", "/_flush?wait_if_ongoing=true&force=true")
        found = index_directories(elastic)
        node.stop()
    return data, found


def progress_bar(number, draw):
    """A line as training scripts print them by the thousand."""
    task, step = f"{number // 20000:032x}", number % 1000
    bar = "#" * (step // 25) + " " * (40 - step // 25)
    rate = draw.uniform(30, 40)
    level = "INFO" if number % 10 == 0 else "DEBUG"
    text = f"Epoch {number // 1000:4}: {step / 10:5.1f}%|{bar}| {step}/1000 [{step / rate:06.1f}s, {rate:5.2f}it/s, loss={draw.random():.4f}]"
    source = {"task": task, "worker": "gpu-1:0", "type": "log", "timestamp": 1592300000000 + number * 31, "level": level, "msg": text}
    yield {"index": {"_id": f"{draw.getrandbits(128):032x}", "_routing": task}}
    yield source


def nothing(_):
    """Leaves it as it is."""


def nine_tenths_deleted(elastic):
    """One segment, of which every tenth document is left."""
    elastic.request("POST", f"/{LOG}/_forcemerge?max_num_segments=1")
    elastic.request("POST", f"/{LOG}/_delete_by_query?refresh=true", {"query": {"term": {"level": "DEBUG"}}})


def part(place, data, uuids, name):
    """The same data with some of the indices only."""
    chosen = place / f"{data.name}-{name}"
    shutil.copytree(data, chosen, copy_function=os.link, ignore=lambda at, _: others(at, uuids))
    return chosen


def others(at, uuids):
    if not at.endswith("/indices"):
        return []
    return [name for name in os.listdir(at) if name not in uuids]


def sources(place, documents):
    """Name, data directory."""
    data, found = make(place, documents)
    yield "all kinds", data
    for kind in KINDS:
        uuid = next((uuid for name, uuid in found.items() if name.startswith(f"events-{kind}-")), None)
        if uuid:
            yield kind, part(place, data, [uuid], kind)
    months = [uuid for name, uuid in found.items() if name.startswith("worker_stats")]
    yield "worker_stats", part(place, data, months, "worker_stats")
    yield "lines nearly alike", make_logs(place, documents, nothing)[0]
    yield "nine tenths deleted", make_logs(place, documents, nine_tenths_deleted)[0]


def run(*arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def measure(place, version, data, heap):
    """Fills a fresh node, and returns what it took."""
    sizes = run("sizes", "--data", data)
    target = Path(tempfile.mkdtemp(prefix="target-", dir=place)) / "data"
    target.mkdir()
    os.chmod(target.parent, 0o755)
    with Peak(target) as peak, Bare(version, target, PORTS["target"], java=f"-Xms{heap} -Xmx{heap} {JAVA}") as node:
        node.wait()
        started = time.monotonic()
        copied = run("copy", "--data", data, "--target", node.url)["copied"]
        seconds = time.monotonic() - started
        node.stop()
    shutil.rmtree(target.parent)
    live = sizes["live_bytes"]
    return {
        "documents": copied, **sizes, "peak_bytes": peak.most["all"], "peak_translog_bytes": peak.most["translog"],
        "peak_rest_bytes": peak.most["rest"], "seconds": round(seconds, 1),
        "translog_ratio": round(peak.most["translog"] / live, 2), "rest_ratio": round(peak.most["rest"] / live, 2),
    }  # fmt: skip


def table(results):
    """The same as lines."""
    yield f"{'version':8} {'documents':>9} {'source':22} {'live':>9} {'peak':>9}   translog ÷ live   rest ÷ live"
    for one in results:
        live, peak = (f"{one[key] / MIB:.1f} MiB" for key in ("live_bytes", "peak_bytes"))
        yield (
            f"{one['version']:8} {one['documents']:9} {one['source']:22} {live:>9} {peak:>9}   "
            f"{one['translog_ratio']:15.2f}   {one['rest_ratio']:11.2f}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", default="5000,300000", help="how many, one after another (default: %(default)s)")
    parser.add_argument("--versions", default="7.6.2,7.17.29", help="targets (default: %(default)s)")
    parser.add_argument("--heap", default="1g", help="of the targets (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write the result there")
    parser.add_argument("--place", metavar="DIR", default="/var/tmp", help="where to work (default: %(default)s)")
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory(prefix="clearml-space-", dir=options.place) as name:
        place = Path(name)
        os.chmod(place, 0o755)
        for documents in map(int, options.documents.split(",")):
            for source, data in sources(place, documents):
                for version in options.versions.split(","):
                    one = {"version": version, "source": source, **measure(place, version, data, options.heap)}
                    results.append(one)
                    say(json.dumps(one))
    print("\n".join(table(results)))
    if options.json:
        Path(options.json).write_text(json.dumps({"heap": options.heap, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
