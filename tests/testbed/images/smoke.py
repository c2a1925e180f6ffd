#!/usr/bin/env python3
"""The checks of smoke.sh that talk to a server: smoke.py CHECK URL [VERSION]."""

import base64
import json
import sys
import time
import urllib.error
import urllib.request

TESTS = ("EGRTCO8JMSIGI6S39GTP43NFWXDQOW", "x!XTov_G-#vspE*Y(h$Anm&DIc5Ou-F)jsl$PdOyj5wG1&E!Z8")
LINES, POINTS = 250, 300
T0 = 1_580_000_000_000


class Client:
    """Calls methods and unpacks the envelope."""

    def __init__(self, url):
        self.url = url
        self.authorization = None

    def call(self, method, body=None, raw=None):
        """(status, data or message)"""
        data = raw if raw is not None else json.dumps(body or {}).encode()
        request = urllib.request.Request(f"{self.url}/{method}", data, {"Content-Type": "application/json"})
        if self.authorization:
            request.add_header("Authorization", self.authorization)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            answer = json.load(error)
        code = answer["meta"]["result_code"]
        return code, answer["data"] if code == 200 else answer["meta"]["result_msg"]

    def get(self, method, **body):
        """The data; anything but 200 fails the check."""
        code, data = self.call(method, body)
        assert code == 200, f"{method}: {code} {data}"
        return data

    def basic(self, name, secret):
        self.authorization = "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()

    def log_in(self, name, secret):
        self.basic(name, secret)
        self.authorization = "Bearer " + self.get("auth.login")["token"]

    def wait(self, seconds=90):
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.get("server.info")
            except OSError:
                assert time.monotonic() < deadline, f"{self.url} does not answer"
                time.sleep(0.5)


def equal(found, wanted, what):
    assert found == wanted, f"{what}: found {found!r}, wanted {wanted!r}"


def events_of(task):
    log = [{"type": "log", "task": task, "timestamp": T0 + n, "level": "INFO", "msg": f"line {n} é"} for n in range(LINES)]
    scalars = [
        {"type": "training_stats_scalar", "task": task, "timestamp": T0 + n, "iter": n, "metric": "loss",
         "variant": variant, "value": n / 10}
        for n in range(POINTS) for variant in ("train", "val")
    ]  # fmt: skip
    plots = [
        {"type": "plot", "task": task, "timestamp": T0 + n, "iter": n, "metric": "cm", "variant": "all",
         "plot_str": json.dumps({"data": [n]})}
        for n in range(3)
    ]  # fmt: skip
    images = [
        {"type": "training_debug_image", "task": task, "timestamp": T0 + n, "iter": n, "metric": "img", "variant": "a",
         "key": f"{n}.png", "url": f"http://localhost:8081/{n}.png"}
        for n in range(4)
    ]  # fmt: skip
    return log + scalars + plots + images


def send(client, events):
    code, data = client.call("events.add_batch", raw="\n".join(map(json.dumps, events)).encode())
    assert code == 200 and data["added"] == len(events) and not data["errors"], (code, data)


def read_all(client, task, event_type):
    """Every event of a task, page after page."""
    page = client.get("events.get_task_events", task=task, event_type=event_type)
    found, total = page["events"], page["total"]
    while page["events"]:
        page = client.get("events.get_task_events", scroll_id=page["scroll_id"])
        found += page["events"]
    equal(len(found), total, f"{event_type} pages against total")
    return found


def shows(client, task):
    """What the user interface would show is what was sent."""
    equal({e["msg"] for e in read_all(client, task, "log")}, {f"line {n} é" for n in range(LINES)}, "log")
    log = client.get("events.get_task_log", task=task, batch_size=100)
    equal((log["returned"], log["total"]), (100, LINES), "first page of the log")
    equal(len(read_all(client, task, "training_stats_scalar")), 2 * POINTS, "scalars")
    histogram = client.get("events.scalar_metrics_iter_histogram", task=task)["loss"]
    equal(sorted(histogram), ["train", "val"], "variants")
    equal(histogram["val"]["x"], list(range(POINTS)), "iterations")
    assert abs(histogram["val"]["y"][30] - 3.0) < 1e-6, histogram["val"]["y"][30]
    coarse = client.get("events.scalar_metrics_iter_histogram", task=task, samples=30)["loss"]["val"]
    equal(len(coarse["x"]), 30, "points of a coarse histogram")
    timed = client.get("events.scalar_metrics_iter_histogram", task=task, key="timestamp")["loss"]["val"]
    equal(timed["x"][0], T0, "first moment")
    plots = client.get("events.get_task_plots", task=task, iters=2)
    equal((plots["total"], [p["iter"] for p in plots["plots"]]), (2, [2, 1]), "plots")
    images = client.get("events.debug_images", metrics=[{"task": task, "metric": "img"}], iters=2)["metrics"][0]
    equal([i["events"][0]["url"][-5:] for i in images["iterations"]], ["3.png", "2.png"], "images")


