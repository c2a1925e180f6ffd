"""What must be on the node afterwards, from the plan alone; and the check that it is."""

import time

import workers
from elastic import ElasticError
from names import EVENT, EVENT_KINDS, LOG, METRICS, STAT, event_index, queue_index, worker_index


def manifest(plan):
    """Document counts per index, and per task and event kind; the tasks whose events are all gone."""
    tasks = {task.id: {kind: task.live.get(kind, 0) for kind in EVENT_KINDS} for task in plan.tasks}
    tasks[plan.tasks[0].id][LOG] += plan.keys_twice
    indices = {}
    for kind in EVENT_KINDS:
        count = sum(counts[kind] for counts in tasks.values())
        indices[event_index(kind)] = {"type": EVENT, "documents": count}
    for month, count in plan.worker_stats.items():
        indices[worker_index(month)] = {"type": STAT, "documents": count}
    for month, count in plan.queue_metrics.items():
        indices[queue_index(month)] = {"type": METRICS, "documents": count}
    indices[workers.EMPTY_INDEX] = {"type": METRICS, "documents": 0}
    return {
        "seed": plan.seed,
        "company": plan.company,
        "documents": sum(index["documents"] for index in indices.values()),
        "indices": indices,
        "foreign_indices": {workers.FOREIGN_INDEX: {"type": "doc", "documents": workers.FOREIGN_DOCUMENTS}},
        "tail_operations": plan.tail_operations,
        "keys_twice": plan.keys_twice,
        "tasks": tasks,
        "deleted_tasks": [t.id for t in plan.tasks if any(t.doomed.values()) and not any(t.live.values())],
    }


def task_records(plan):
    """One record per task for the server's own database, see `load_tasks.py`."""
    for task in plan.tasks:
        yield {
            "id": task.id,
            "name": task.name,
            "project": task.project,
            "status": task.status,
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(task.created_ms / 1000)),
        }


def check(elastic, expected):
    """Compares the node with the manifest. The node must have been refreshed."""
    wrong = []
    for name, index in {**expected["indices"], **expected["foreign_indices"]}.items():
        count = elastic.request("GET", f"/{name}/_count")["count"]
        if count != index["documents"]:
            wrong.append(f"{name}: {count} documents, {index['documents']} expected")
    if wrong:
        raise ElasticError("the node does not hold what was sent:\n  " + "\n  ".join(wrong))
