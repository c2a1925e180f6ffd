"""The two nodes: containers of the test bed's docker daemon. The target has the settings that the program gives to its temporary
one, those of a new server's, or others."""

import http.client
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = "docker.elastic.co/elasticsearch/elasticsearch"
COMMON = {
    "discovery.type": "single-node",
    "xpack.security.enabled": "false",
    "cluster.routing.allocation.disk.threshold_enabled": "false",
}


@dataclass(frozen=True)
class Kind:
    """What a node is. Its name is also its host name within the network of the pair."""

    name: str
    version: str
    heap: str
    settings: tuple
    java: tuple = ()


SOURCE = Kind("source", "5.6.16", "1g", ())
def target(heap="2g", java=(), **settings):
    """A target; names of settings have `_` for `.`, and `__` for `_`."""
    # So that reindex may fetch.
    settings = {"reindex_remote_whitelist": "source:9200", **settings}
    named = {name.replace("__", "\0").replace("_", ".").replace("\0", "_"): value for name, value in settings.items()}
    return Kind("target", "7.6.2", heap, tuple(named.items()), tuple(java))


# As the new server's compose file has it, but for the breaker that answers 429 in the middle of a parallel reindex.
STOCK = target(indices_breaker_total_use__real__memory="false")
# As src/steps/node.rs and src/steps/java.rs have it, with the heap of src/planner/estimate.rs.
OWN_HEAP = f"{min(os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') // 2, 4 << 30) >> 20}m"
OWN = {
    "http_max__content__length": "512mb",
    "indices_memory_index__buffer__size": "30%",
    "indices_breaker_total_use__real__memory": "false",
    "action_auto__create__index": "false",
}
COLLECTOR = ("-XX:+IgnoreUnrecognizedVMOptions", "-XX:-UseConcMarkSweepGC", "-XX:-UseG1GC", "-XX:+UseParallelGC")
QUICK = ("-XX:TieredStopAtLevel=1",)
LITTLE = ("-XX:InlineSmallCode=500", "-XX:FreqInlineSize=75", "-XX:MaxInlineLevel=5")
# The new server's, the program's for long, short and other loads, and its own with one thing changed.
TARGETS = {
    "stock": STOCK,
    "own": target(OWN_HEAP, COLLECTOR, **OWN),
    "own-short": target(OWN_HEAP, COLLECTOR + QUICK, **OWN),
    "own-middle": target(OWN_HEAP, COLLECTOR + LITTLE, **OWN),
    "own-collector-of-the-image": target(OWN_HEAP, **OWN),
    "own-heap-1g": target("1g", COLLECTOR, **OWN),
    "own-heap-2g": target("2g", COLLECTOR, **OWN),
    "own-buffer-10": target(OWN_HEAP, COLLECTOR, **OWN | {"indices_memory_index__buffer__size": "10%"}),
    "own-buffer-50": target(OWN_HEAP, COLLECTOR, **OWN | {"indices_memory_index__buffer__size": "50%"}),
}


def docker(*arguments):
    """Runs docker and returns what it prints."""
    done = subprocess.run(["docker", *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


class Container:
    """One node, gone after the `with` block."""

    def __init__(self, kind, directory, network="bridge"):
        self.kind = kind
        settings = {**COMMON, **dict(kind.settings), "ES_JAVA_OPTS": " ".join([f"-Xms{kind.heap}", f"-Xmx{kind.heap}", *kind.java])}
        alias = [] if network == "bridge" else ["--network-alias", kind.name]
        self.id = docker(
            *("run", "--detach", "--network", network, *alias),
            *("--volume", f"{directory}:/usr/share/elasticsearch/data"),
            *(f"--env={name}={value}" for name, value in settings.items()),
            f"{REPOSITORY}:{kind.version}",
        )
        # By its own address, as the program speaks to its temporary nodes, and the target to the source.
        network = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        address, pid = docker("inspect", "--format", network + " {{.State.Pid}}", self.id).split()
        self.url = f"http://{address}:9200"
        self.pid = int(pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["docker", "rm", "--force", "--volumes", self.id], stdout=subprocess.DEVNULL, check=False)

    def wait(self):
        """Waits until all shards are there."""
        deadline = time.monotonic() + 180
        address = urllib.parse.urlsplit(self.url)
        while True:
            try:
                connection = http.client.HTTPConnection(address.hostname, address.port, timeout=5)
                connection.request("GET", "/_cluster/health")
                health = json.load(connection.getresponse())
                if health.get("status") in ("green", "yellow") and not health["initializing_shards"]:
                    return
            except (OSError, http.client.HTTPException, json.JSONDecodeError):
                pass
            if time.monotonic() > deadline:
                raise TimeoutError(f"the {self.kind.name} node does not come up:\n{docker('logs', '--tail', 20, self.id)}")
            time.sleep(0.3)

    def stop(self):
        """Stops the node in good order."""
        docker("stop", "--time", "120", self.id)


class Nodes:
    """The pair, in a network of its own: `source` on a copy of the data, `target` on an empty directory."""

    def __init__(self, cache, data, target):
        self.place = Path(tempfile.mkdtemp(prefix="run-", dir=cache))
        # The nodes' user must reach what is inside.
        self.place.chmod(0o755)
        self.network = f"clearml-bench-{os.getpid()}"
        subprocess.run(["cp", "--archive", "--reflink=auto", data / "data", self.place / "source"], check=True)
        self.source = self.target = None
        self._kind = target

    def __enter__(self):
        try:
            docker("network", "create", self.network)
            self.source = Container(SOURCE, self.place / "source", self.network)
            self._start_target(self._kind)
            self.source.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for node in (self.source, self.target):
            if node:
                node.__exit__()
        subprocess.run(["docker", "network", "rm", self.network], stdout=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.place, ignore_errors=True)

    @property
    def target_data(self):
        """The target's data directory on this machine."""
        return self.place / "target"

    def _start_target(self, kind):
        shutil.rmtree(self.target_data, ignore_errors=True)
        self.target_data.mkdir()
        os.chown(self.target_data, 1000, 1000)
        self.target = Container(kind, self.target_data, self.network)
        self.target.wait()

    def restart_target(self, kind):
        """Replaces the target by a new one that has done nothing yet."""
        self.target.__exit__()
        self._start_target(kind)

    def processes(self):
        """Process ids by name."""
        return {"source": self.source.pid, "target": self.target.pid}
