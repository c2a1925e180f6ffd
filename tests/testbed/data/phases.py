"""Which operations come in which order. A unit is what one process does in sequence; units of a phase are independent.

1. `first`: every document once, also those that will be deleted.
2. `again`: updates under the same id and deletions, after a refresh, so that segments carry deleted documents.
3. `tail`: what comes after the last flush, in one sequence, so that a killed node keeps it in its translog only.
"""

import itertools

import workers
from events import deletions, documents, keys_twice, sent_again
from names import EVENT_KINDS, LOG, SCALAR
from plan import MONTHS, tail_documents

# Documents of one unit at most: a long task is shared between processes.
SLICE = 20_000


def first(plan):
    """Units `(function name, *arguments)` of the first phase, see `operations`."""
    units = [("foreign",)]
    for number, task in enumerate(plan.tasks):
        if task.tail:
            continue
        for kind in EVENT_KINDS:
            amount = task.live.get(kind, 0) + task.doomed.get(kind, 0)
            units += [("new", number, kind, start, min(start + SLICE, amount)) for start in range(0, amount, SLICE)]
    for month in MONTHS:
        units += [("worker_stats", month), ("queue_metrics", month)]
    # The largest first: no process is left with a long one at the end.
    return sorted(units, key=lambda unit: unit[3] - unit[4] if unit[0] == "new" else 0)


def again(plan):
    """Units of the second phase."""
    twice = [("keys_twice",)] if plan.keys_twice else []
    return twice + [("again", number) for number, task in enumerate(plan.tasks) if not task.tail]


def operations(plan, unit):
    """The operations of one unit, in order."""
    match unit:
        case ("new", number, kind, start, end):
            return documents(plan.tasks[number], plan.seed, kind, range(start, end))
        case ("again", number):
            return _again(plan, plan.tasks[number])
        case ("worker_stats", month):
            return workers.worker_stats(plan, month)
        case ("queue_metrics", month):
            return workers.queue_metrics(plan, month)
        case ("keys_twice",):
            return keys_twice(plan.tasks[0], plan.seed, plan.keys_twice)
        case ("foreign",):
            return workers.foreign(plan)
        case ("tail",):
            return _tail(plan)
    raise ValueError(f"unknown unit {unit}")


def _again(plan, task):
    kept = _deleted_in_tail(plan) if task is plan.tasks[0] else 0
    for kind in EVENT_KINDS:
        live, doomed = task.live.get(kind, 0), task.doomed.get(kind, 0)
        yield from documents(task, plan.seed, kind, sent_again(kind, live), generation=1)
        yield from deletions(task, plan.seed, kind, range(live + (kept if kind == SCALAR else 0), live + doomed))


def _deleted_in_tail(plan):
    """How many scalars of the first task, flushed long before, only the tail deletes."""
    return min((plan.tail_operations - tail_documents(plan.tail_operations)) // 4, plan.tasks[0].doomed[SCALAR])


def _tail(plan):
    """New documents of the last task; its own and older ones again; older ones deleted; and some that come and go."""
    last, old = plan.tasks[-1], plan.tasks[0]
    for kind in EVENT_KINDS:
        yield from documents(last, plan.seed, kind, range(last.live[kind]))
    left = plan.tail_operations - tail_documents(plan.tail_operations)
    own, older = min(left // 4, last.live[SCALAR]), min(left // 4, old.live[SCALAR])
    gone = _deleted_in_tail(plan)
    yield from documents(last, plan.seed, SCALAR, range(own), generation=1)
    yield from documents(old, plan.seed, SCALAR, range(older), generation=2)
    yield from deletions(old, plan.seed, SCALAR, range(old.live[SCALAR], old.live[SCALAR] + gone))
    left -= own + older + gone
    come_and_go = range(last.live[LOG], last.live[LOG] + left // 2)
    yield from documents(last, plan.seed, LOG, come_and_go)
    yield from deletions(last, plan.seed, LOG, come_and_go)
    # An odd one out is one more update.
    yield from itertools.islice(documents(last, plan.seed, LOG, range(last.live[LOG]), generation=1), left % 2)
