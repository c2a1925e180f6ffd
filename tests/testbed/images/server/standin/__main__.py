"""`apiserver`, `webserver`, `fileserver` or `agent-services`: the command of a container decides what it is."""

import os
import signal
import sys

from . import agent, apiserver, fileserver, logs, webserver
from .releases import this_release
from .settings import Settings

ROLES = {
    "apiserver": apiserver.run,
    "webserver": webserver.run,
    "fileserver": fileserver.run,
    "agent-services": agent.run,
}


def main():
    # An agent's image has its role built in, as the real one has an entrypoint of its own.
    role = os.environ.get("STANDIN_ROLE") or (sys.argv[1] if len(sys.argv) == 2 else None)
    if role not in ROLES:
        sys.exit(f"usage: {' | '.join(ROLES)}")
    release = this_release()
    log = logs.set_up(release, role)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    log.info("%s %s %s (stand-in of the test bed)", release.product, release.version, role)
    try:
        ROLES[role](release, Settings(release), log)
    except Exception as error:
        log.error("%s", error, exc_info=True)
        sys.exit(1)


main()
