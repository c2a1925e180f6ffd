"""Elasticsearch nodes without docker (`tests/fixtures/lucene/node.sh`), as the program's temporary ones are set up."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "testbed/data"))
from elastic import Elastic, ElasticError  # noqa: E402

SCRIPT = TESTS / "fixtures/lucene/node.sh"
# As src/steps/node.rs has them.
SETTINGS = (
    "http.max_content_length=512mb",
    "indices.memory.index_buffer_size=30%",
    "indices.breaker.total.use_real_memory=false",
    "cluster.max_shards_per_node=10000",
    "cluster.routing.allocation.node_initial_primaries_recoveries=64",
    "action.auto_create_index=false",
)
# As src/steps/java.rs has it for short loads, whose choice matters for speed only.
JAVA = (
    "-XX:+IgnoreUnrecognizedVMOptions -XX:-UseConcMarkSweepGC -XX:-UseG1GC -XX:+UseParallelGC -XX:TieredStopAtLevel=1"
)


class Bare:
    """A node on a directory, gone after the `with` block; its log is beside the directory."""

    def __init__(self, version, data, port, settings=SETTINGS, java=JAVA):
        self.url = f"http://127.0.0.1:{port}"
        self.log = Path(f"{data}.log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [SCRIPT, "run", version, data, str(port), *settings],
                env={**os.environ, "ELASTICSEARCH_JAVA": java},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop(signal.SIGKILL)

    def wait(self, seconds=180):
        """Waits until it answers, and returns a connection to it."""
        elastic = Elastic(self.url, timeout=900)
        deadline = time.monotonic() + seconds
        while True:
            try:
                elastic.request("GET", "/_cluster/health?wait_for_status=yellow&timeout=5s")
                return elastic
            except (OSError, ElasticError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the node does not come up:\n{self.log.read_text()[-2000:]}") from None
                time.sleep(0.3)

    def stop(self, number=signal.SIGTERM):
        """Ends it, and returns when it has ended."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        self.process.wait(180)

    def ran_out_of_memory(self):
        """Whether Java said so."""
        return bool(re.search(r"OutOfMemoryError", self.log.read_text(errors="replace")))
