"""Incidents: a bad version at a tenth of the traffic, until nobody meets it any more."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.harness import CHECKOUT, Bench, Cost, Row
from tests.benchmarks.workload import workload

_INCIDENT_S = 20.0
_GIT = {
    "user.name": "Kim",
    "user.email": "kim@example.org",
    "init.defaultBranch": "main",
    "protocol.file.allow": "always",
}


@workload("incident")
def end_incident(bench: Bench) -> Iterator[Row]:
    """A release that fails every other time: found, rolled back, deployed, with nobody typing.

    nginx, Prometheus with the rules of `mlver monitor`, Alertmanager and `mlver watch` are real.
    """
    environment = {**bench.env, "MLVER_TRUST_REMOTES": "all", "GIT_CONFIG_COUNT": str(len(_GIT))}
    for number, (name, value) in enumerate(_GIT.items()):
        environment[f"GIT_CONFIG_KEY_{number}"] = name
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    costs: list[Cost] = []
    for _ in range(bench.times(5)):
        with bench.scratch() as folder:
            words: list[str | Path] = [sys.executable, "-m", "tests.e2e.measured_incident", folder]
            costs.append(Cost(float(bench.run(words, CHECKOUT, env=environment)), 0))
    yield Row.of_seconds("a bad release, from its first answer to share 0", costs, _INCIDENT_S)
