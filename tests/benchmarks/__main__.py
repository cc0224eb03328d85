"""How fast mlver is, against what people would use instead.

    python -m tests.benchmarks                      everything, about half an hour
    python -m tests.benchmarks --quick              all on little data: it runs, and judges nothing
    python -m tests.benchmarks --only list --only version
    python -m tests.benchmarks --environments DIR   keep the virtual environments for the next time

Needs git, openssl, GNU find and a network to install mlver's dependencies and its peers from; 5 GB
below the temporary directory (TMPDIR). The table is Markdown on stdout. Exit code 1: a bar was
missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tests.benchmarks import (  # noqa: F401 - each registers its workloads
    audits,
    checkpoints,
    drills,
    files,
    finetunes,
    growth,
    histories,
    incidents,
    listing,
    memory,
    records,
    remotes,
    ssh,
    tables,
    tensors,
)
from tests.benchmarks.harness import CHECKOUT, Bench, Row, has_sha, say
from tests.benchmarks.workload import WORKLOADS


def main() -> int:
    asked = _arguments()
    rows: list[Row] = []
    with Bench.made(
        environments=asked.environments, quick=asked.quick, repeat=asked.repeat
    ) as bench:
        bench.install_checkout()
        for name in asked.only or WORKLOADS:
            say(name)
            for row in WORKLOADS[name](bench):
                say(_line(row))
                rows.append(row)
        sys.stdout.write(f"{_machine(bench)}\n\n{_table(rows)}\n")
    return int(any(row.met is False for row in rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", action="append", choices=WORKLOADS, metavar="NAME", help=", ".join(WORKLOADS)
    )
    parser.add_argument("--quick", action="store_true", help="little data")
    parser.add_argument(
        "--repeat", type=int, metavar="N", help="this many pairs of runs, whatever the workload"
    )
    parser.add_argument(
        "--environments", type=Path, metavar="DIR", help="make them there, and use them again"
    )
    return parser.parse_args()


def _table(rows: Iterable[Row]) -> str:
    head = [
        "| workload | mlver | peer | peer's | ratio: median (min–max) | bar | met |",
        "|---|--:|---|--:|--:|--:|---|",
    ]
    return "\n".join([*head, *map(_line, rows)])


def _line(row: Row) -> str:
    met = {None: "—", True: "yes", False: "**no**"}[row.met]
    cells = (row.workload, row.ours, row.peer, row.theirs, row.ratio, row.bar, met)
    return f"| {' | '.join(cells)} |"


def _machine(bench: Bench) -> str:
    """Everything without which numbers cannot be compared."""
    commit = bench.run(["git", "-C", CHECKOUT, "describe", "--always", "--dirty"]).strip()
    git = bench.run(["git", "--version"]).split()[2]
    load = ", ".join(f"{number:.1f}" for number in os.getloadavg())
    extent = ", quick: judges nothing" if bench.quick else ""
    return (
        f"{time.strftime('%Y-%m-%d %H:%M %Z')}, mlver {commit}{extent}: "
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, git {git}, load {load}"
    )


def _processor() -> str:
    try:
        told = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    name = next(
        (line.partition(": ")[2] for line in told.splitlines() if line.startswith("model name")),
        "unknown",
    )
    return f"{name} {'with' if has_sha() else 'without'} SHA instructions"


if __name__ == "__main__":
    sys.exit(main())
