"""Sends the operations of a plan to the node from several processes, each with its own connection."""

import multiprocessing
import urllib.parse
from collections import Counter

import phases
from elastic import Elastic, ElasticError

BULK_BYTES = 2_000_000
BULK_OPERATIONS = 2_000


def run(plan, units, url, processes):
    """Sends all units; returns how many operations of each sort were sent: `bulk`, `single`, `delete`."""
    sent = Counter()
    with multiprocessing.Pool(processes, _start, (plan, url)) as pool:
        for part in pool.imap_unordered(_send_unit, units):
            sent += part
    return sent


_process = {}


def _start(plan, url):
    _process.update(plan=plan, elastic=Elastic(url))


def _send_unit(unit):
    try:
        return send(_process["elastic"], phases.operations(_process["plan"], unit))
    except ElasticError as error:
        raise ElasticError(f"{unit}: {error}") from None


def send(elastic, operations):
    """Sends operations in order: single lines with `_bulk`, sources of several lines as requests of their own."""
    sent, lines, size = Counter(), [], 0
    for operation in operations:
        source = operation.source
        if source is not None and ("\n" in source or "\r" in source):
            if lines:
                elastic.bulk(_body(lines))
                lines, size = [], 0
            _send_single(elastic, operation)
            sent["single"] += 1
            continue
        routing = f',"_routing":"{operation.routing}"' if operation.routing else ""
        verb = "delete" if source is None else "index"
        lines.append(f'{{"{verb}":{{"_index":"{operation.index}","_type":"{operation.kind}","_id":"{operation.id}"{routing}}}}}')
        size += len(lines[-1])
        if source is not None:
            lines.append(source)
            size += len(source)
        sent["delete" if source is None else "bulk"] += 1
        if size > BULK_BYTES or len(lines) > 2 * BULK_OPERATIONS:
            elastic.bulk(_body(lines))
            lines, size = [], 0
    if lines:
        elastic.bulk(_body(lines))
    return sent


def _body(lines):
    return ("\n".join(lines) + "\n").encode()


def _send_single(elastic, operation):
    path = "/".join(urllib.parse.quote(part, safe="") for part in (operation.index, operation.kind, operation.id))
    routing = f"?routing={operation.routing}" if operation.routing else ""
    elastic.request("PUT", f"/{path}{routing}", operation.source.encode())
