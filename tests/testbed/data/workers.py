"""Worker statistics and queue metrics, one index a month, and the indices that are there but not the server's.

The very last report stands alone in its second, at half past: Elasticsearch 5 and 7 disagree whether `lte` that second
includes it, and a comparison must see that by exactly one document.
"""

import calendar
import json

from events import WORKERS, Operation
from names import COMPANY, METRICS, STAT, automatic_id, queue_index, random_id, worker_index
from plan import MONTHS

MEASURES = (
    ("cpu", "cpu_usage", "%"),
    ("memory", "memory_used", "MB"),
    ("memory", "memory_free", "MB"),
    ("gpu", "gpu_usage", "%"),
    ("network", "network_rx", "KB/s"),
    ("disk", "disk_free_home", "GB"),
)
REPORT_MS = 30_000
# What the monitoring of the stock images leaves behind: not the server's, to be left where it is.
FOREIGN_INDEX = ".monitoring-es-6-2020.07.01"
FOREIGN_DOCUMENTS = 5
# An index without a document: it must be there afterwards all the same.
EMPTY_INDEX = queue_index("2020-03")


def _month_start(month):
    year, number = map(int, month.split("-"))
    return calendar.timegm((year, number, 1, 0, 0, 0)) * 1000


def worker_stats(plan, month):
    """The reports of one month: of every worker in turn, each report one document per measure."""
    amount, start, index = plan.worker_stats[month], _month_start(month), worker_index(month)
    per_worker = len(MEASURES)
    for number in range(amount):
        report, measure = divmod(number, per_worker)
        round_, worker = divmod(report, len(WORKERS))
        category, metric, unit = MEASURES[measure]
        milliseconds = start + round_ * REPORT_MS + worker * 100
        if month == MONTHS[-1] and number == amount - 1:
            milliseconds = start + (round_ + 1) * REPORT_MS + 5_500
        running = f'"task":"{plan.tasks[round_ % len(plan.tasks)].id}",' if round_ % 3 else ""
        # `company` is a string that no template names.
        source = (
            f'{{"timestamp":{milliseconds},"worker":"{WORKERS[worker]}","company":"{COMPANY}",{running}'
            f'"category":"{category}","metric":"{metric}","variant":"{measure % 2}",'
            f'"value":{(number * 37 % 1000) / 10},"unit":"{unit}"}}'
        )
        yield Operation(index, STAT, automatic_id(plan.seed, index, number), None, source)


def queue_metrics(plan, month):
    """The metrics of one month: of every queue in turn."""
    amount, start, index = plan.queue_metrics[month], _month_start(month), queue_index(month)
    queues = [random_id(plan.seed, "queue", number) for number in range(3)]
    for number in range(amount):
        round_, queue = divmod(number, len(queues))
        source = (
            f'{{"timestamp":{start + round_ * 60_000 + queue},"queue":"{queues[queue]}",'
            f'"average_waiting_time":{number * 7 % 600}.{number % 10},"queue_length":{number * 3 % 11}}}'
        )
        yield Operation(index, METRICS, automatic_id(plan.seed, index, number), None, source)


def foreign(plan):
    """Documents of another program's index on the same node."""
    for number in range(FOREIGN_DOCUMENTS):
        source = json.dumps({"type": "node_stats", "timestamp": "2020-07-01T00:00:00.000Z", "number": number})
        yield Operation(FOREIGN_INDEX, "doc", automatic_id(plan.seed, "foreign", number), None, source)
