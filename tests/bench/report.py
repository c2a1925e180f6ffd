"""The result: a value that is written as JSON, and the table that people read."""

import json
import os
import platform
import statistics
from dataclasses import dataclass
from datetime import datetime, timezone

from nodes import SOURCE, TARGETS

PROCESSES = ("way", "source", "target")
# Ways that the others are compared with, where they were measured.
BASES = ("reindex-sequential", "reindex-parallel", "elasticdump", "bulk-ceiling")


@dataclass(frozen=True)
class Run:
    """One measured run of a way."""

    # Documents that arrived, per second.
    speed: float
    # Documents that did not arrive.
    missing: int
    # By process, `source`, `target`, and `way` if that is a program of its own: the peak of anonymous memory in bytes, and
    # processor time in seconds.
    peaks: dict
    seconds: dict


def summary(ways, runs, bench, options):
    """What is written as JSON. Of several variants of a way the one with the best median counts."""
    measured = {}
    for way in ways:
        speeds = [run.speed for run in runs[way.label]]
        peaks = {name: max(run.peaks.get(name, 0) for run in runs[way.label]) for name in PROCESSES}
        costs = {
            name: statistics.median(run.seconds.get(name, 0) for run in runs[way.label]) / bench.documents * 1e6
            for name in PROCESSES
        }
        one = {
            "documents_per_second": {"min": min(speeds), "median": statistics.median(speeds), "max": max(speeds)},
            "runs": speeds,
            # None where the nodes do all the work.
            "peak_anonymous_bytes": peaks.pop("way") or None,
            "peak_anonymous_bytes_of_nodes": peaks,
            "processor_microseconds_per_document": costs,
            "variant": way.variant or None,
            "documents_missing": max(run.missing for run in runs[way.label]),
        }
        best = measured.get(way.name)
        if not best or median(one) > median(best):
            measured[way.name] = one
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "documents": bench.documents,
        "rounds": options.rounds,
        "target_state": "fresh" if options.fresh else "warmed",
        "machine": machine(),
        "target": options.target,
        "nodes": {kind.name: {"version": kind.version, "heap": kind.heap} for kind in (SOURCE, TARGETS[options.target])},
        "ways": measured,
        "ratios_of_medians": {
            base: {name: median(one) / median(measured[base]) for name, one in measured.items()}
            for base in BASES
            if base in measured
        },
    }


def machine():
    """What the figures depend on besides the program."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    # What else ran: above the number of processors the absolute figures say little.
    return {
        "processors": len(os.sched_getaffinity(0)),
        "memory_bytes": memory,
        "kernel": platform.release(),
        "load_average": os.getloadavg(),
    }


def median(one):
    """The median speed of a way."""
    return one["documents_per_second"]["median"]


def table(result):
    """The result for people: a table in Markdown."""
    bases = list(result["ratios_of_medians"])
    head = ["way", "minimum", "median", "maximum", *(f"÷ {base}" for base in bases)]
    head += [f"{what} {name}" for what in ("µs", "MiB") for name in PROCESSES]
    rows = []
    for name, one in result["ways"].items():
        speeds = [f"{one['documents_per_second'][key]:,.0f}" for key in ("min", "median", "max")]
        ratios = [f"{result['ratios_of_medians'][base][name]:.2f}" for base in bases]
        costs = [f"{one['processor_microseconds_per_document'][name]:.1f}" for name in PROCESSES]
        peaks = [one["peak_anonymous_bytes"], *one["peak_anonymous_bytes_of_nodes"].values()]
        label = f"{name} ({one['variant']})" if one["variant"] else name
        rows.append([label, *speeds, *ratios, *costs, *map(mebibytes, peaks)])
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [_line(head, widths), "|" + "|".join(_rule(column, width) for column, width in enumerate(widths)) + "|"]
    lines += [_line(row, widths) for row in rows]
    machine = result["machine"]
    # With a target for each run, ways can name theirs.
    target = result["target"] + (" unless named" if result["target_state"] == "fresh" else "")
    about = (
        f"{result['documents']:,} documents, {result['rounds']} rounds, {result['target_state']} target ({target}), "
        f"{machine['processors']} processors, load {machine['load_average'][0]:.1f} at the end. Speeds in documents/s, ratios of "
        "medians, processor time in µs a document, peaks of anonymous memory in MiB."
    )
    missing = {name: one["documents_missing"] for name, one in result["ways"].items() if one["documents_missing"]}
    lost = [f"{name} left {count:,} documents behind." for name, count in missing.items()]
    return "\n".join([*lines, "", " ".join([about, *lost])])


def _line(cells, widths):
    first, *rest = (cell.rjust(width) for cell, width in zip(cells, widths))
    return f"| {' | '.join([first.strip().ljust(widths[0]), *rest])} |"


def _rule(column, width):
    return "-" * (width + 2) if column == 0 else "-" * (width + 1) + ":"


def mebibytes(count):
    """A number of bytes in MiB."""
    return "–" if count is None else f"{count / 2**20:,.0f}"


def write(result, file):
    """Writes the JSON."""
    with open(file, "w", encoding="utf-8") as out:
        json.dump(result, out, indent=1)
        out.write("\n")