def fresh(client, version):
    """A new server: its release, its errors, one task from its events to its reset."""
    old = version == "0.15.1"
    equal(client.wait()["version"], version, "version")
    equal(client.call("debug.ping")[0], 404 if old else 200, "debug.ping")
    equal(client.call("login.supported_modes")[0], 404 if old else 200, "login.supported_modes")
    equal(client.get("auth.fixed_users_mode").get("server_errors"), None if old else {}, "server_errors")
    equal(client.call("tasks.get_all")[0], 401, "without credentials")
    client.basic("nobody", "nothing")
    equal(client.call("auth.login")[0], 401, "wrong credentials")
    client.log_in(*TESTS)
    task = client.get("tasks.create", name="smoke")["id"]
    other = "0" * 32
    client.get("testbed.put_tasks", tasks=[{"id": other, "name": "other", "created": T0}])
    equal(client.get("events.get_task_events", task=task)["total"], 0, "before anything was sent")
    for each in (task, other):
        send(client, events_of(each))
    # Sent again: everything but log lines replaces what was there.
    send(client, [event for event in events_of(task) if event["type"] != "log"])
    shows(client, task)
    equal(client.get("tasks.get_by_id", task=task)["task"]["last_iteration"], POINTS - 1, "last iteration")
    client.get("tasks.reset", task=task)
    for event_type in ("log", "training_stats_scalar", "plot", "training_debug_image"):
        equal(client.get("events.get_task_events", task=task, event_type=event_type)["total"], 0, "after the reset")
    shows(client, other)
    equal({t["id"] for t in client.get("tasks.get_all")["tasks"]}, {task, other}, "tasks")


def forgotten(client, _version):
    """0.16 or later on old data whose Elasticsearch nobody migrated: up, and refusing to work."""
    client.wait()
    equal(client.get("debug.ping"), {"msg": "ClearML server"}, "ping")
    equal(client.get("auth.fixed_users_mode")["server_errors"], {"missed_es_upgrade": True}, "server_errors")
    client.basic(*TESTS)
    equal(client.call("auth.login")[0], 500, "login")


def half_migrated(client, _version):
    """A migration failed after half of the tasks: nothing over HTTP says so, but the documents are neither old nor new."""
    client.wait()
    equal(client.get("auth.fixed_users_mode")["server_errors"], {}, "server_errors")
    client.log_in(*TESTS)
    first = client.get("tasks.get_all")["tasks"][0]
    equal(list(first["hyperparams"]), ["Args"], "hyperparams")
    equal(type(first["execution"]["artifacts"]), dict, "artifacts")
    assert "active_duration" not in first


def migrated(client, _version):
    """The finished schema, and fixed users: theirs is the password, the built-in user's keys are revoked."""
    client.wait()
    client.basic(*TESTS)
    equal(client.call("auth.login")[0], 401, "built-in user beside fixed users")
    client.log_in("jane", "secret 1")
    task = client.get("tasks.get_by_id", task="0" * 32)["task"]
    equal(list(task["hyperparams"]), ["Args"], "hyperparams")
    equal(type(task["execution"]["artifacts"]), dict, "artifacts")
    assert task["active_duration"] > 0


def refuses_schema(client, _version):
    """0.15.1 cannot read what a newer server has migrated."""
    client.wait()
    client.log_in(*TESTS)
    code, message = client.call("tasks.get_all")
    assert code == 500 and "do not exist on the document" in message, (code, message)


def main():
    check, url, version = (*sys.argv[1:], None)[:3]
    checks = (fresh, forgotten, half_migrated, migrated, refuses_schema)
    {c.__name__: c for c in checks}[check](Client(url), version)
    print(f"smoke: {check} {version or ''} ok")


if __name__ == "__main__":
    main()
