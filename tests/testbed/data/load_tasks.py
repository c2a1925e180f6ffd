#!/usr/bin/env python3
"""Gives the tasks of `generate.py --tasks FILE` to the server stand-in, under the ids that their events name.

    load_tasks.py --server http://localhost:8008 --user jane --password 12345678 tasks.ndjson

A real server chooses the ids itself; the stand-in's `testbed.put_tasks` takes them, and keeps the tasks in `backend.task`.
"""

import argparse
import base64
import calendar
import hashlib
import json
import sys
import time
import urllib.error
import urllib.request

BATCH = 500


def put(server, user, password, body):
    """One call of `testbed.put_tasks`."""
    credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{server}/testbed.put_tasks", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=120) as response:
        return json.load(response)["data"]


def project_id(name):
    return hashlib.md5(name.encode()).hexdigest()


def as_stored(record):
    """A record in the words of the server: times are milliseconds, the project is an id."""
    created = calendar.timegm(time.strptime(record["created"], "%Y-%m-%dT%H:%M:%SZ")) * 1000
    task = {**record, "project": project_id(record["project"]), "created": created}
    if record["status"] != "created":
        task["started"] = created + 1000
    if record["status"] in ("completed", "stopped", "failed", "published", "closed"):
        task["completed"] = created + 3_600_000
    return task


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="http://localhost:8008", metavar="URL")
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("tasks", metavar="FILE")
    options = parser.parse_args(argv)
    with open(options.tasks, encoding="utf-8") as file:
        records = [json.loads(line) for line in file if line.strip()]
    projects = [{"id": project_id(name), "name": name} for name in sorted({record["project"] for record in records})]
    try:
        put(options.server, options.user, options.password, {"projects": projects})
        for start in range(0, len(records), BATCH):
            tasks = [as_stored(record) for record in records[start : start + BATCH]]
            put(options.server, options.user, options.password, {"tasks": tasks})
    except urllib.error.HTTPError as error:
        sys.exit(f"load_tasks: {options.server}: {error} {error.read()[:500].decode(errors='replace')}")
    except OSError as error:
        sys.exit(f"load_tasks: {options.server}: {error}")
    print(f"load_tasks: {len(records)} tasks in {len(projects)} projects")


if __name__ == "__main__":
    main()
