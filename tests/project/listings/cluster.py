"""A Dask cluster of two workers over TCP, until the input ends. Writes the scheduler's address."""

from __future__ import annotations

import importlib
import sys


def run_cluster() -> None:
    """Run where distributed is installed, which is not where the tests run."""
    local_cluster = importlib.import_module("distributed").LocalCluster
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "protocol": "tcp"}
    with local_cluster(host="127.0.0.1", dashboard_address=None, **options) as cluster:
        sys.stdout.write(f"{cluster.scheduler_address}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    run_cluster()
