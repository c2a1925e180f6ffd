"""Schema migrations, one per stamp, run in order at start like the real ones.

0.16.0, 0.17.0 and 1.0.2 change the documents of tasks as the real ones do; the others make a small change of their own, so
that a copy that was migrated half-way differs from the original and from the finished one.
"""

import hashlib

from .database import version_key

# What a release before 0.16 finds in a task; a document with anything else makes it fail, as its strict schema does.
KNOWN_TO_TRAINS = frozenset(
    "_id comment company completed created execution last_iteration last_metrics last_update last_worker "
    "last_worker_report metric_stats name output parent project published script started status status_changed "
    "status_message status_reason system_tags tags type user".split()
)


class MigrationFailed(Exception):
    """A migration stopped half-way."""


def apply_all(database, release, log, fail_in=None):
    """Runs what is newer than the last stamp. A database without documents only gets the stamps.

    `fail_in` names the migration that fails after half of its tasks, with whatever it wrote until then.
    """
    last, fresh = database.last_stamp(), database.is_empty()
    for version in release.stamps:
        if version_key(version) <= version_key(last):
            continue
        if not fresh:
            log.info("Applying migration %s", version)
            _migrate(database, version, fail=version == fail_in)
        database.stamp(version)


def _migrate(database, version, fail):
    tasks = database.backend["task"]
    every = list(tasks.find().sort("_id", 1))
    for number, task in enumerate(every):
        if fail and number >= len(every) / 2:
            break
        if change := CHANGES[version](task):
            tasks.update_one({"_id": task["_id"]}, {"$set": change})
    if fail:
        raise MigrationFailed(f"Migration {version} failed, aborting. Please restore backup.")
    if version == "1.0.2":
        database.backend["project"].update_many({"featured": {"$exists": False}}, {"$set": {"featured": 9999}})


def _parameters_to_sections(task):
    """0.16.0: every parameter `Section/name` also becomes an entry of a section."""
    sections = {}
    for key, value in (task.get("execution", {}).get("parameters") or {}).items():
        head, slash, tail = key.partition("/")
        section = head if slash else "Args"
        name = tail if section == "TF_DEFINE" and slash else key
        sections.setdefault(section, {})[name] = {"name": name, "section": section, "type": "legacy", "value": str(value)}
    return {"hyperparams": sections} if sections else {}


def _artifacts_by_key(task):
    """0.17.0: the list of artifacts becomes a map."""
    artifacts = task.get("execution", {}).get("artifacts")
    if not isinstance(artifacts, list):
        return {}
    by_key = {f"{hashlib.md5(a['key'].encode()).hexdigest()}_{a.get('mode', 'output')}": a for a in artifacts}
    return {"execution.artifacts": by_key}


def _duration(task):
    """1.0.2: how long the task ran."""
    if not (task.get("started") and task.get("completed")):
        return {}
    return {"active_duration": (task["completed"] - task["started"]).total_seconds()}


def _default(field, value):
    return lambda task: {} if field in task else {field: value}


CHANGES = {
    "0.12.1": _default("system_tags", []),
    "0.13.0": _default("tags", []),
    "0.14.0": _default("status_message", ""),
    "0.15.0": _default("status_reason", ""),
    "0.16.0": _parameters_to_sections,
    "0.16.1": _default("configuration", {}),
    "0.16.2": _default("runtime", {}),
    "0.17.0": _artifacts_by_key,
    "1.0.0": _default("models", {"input": [], "output": []}),
    "1.0.2": _duration,
}
