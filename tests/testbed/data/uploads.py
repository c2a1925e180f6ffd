"""The files behind the debug images of a few tasks, as the fileserver keeps them: small, real, and each its own."""

import itertools
import os
import struct
import zlib

from events import url_path
from names import IMAGE

TASKS_WITH_FILES = 5
FILES_PER_TASK = 40
ARTIFACT_BYTES = 300_000


def write(plan, directory):
    """Writes images, and one larger artifact per task, below `directory`; returns how many files."""
    written = 0
    with_images = (task for task in plan.tasks if task.live.get(IMAGE, 0))
    for task in itertools.islice(with_images, TASKS_WITH_FILES):
        for number in range(min(FILES_PER_TASK, task.live[IMAGE])):
            _write(directory, url_path(task, number), picture(number))
            written += 1
        artifact = f"{task.project}/{task.name}.{task.id}/artifacts/data/data.pkl"
        _write(directory, artifact, (task.id.encode() * ARTIFACT_BYTES)[:ARTIFACT_BYTES])
        written += 1
    return written


def picture(number, side=16):
    """A PNG of `side` by `side` grey pixels."""
    rows = b"".join(bytes([0, *((number * 7 + x * y) % 256 for x in range(side))]) for y in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _write(directory, path, content):
    target = os.path.join(directory, path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as file:
        file.write(content)
