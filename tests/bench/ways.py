"""The ways that are compared. A new one is a class here and a line in `WAYS`.

A way moves every document of `bench.plans` from `bench.nodes.source` to `bench.nodes.target`, which has no index, and
leaves the indices flushed. `run(bench, watch)` tells `watch("way", pid)` of the process that does the work, if there is one.
"""

import concurrent.futures
import json
import queue
import subprocess
import threading
from pathlib import Path

import bodies
from data import GENERATOR  # also makes the module `elastic` known
from elastic import Elastic, ElasticError
from nodes import TARGETS

assert GENERATOR


class Bench:
    """What all ways share."""

    def __init__(self, nodes, directory, program, cache):
        self.nodes = nodes
        self.directory = directory
        self.program = program
        self.elasticdump = Path(cache) / "elasticdump/node_modules/.bin/elasticdump"
        self.bodies = directory / "bodies"
        listed = subprocess.run([program, "plans", "--source", nodes.source.url], check=True, stdout=subprocess.PIPE)
        # `{index, documents, creation}`, the largest index first.
        self.plans = json.loads(listed.stdout)
        self.documents = sum(plan["documents"] for plan in self.plans)

    def target(self):
        """A new connection to the target."""
        return Elastic(self.nodes.target.url, timeout=3600)

    def make_bodies(self, say):
        """Makes the prebuilt requests, once."""
        if not self.bodies.exists():
            say("making bulk requests, once")
            bodies.make(Elastic(self.nodes.source.url), self.plans, self.bodies)

    def empty_target(self):
        """Takes away what the last way left."""
        target = self.target()
        for row in target.request("GET", "/_cat/indices?format=json&h=index"):
            target.request("DELETE", f"/{row['index']}")

    def create(self, plan, load=True):
        """Makes a target index: with this program's settings for the load or, as upstream's script did, without refresh only."""
        creation = json.loads(json.dumps(plan["creation"]))
        if not load:
            del creation["settings"]["index"]["translog"]
        self.target().request("PUT", f"/{plan['index']}", creation)

    def finish(self, plan):
        """Makes everything durable and visible and takes the settings of the load away."""
        target, index = self.target(), plan["index"]
        loading = {"refresh_interval": None, "translog": {"durability": None, "flush_threshold_size": None}}
        target.request("PUT", f"/{index}/_settings", {"index": loading})
        target.request("POST", f"/{index}/_refresh")
        target.request("POST", f"/{index}/_flush?wait_if_ongoing=true&force=true")

    def missing_documents(self):
        """How many documents did not arrive."""
        target = self.target()
        found = (target.request("GET", f"/{plan['index']}/_count")["count"] for plan in self.plans)
        return self.documents - sum(found)


class Way:
    """One way, or one variant of it."""

    # Whether it is measured unless ways are named.
    USUAL = True
    # The target where each run has one of its own; nothing for the usual one.
    node = None
    needs_bodies = False
    # Known to leave documents behind and to say so, if at all, in passing.
    may_lose_documents = False

    def __init__(self, name, variant=""):
        self.name, self.variant = name, variant
        self.label = f"{name} ({variant})" if variant else name

    @classmethod
    def variants(cls):
        """The variants to be measured; the best one by its median stands for the way."""
        return [cls(cls.NAME)]

    @classmethod
    def missing(cls, bench):
        """Why the way cannot be measured here, if it cannot."""
        return None


class ReindexSequential(Way):
    """reindex-from-remote, index by index, pages of 1000: what upstream's script did"""

    NAME = "reindex-sequential"
    # Whether the indices have this program's settings for the load.
    LOAD = False

    def run(self, bench, watch):
        for plan in bench.plans:
            self.reindex(bench, plan)

    def reindex(self, bench, plan):
        """Lets the target fetch one index."""
        index = plan["index"]
        bench.create(plan, self.LOAD)
        remote = {"remote": {"host": "http://source:9200"}, "index": index, "size": 1000}
        # The source's mapping type must not come along.
        body = {"source": remote, "dest": {"index": index, "type": "_doc"}}
        answer = bench.target().request("POST", "/_reindex", body)
        if answer["failures"]:
            raise ElasticError(f"{index}: {answer['failures'][0]}")
        bench.finish(plan)


class ReindexParallel(ReindexSequential):
    """the same, all indices at once: the script's --parallel"""

    NAME = "reindex-parallel"

    def run(self, bench, watch):
        with concurrent.futures.ThreadPoolExecutor(len(bench.plans)) as pool:
            list(pool.map(lambda plan: self.reindex(bench, plan), bench.plans))


class ReindexParallelTuned(ReindexParallel):
    """the same, into indices with this program's settings for the load: what can be made of it"""

    NAME = "reindex-parallel-tuned"
    LOAD = True


