"""The data directory that is read from: made once for each number of documents, by a real node, then only read."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from nodes import SOURCE, Container

GENERATOR = Path(__file__).resolve().parent.parent / "testbed/data"
sys.path.insert(0, str(GENERATOR))
SEED = 7


def make(cache, documents, say):
    """Returns the directory `data`, of a node that was stopped, with `documents` documents of the generator's mix."""
    # Another generator makes other data.
    recipe = hashlib.sha256()
    for file in sorted(GENERATOR.glob("*.py")):
        recipe.update(file.read_bytes())
    directory = Path(cache) / f"data-{documents}-{recipe.hexdigest()[:12]}"
    if directory.exists():
        return directory
    say(f"making {documents:,} documents, once")
    making = directory.with_suffix(".making")
    shutil.rmtree(making, ignore_errors=True)
    (making / "data").mkdir(parents=True)
    os.chown(making / "data", 1000, 1000)
    with Container(SOURCE, making / "data") as node:
        node.wait()
        command = [sys.executable, GENERATOR / "generate.py", "--elastic", node.url, "--documents", str(documents)]
        subprocess.run([*command, "--seed", str(SEED)], check=True, stdout=sys.stderr)
        node.stop()
    making.rename(directory)
    return directory
