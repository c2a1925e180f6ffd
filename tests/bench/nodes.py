"""The two nodes: containers of the test bed's docker daemon, with the settings that the program itself gives to its own."""

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


SOURCE = Kind("source", "5.6.16", "1g", ())
TARGET = Kind(
    "target",
    "7.6.2",
    "2g",
    (
        ("http.max_content_length", "512mb"),
        ("indices.memory.index_buffer_size", "30%"),
        ("indices.breaker.total.use_real_memory", "false"),
        ("action.auto_create_index", "false"),
        ("reindex.remote.whitelist", "source:9200"),
    ),
)


def docker(*arguments):
    """Runs docker and returns what it prints."""
    done = subprocess.run(["docker", *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


class Container:
    """One node, gone after the `with` block."""

    def __init__(self, kind, directory, network="bridge"):
        self.kind = kind
        settings = {**COMMON, **dict(kind.settings), "ES_JAVA_OPTS": f"-Xms{kind.heap} -Xmx{kind.heap}"}
        alias = [] if network == "bridge" else ["--network-alias", kind.name]
        self.id = docker(
            *("run", "--detach", "--publish", "127.0.0.1::9200", "--network", network, *alias),
            *("--volume", f"{directory}:/usr/share/elasticsearch/data"),
            *(f"--env={name}={value}" for name, value in settings.items()),
            f"{REPOSITORY}:{kind.version}",
        )
        self.url = f"http://{docker('port', self.id, '9200/tcp').splitlines()[0]}"
        self.pid = int(docker("inspect", "--format", "{{.State.Pid}}", self.id))

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

    def __init__(self, cache, data):
        self.place = Path(tempfile.mkdtemp(prefix="run-", dir=cache))
        # The nodes' user must reach what is inside.
        self.place.chmod(0o755)
        self.network = f"clearml-bench-{os.getpid()}"
        subprocess.run(["cp", "--archive", "--reflink=auto", data / "data", self.place / "source"], check=True)
        self.source = self.target = None

    def __enter__(self):
        try:
            docker("network", "create", self.network)
            self.source = Container(SOURCE, self.place / "source", self.network)
            self._start_target()
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

    def _start_target(self):
        shutil.rmtree(self.target_data, ignore_errors=True)
        self.target_data.mkdir()
        os.chown(self.target_data, 1000, 1000)
        self.target = Container(TARGET, self.target_data, self.network)
        self.target.wait()

    def restart_target(self):
        """Replaces the target by a new one that has done nothing yet."""
        self.target.__exit__()
        self._start_target()

    def processes(self):
        """Process ids by name."""
        return {"source": self.source.pid, "target": self.target.pid}
