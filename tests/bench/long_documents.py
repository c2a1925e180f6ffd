"""How much heap a long document takes of the node that it is written to.

Three documents of N MB are copied by `bench-copy copy --data` into fresh nodes with a heap of H. What is the largest N that passes,
and the smallest of which the node dies? Plots, as those are what servers have; Elasticsearch 5.6.16 takes 100 MB.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bare import JAVA, Bare
from space import PORTS, PROGRAM, index_directories, part, say

import templates

# Bytes of a document, in MB.
SIZES = (12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 64, 80, 99)
OF_EACH = 3


def plot(megabytes, number):
    """A document of a server's, JSON in JSON, of numbers that do not repeat. One sign of it is not of Latin-1, as in many a title:
    for its sake Java keeps two bytes for each of the others."""
    draw = random.Random(megabytes * OF_EACH + number)
    values, room = [], megabytes * 1_000_000 - 400
    while room > 0:
        values.append(f"{draw.random():.6f}")
        room -= 9
    text = '{"layout": {"title": "loss \u2192 0"}, "data": [{"y": [' + ",".join(values) + "]}]}"
    return {"task": f"{megabytes:032x}", "type": "plot", "metric": "m", "variant": "v", "iter": number, "plot_str": text}


def make(place):
    """A data directory with an index for each size."""
    data = place / "made"
    # The least http.max_content_length that takes the largest.
    with Bare("5.6.16", data, PORTS["source"], settings=("http.max_content_length=300mb",), java="-Xmx4g") as node:
        elastic = node.wait()
        templates.install(elastic)
        for size in SIZES:
            for number in range(OF_EACH):
                source = plot(size, number)
                body = json.dumps(source, ensure_ascii=False).encode()
                elastic.request("PUT", f"/events-plot-{size:032x}/event/{number}?routing={source['task']}", body)
        elastic.request("POST", "/_flush?wait_if_ongoing=true&force=true")
        found = index_directories(elastic)
        node.stop()
    return data, {size: found[f"events-plot-{size:032x}"] for size in SIZES}


def survives(place, version, heap, data):
    """Whether a fresh node takes what is in `data`."""
    with tempfile.TemporaryDirectory(prefix="target-", dir=place) as name:
        os.chmod(name, 0o755)
        target = Path(name) / "data"
        target.mkdir()
        with Bare(version, target, PORTS["target"], java=f"-Xms{heap}m -Xmx{heap}m {JAVA}") as node:
            node.wait()
            command = [PROGRAM, "copy", "--data", data, "--target", node.url]
            copy = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + 300
            while copy.poll() is None and node.process.poll() is None and not node.ran_out_of_memory():
                if time.monotonic() > deadline:
                    say(f"{version}, heap of {heap} MiB: neither done nor dead after five minutes, which counts as dead")
                    break
                time.sleep(0.2)
            passed = copy.poll() == 0
            copy.kill()
            copy.wait()
            return passed


def bounds(place, version, heap, parts):
    """The largest size that passes and the smallest that does not, found by halves."""
    passed, failed = 0, None
    left = list(SIZES)
    while left:
        size = left[len(left) // 2]
        if survives(place, version, heap, parts[size]):
            passed, left = max(passed, size), [one for one in left if one > size]
        else:
            failed, left = size, [one for one in left if one < size]
        say(f"{version}, heap of {heap} MiB: {size} MB {'passed' if passed >= size else 'died'}")
    return {"version": version, "heap_mib": heap, "passed_mb": passed, "died_mb": failed}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", default="7.6.2,7.17.29")
    parser.add_argument("--heaps", default="512,1024,2048", help="MiB (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write the result there")
    parser.add_argument("--place", metavar="DIR", default="/var/tmp", help="where to work (default: %(default)s)")
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory(prefix="clearml-long-", dir=options.place) as name:
        place = Path(name)
        os.chmod(place, 0o755)
        data, uuids = make(place)
        parts = {size: part(place, data, [uuid], str(size)) for size, uuid in uuids.items()}
        for version in options.versions.split(","):
            for heap in map(int, options.heaps.split(",")):
                results.append(bounds(place, version, heap, parts))
    for one in results:
        print(json.dumps(one))
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
