"""events.add and events.add_batch: from what a training script sends to documents in Elasticsearch."""

import datetime
import hashlib
import json
import time
import uuid

from . import database as db
from .errors import ApiError

LOG = "log"
EVENT_TYPES = {"log", "plot", "training_stats_scalar", "training_stats_vector", "training_debug_image"}
# An event with the same values of these is the same event: sent again, it replaces the one before.
IDENTITY = ("task", "iter", "metric", "variant", "key")


class EventWriter:
    """Writes events, and notes in their tasks what was reported last."""

    def __init__(self, elastic, tasks, release):
        self._elastic = elastic
        self._tasks = tasks
        self._marks_plots = not release.typed_elastic

    def add(self, call):
        """One event as the body -> `{added, errors, errors_info}`"""
        return self._write([call.data])

    def add_batch(self, call):
        """One event a line -> `{added, errors, errors_info}`"""
        try:
            return self._write([json.loads(line) for line in call.raw.decode().splitlines() if line.strip()])
        except ValueError as error:
            raise ApiError(400, 1, f"Invalid event batch: {error}") from error

    def _write(self, events):
        documents, by_task = [], {}
        for event in events:
            if event.get("type") not in EVENT_TYPES:
                raise ApiError(400, 1, f"Invalid event type: {event.get('type')!r}")
            event = self._completed(event)
            task = event["task"]
            by_task.setdefault(task, []).append(event)
            identity = uuid.uuid4().hex if event["type"] == LOG else event_id(event)
            documents.append((f"events-{event['type']}-{db.COMPANY}", "event", identity, task, event))
        for task in by_task:
            self._tasks.document(task)
        refused = []
        for index in sorted({document[0] for document in documents}):
            self._elastic.exists(index)
        if documents:
            refused = self._elastic.bulk_index(documents)
        for task, reported in by_task.items():
            self._tasks.reported(task, *_last_values(reported))
        reasons = {item["error"]["type"]: item["error"]["reason"] for item in refused}
        return {"added": len(documents) - len(refused), "errors": len(refused), "errors_info": reasons}

    def _completed(self, event):
        if not event.get("task"):
            raise ApiError(400, 1, "Event must have a 'task' field")
        event = dict(event)
        event["@timestamp"] = datetime.datetime.utcnow().isoformat(timespec="milliseconds") + "Z"
        event.setdefault("timestamp", int(time.time() * 1000))
        if event.get("iter") is not None:
            event["iter"] = int(event["iter"])
        if "values" in event:
            event["value"] = event.pop("values")
        event["metric"] = event.get("metric") or ""
        event["variant"] = event.get("variant") or ""
        if event["type"] == "plot" and self._marks_plots:
            event["valid_plot"] = _is_json(event.get("plot_str"))
        return event


def event_id(event):
    """MD5 over the identity that the event has, joined with dashes: unchanged from 0.9 to this day."""
    return hashlib.md5("-".join(str(event[name]) for name in IDENTITY if name in event).encode()).hexdigest()


def _is_json(text):
    try:
        json.loads(text)
        return True
    except (TypeError, ValueError):
        return False


def _last_values(events):
    """The last iteration, and for each scalar the fields of `last_metrics` to set."""
    iterations = [event["iter"] for event in events if event.get("iter") is not None]
    fields = {}
    for event in events:
        if event["type"] == "training_stats_scalar":
            names = [hashlib.md5(event[name].encode()).hexdigest() for name in ("metric", "variant")]
            value = {"metric": event["metric"], "variant": event["variant"], "value": event.get("value")}
            fields["last_metrics." + ".".join(names)] = value
    return max(iterations, default=None), fields
