"""The documents of one task: console log, scalars, vectors, plots and debug images, as 0.15.1 stores them.

A document is decided by the seed, its task, kind, number and generation alone; generation 1 is the same measurement
sent again (same id, other content), so any process can make any document at any time.
"""

import base64
import random
import urllib.parse
from typing import NamedTuple

import odd
from names import EVENT, IMAGE, LOG, PLOT, SCALAR, VECTOR, event_id, event_index, random_id

METRICS = ("loss", "accuracy", "learning rate", "GPU memory", "точность")
VARIANTS = ("train", "validation", "test", "", "a/b c")
LEVELS = ("INFO", "INFO", "INFO", "WARNING", "ERROR", "DEBUG")
WORKERS = ("gpu-box-1:gpu0", "gpu-box-1:gpu1", "gpu-box-2:gpu0,1", "ноутбук")
FILES_HOST = "http://localhost:8081"
# Every so-many-th document of a kind is odd in a way that careless copying damages. Primes, so that every series gets some.
ODD_TEXT, ODD_NUMBER, EXTRA, PRETTY, AGAIN = 41, 31, 97, 401, 19


class Operation(NamedTuple):
    """One document to index (`source` is its JSON text), or to delete (`source` is None)."""

    index: str
    kind: str
    id: str
    routing: str | None
    source: str | None


def documents(task, seed, kind, numbers, generation=0):
    """Index operations for the documents `numbers` of one kind."""
    make, index = _MAKERS[kind], event_index(kind)
    rng = random.Random(f"{seed}-{task.id}-{kind}-{generation}-{numbers.start}")
    extras = odd.EXTRA_FIELDS
    for number in numbers:
        doc_id, source = make(task, seed, number, generation, rng)
        if number % EXTRA == 5:
            source = f"{source[:-1]},{extras[number // EXTRA % len(extras)]}}}"
        if number % PRETTY == 11:
            source = odd.pretty(source, number // PRETTY)
        yield Operation(index, EVENT, doc_id, task.id, source)


def deletions(task, seed, kind, numbers):
    """Delete operations for the documents `numbers` of one kind."""
    rng = random.Random(0)
    for number in numbers:
        doc_id, _ = _MAKERS[kind](task, seed, number, 0, rng)
        yield Operation(event_index(kind), EVENT, doc_id, task.id, None)


def keys_twice(task, seed, amount):
    """Log lines that name one key twice. Elasticsearch 5 takes them; 7 refuses such a source."""
    for number in range(amount):
        doc_id, source = random_id(seed, task.id, "twice", number), f'"level":"INFO","msg":"first","msg":"second {number}"'
        head = _head(task, LOG, task.created_ms + number, "", "", random.Random(number))
        yield Operation(event_index(LOG), EVENT, doc_id, task.id, f"{head},{source}}}")


def sent_again(kind, amount):
    """The numbers of documents that a task sends twice. Log lines have random ids: never."""
    return range(7, amount, AGAIN) if kind != LOG else range(0)


def url_path(task, number):
    """Where the fileserver keeps debug image `number` of a task, below its root."""
    metric, variant, iteration = _image(number)
    return f"{task.project}/{task.name}.{task.id}/metrics/{metric}/{variant}_{iteration:08d}.png"


def _head(task, kind, milliseconds, metric, variant, rng):
    worker = WORKERS[int(rng.random() * len(WORKERS))]
    return (
        f'{{"type":"{kind}","task":"{task.id}","timestamp":{milliseconds},"@timestamp":{milliseconds + 1500},'
        f'"worker":"{worker}","metric":"{metric}","variant":"{variant}"'
    )


def _log(task, seed, number, _generation, rng):
    # A line in twenty shares its millisecond with the one before.
    milliseconds = task.created_ms + 211 * (number - (number % 20 == 9)) + 1000
    if number % ODD_TEXT == 3:
        text = odd.MESSAGES[number // ODD_TEXT % len(odd.MESSAGES)]
    else:
        text = f'"Epoch {number // 50}: step {number} loss={rng.random():.6f} eta {int(rng.random() * 900)}s"'
    level = LEVELS[int(rng.random() * len(LEVELS))]
    source = f'{_head(task, LOG, milliseconds, "", "", rng)},"level":"{level}","msg":{text}}}'
    return random_id(seed, task.id, "log", number), source


def _number(number, rng):
    if number % ODD_NUMBER == 4:
        return odd.NUMBERS[number // ODD_NUMBER % len(odd.NUMBERS)]
    return repr(rng.gauss(0.5, 2.0))


def _series(number, metrics, variants):
    """Metric, variant and iteration of measurement `number`: all series advance side by side."""
    iteration, series = divmod(number, metrics * variants)
    return METRICS[series // variants], VARIANTS[series % variants], iteration


def _scalar(task, _seed, number, _generation, rng):
    metric, variant, iteration = _series(number, 4, 3)
    head = _head(task, SCALAR, task.created_ms + iteration * 1733 + number % 12, metric, variant, rng)
    source = f'{head},"iter":{iteration * 10},"value":{_number(number, rng)}}}'
    return event_id(task.id, iteration * 10, metric, variant), source


def _vector(task, _seed, number, _generation, rng):
    metric, variant, iteration = _series(number, 2, 2)
    values = ",".join(_number(number + i, rng) for i in range(8))
    head = _head(task, VECTOR, task.created_ms + iteration * 3000, metric, variant, rng)
    # An array under the name of a number field is as good as several numbers.
    return event_id(task.id, iteration, metric, variant), f'{head},"iter":{iteration},"value":[{values}]}}'


def _plot(task, _seed, number, generation, rng):
    metric, variant, iteration = _series(number, 3, 2)
    title = f'\\"title\\": \\"{metric} №{number}.{generation}\\"'
    if number in task.huge_plots and number % 3:
        # A picture inside the plot: one very long word that does not compress.
        picture = base64.b64encode(rng.randbytes(800_000 + 300_000 * (number % 4))).decode()
        plot = f'{{\\"layout\\": {{{title}, \\"images\\": [{{\\"source\\": \\"data:image/png;base64,{picture}\\"}}]}}}}'
    else:
        points = 100_000 if number in task.huge_plots else 5 + int(rng.paretovariate(1.0) * 20) % 900
        step = rng.random() / 7
        numbers = ", ".join(f"{i * step:.9f}" for i in range(points))
        plot = f'{{\\"data\\": [{{\\"y\\": [{numbers}], \\"type\\": \\"scatter\\"}}], \\"layout\\": {{{title}}}}}'
    head = _head(task, PLOT, task.created_ms + iteration * 60_000, metric, variant, rng)
    return event_id(task.id, iteration, metric, variant), f'{head},"iter":{iteration},"plot_str":"{plot}"}}'


def _image(number):
    return _series(number, 2, 3)


def _debug_image(task, _seed, number, generation, rng):
    metric, variant, iteration = _image(number)
    url = f"{FILES_HOST}/{urllib.parse.quote(url_path(task, number))}"
    milliseconds = task.created_ms + iteration * 9000 + number % 6 + 300 * generation
    head = _head(task, IMAGE, milliseconds, metric, variant, rng)
    source = f'{head},"iter":{iteration},"key":"{url.rsplit("/", 1)[-1]}","url":"{url}"}}'
    return event_id(task.id, iteration, metric, variant, url.rsplit("/", 1)[-1]), source


_MAKERS = {LOG: _log, SCALAR: _scalar, VECTOR: _vector, PLOT: _plot, IMAGE: _debug_image}
