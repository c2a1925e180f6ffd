"""How many documents of which kind belong to which task: decided by the seed and the wanted total, before any is made.

The total is met exactly: what is deleted again comes on top.
"""

import random
from dataclasses import dataclass, field

from names import COMPANY, EVENT_KINDS, IMAGE, LOG, PLOT, SCALAR, VECTOR, random_id

# 2020-04-06T00:00:00Z: everything happened in the three months before Trains 0.16 came out.
EPOCH_MS = 1_586_131_200_000
DAY_MS = 86_400_000
MONTHS = ("2020-04", "2020-05", "2020-06", "2020-07")

WORKER_STATS = "worker_stats"
QUEUE_METRICS = "queue_metrics"

SHARES = {LOG: 45, SCALAR: 37, VECTOR: 2, PLOT: 2, IMAGE: 5, WORKER_STATS: 7, QUEUE_METRICS: 2}
DOCUMENTS_PER_TASK = 330
MOST_TASKS = 3000
MOST_HUGE_PLOTS = 40
STATUSES = ("completed", "completed", "completed", "stopped", "failed", "published", "closed", "in_progress")
PROJECTS = ("Vision/Detection", "Речь и звук", "NLP 🤗", "Trains Examples", "tabular")


@dataclass
class Task:
    """One experiment. `live` are documents per event kind that stay, `doomed` those that are made and deleted again."""

    id: str
    name: str
    project: str
    status: str
    created_ms: int
    live: dict = field(default_factory=dict)
    doomed: dict = field(default_factory=dict)
    # Numbers of the plots that are larger than 1 MB.
    huge_plots: range = range(0)
    # All of its documents come after the last flush.
    tail: bool = False


@dataclass
class Plan:
    seed: int
    tasks: list
    # Documents per index of worker statistics and queue metrics, keyed by month.
    worker_stats: dict
    queue_metrics: dict
    # Operations after the last flush, see `tail.py`.
    tail_operations: int
    # Log lines of the first task with a key twice, on top of everything else.
    keys_twice: int

    @property
    def company(self):
        return COMPANY


def share(total, weights):
    """`total` split into whole numbers in proportion to `weights`, nothing lost to rounding."""
    whole = sum(weights)
    exact = [total * weight / whole for weight in weights]
    parts = [int(value) for value in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts


def tail_documents(operations):
    """How many of the operations after the last flush create a document that stays (the others update or delete)."""
    return operations * 6 // 10


def make_plan(seed, documents, tail_operations=0, keys_twice=0):
    """The plan for `documents` documents at the end. `tail_operations` of the operations come after the last flush;
    `keys_twice` documents with a key twice come on top."""
    rng = random.Random(f"plan-{seed}")
    in_tail = tail_documents(tail_operations)
    if documents < 100 + in_tail:
        raise ValueError(f"{documents} documents are too few: at least 100, and {in_tail} more for the tail")
    kinds = dict(zip(SHARES, share(documents - in_tail, list(SHARES.values()))))
    tasks = _tasks(rng, seed, max(8, min(MOST_TASKS, documents // DOCUMENTS_PER_TASK)))
    _spread(rng, tasks, kinds)
    if tail_operations:
        tasks.append(_last_task(seed, in_tail))
    monthly = (35, 30, 30, 5)
    return Plan(
        seed=seed,
        tasks=tasks,
        worker_stats=dict(zip(MONTHS, share(kinds[WORKER_STATS], monthly))),
        queue_metrics=dict(zip(MONTHS, share(kinds[QUEUE_METRICS], monthly))),
        tail_operations=tail_operations,
        keys_twice=keys_twice,
    )


def _tasks(rng, seed, count):
    tasks = []
    for number in range(count):
        project = PROJECTS[rng.randrange(len(PROJECTS))]
        tasks.append(
            Task(
                id=random_id(seed, "task", number),
                name=f"{project.split('/')[-1]} run {number:04d}",
                project=project,
                status=STATUSES[rng.randrange(len(STATUSES))],
                created_ms=EPOCH_MS + rng.randrange(80 * DAY_MS),
            )
        )
    return tasks


def _spread(rng, tasks, kinds):
    """Gives every task its documents: a few large experiments, many small ones, one with none, one deleted."""
    weights = [min(40.0, rng.paretovariate(1.2)) for _ in tasks]
    # One long experiment: enough lines to pass the 10,000 results that a search returns at most.
    weights[0] = sum(weights) / 8
    empty, deleted = len(tasks) - 1, len(tasks) - 2
    weights[empty] = weights[deleted] = 0
    for kind in EVENT_KINDS:
        for task, amount in zip(tasks, share(kinds[kind], weights)):
            task.live[kind] = amount
            task.doomed[kind] = amount // 25 if kind in (LOG, SCALAR, IMAGE) else 0
    tasks[empty].status = "created"
    tasks[deleted].doomed = {kind: 20 for kind in EVENT_KINDS}
    tasks[deleted].status = "failed"
    plots = tasks[0].live[PLOT]
    tasks[0].huge_plots = range(min(plots, MOST_HUGE_PLOTS, 2 + kinds[PLOT] // 300))


def _last_task(seed, documents):
    """The experiment that was running when the machine went down."""
    live = dict(zip(EVENT_KINDS, share(documents, [SHARES[kind] for kind in EVENT_KINDS])))
    return Task(
        id=random_id(seed, "task", "last"),
        name="running when the lights went out",
        project=PROJECTS[0],
        status="in_progress",
        created_ms=EPOCH_MS + 90 * DAY_MS,
        live=live,
        doomed={kind: 0 for kind in EVENT_KINDS},
        huge_plots=range(min(1, live[PLOT])),
        tail=True,
    )