class Elasticdump(Way):
    """elasticdump from npm, index by index, the better of two limits"""

    NAME = "elasticdump"
    LIMITS = (1000, 5000)
    # Whole numbers beyond 2^53 come out of JavaScript as others, which a field of type long then refuses.
    may_lose_documents = True

    @classmethod
    def variants(cls):
        return [cls(cls.NAME, f"limit {limit}") for limit in cls.LIMITS]

    @classmethod
    def missing(cls, bench):
        return None if bench.elasticdump.exists() else "it could not be installed"

    def run(self, bench, watch):
        for plan in bench.plans:
            bench.create(plan, load=False)
            places = [f"--input={bench.nodes.source.url}/{plan['index']}", f"--output={bench.nodes.target.url}/{plan['index']}"]
            limit = f"--limit={self.variant.split()[1]}"
            command = [bench.elasticdump, *places, "--type=data", limit, "--noRefresh", "--quiet"]
            run_watched(command, watch, stderr=subprocess.DEVNULL)
            bench.finish(plan)


class Scroll(Way):
    """this program's copy, the old node read with scrolls"""

    NAME = "scroll"
    OPTIONS = ()

    def old(self, bench):
        """Where it reads."""
        return ["--source", bench.nodes.source.url]

    def run(self, bench, watch):
        target = ["--target", bench.nodes.target.url]
        run_watched([bench.program, "copy", *self.old(bench), *target, *self.OPTIONS], watch)


class ScrollVerified(Scroll):
    """the same, and every document read back and compared"""

    NAME = "scroll-verified"
    USUAL = False
    OPTIONS = ("--verify",)


class Segments(Scroll):
    """this program's copy, the old data read from their files"""

    NAME = "segments"

    def old(self, bench):
        return ["--data", bench.directory / "data"]


class SegmentsVerified(Segments):
    """the same, and every document read back from the target's files and compared"""

    NAME = "segments-verified"

    def run(self, bench, watch):
        target = ["--target", bench.nodes.target.url, "--verify-files", bench.nodes.target_data]
        run_watched([bench.program, "copy", *self.old(bench), *target], watch)


class SegmentsVerifiedApi(Segments):
    """the same, and every document read back with a scroll and compared"""

    NAME = "segments-verified-api"
    USUAL = False
    OPTIONS = ("--verify",)


class BulkCeiling(Way):
    """prebuilt _bulk requests of 2 MB, the best of several numbers of connections: what the target can take"""

    NAME = "bulk-ceiling"
    CONNECTIONS = (2, 4, 8)
    needs_bodies = True

    @classmethod
    def variants(cls):
        return [cls(cls.NAME, f"{connections} connections") for connections in cls.CONNECTIONS]

    # Whether the indices have this program's settings for the load.
    LOAD = True

    def run(self, bench, watch):
        for plan in bench.plans:
            bench.create(plan, self.LOAD)
        waiting = queue.SimpleQueue()
        for request in bodies.listed(bench.bodies):
            waiting.put(request)
        failures = []
        connections = int(self.variant.split()[0])
        threads = [threading.Thread(target=self.send, args=(bench, waiting, failures)) for _ in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        for plan in bench.plans:
            bench.finish(plan)

    @staticmethod
    def send(bench, waiting, failures):
        """One connection."""
        target = bench.target()
        try:
            while not failures:
                index, file = waiting.get_nowait()
                path = f"/{index}/_bulk?filter_path=errors,items.*.error"
                answer = target.request("POST", path, file.read_bytes(), content_type="application/x-ndjson")
                if answer["errors"]:
                    raise ElasticError(f"{index}: {answer['items'][0]}")
        except queue.Empty:
            pass
        except ElasticError as error:
            failures.append(error)


class BulkPlain(BulkCeiling):
    """the same, into indices without refresh but with the usual translog"""

    NAME = "bulk-plain"
    USUAL = False
    LOAD = False


def run_watched(command, watch, stderr=None):
    """Runs a program to its good end."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr) as process:
        watch("way", process.pid)
        if code := process.wait():
            raise SystemExit(f"bench: {Path(command[0]).name} ended with exit code {code}")


WAYS = {
    way.NAME: way
    for way in (
        *(ReindexSequential, ReindexParallel, ReindexParallelTuned, Elasticdump),
        *(Scroll, Segments, SegmentsVerified, BulkCeiling),
        *(ScrollVerified, SegmentsVerifiedApi, BulkPlain),
    )
}


def is_way(word):
    """Whether a word of the command line is WAY or WAY@NODE."""
    name, _, node = word.partition("@")
    return name in WAYS and (not node or node in TARGETS)


def named(word):
    """The ways that a word of the command line stands for, and their class."""
    name, _, node = word.partition("@")
    ways = WAYS[name].variants()
    for way in ways:
        if node:
            way.node = TARGETS[node]
            way.name, way.label = f"{name}@{node}", f"{way.label}@{node}"
    return ways, WAYS[name]
