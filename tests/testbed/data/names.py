"""What Trains 0.15.1 calls its indices, mapping types and document ids.

Sources: trains-server 0.15.1, `server/bll/event/event_bll.py` (ids, routing), `server/elastic/mappings` (types).
"""

import base64
import hashlib

# The company of every installation that nobody configured otherwise.
COMPANY = "d1bd92a3b039400cbafc60a7a5b1e52b"

EVENT = "event"
STAT = "stat"
METRICS = "metrics"

LOG = "log"
SCALAR = "training_stats_scalar"
VECTOR = "training_stats_vector"
PLOT = "plot"
IMAGE = "training_debug_image"

EVENT_KINDS = (LOG, SCALAR, VECTOR, PLOT, IMAGE)


def event_index(kind):
    """The one index that holds a company's events of one kind."""
    return f"events-{kind}-{COMPANY}"


def worker_index(month):
    """The index of worker statistics of one month, `YYYY-MM`."""
    return f"worker_stats_{COMPANY}_{month}"


def queue_index(month):
    """The index of queue metrics of one month, `YYYY-MM`."""
    return f"queue_metrics_{COMPANY}_{month}"


def random_id(*parts):
    """32 hex digits in the form of a random UUID, decided by `parts`: what the server gives to log lines and tasks."""
    digest = hashlib.md5("/".join(map(str, parts)).encode()).hexdigest()
    return f"{digest[:12]}4{digest[13:16]}a{digest[17:]}"


def event_id(task, *parts):
    """The id of every event but a log line: the same measurement sent again overwrites the one before."""
    return hashlib.md5("-".join((task, *map(str, parts))).encode()).hexdigest()


def automatic_id(*parts):
    """20 URL-safe characters of base64, as Elasticsearch makes for a document without an id, decided by `parts`."""
    return base64.urlsafe_b64encode(hashlib.sha1("/".join(map(str, parts)).encode()).digest()[:15]).decode()
