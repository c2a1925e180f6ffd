"""What processes take while a way runs: anonymous memory (allocated, without the files that are mapped) and processor time."""

import os
import threading
import time
from collections import Counter
from pathlib import Path

INTERVAL_S = 0.05
# Descendants are looked for through all threads, of which a node has many: each time, that would take 2 % of two processors
# from those ways that leave none idle.
FAMILY_INTERVAL_S = 0.5
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def family(pid):
    """A process that still runs, and its descendants."""
    try:
        children = " ".join(file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:
        return []
    return [pid, *(one for child in children.split() for one in family(int(child)))]


def anonymous_bytes(pid):
    """The anonymous resident memory of a process; 0 once it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    # A process that is about to end has no memory any more.
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon:")), 0)


def processor_seconds(pid):
    """The processor time of a process and of its ended children; 0 once it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS_PER_SECOND


class Watched:
    """Watches processes by name while the `with` block runs; afterwards `peaks` are bytes and `seconds` processor time."""

    def __init__(self, processes):
        self.peaks, self.seconds = Counter(), Counter()
        self._processes = [(name, pid, processor_seconds(pid)) for name, pid in processes.items()]
        self._ended = Counter()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def add(self, name, pid):
        """Watches one more process, from its beginning; several of one name are counted together."""
        self._ended[name] = self.seconds[name]
        self._processes.append((name, pid, 0.0))

    def _sample(self):
        families, listed = {}, 0.0
        while not self._done.wait(INTERVAL_S):
            if time.monotonic() - listed > FAMILY_INTERVAL_S:
                families, listed = {}, time.monotonic()
            for name, pid, before in list(self._processes):
                if pid not in families:
                    families[pid] = family(pid)
                alive = families[pid]
                self.peaks[name] = max(self.peaks[name], sum(map(anonymous_bytes, alive)))
                seconds = self._ended[name] + sum(map(processor_seconds, alive)) - before
                self.seconds[name] = max(self.seconds[name], seconds)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()
