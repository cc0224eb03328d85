"""An application that answers with a model, its gateway and its users, in one process.

    python application.py TARGET ROUTE LOG

TARGET is the folder that `mlver deploy` wrote: the versions behind the links `stable` and `canary`
are loaded by `mlver.serving`, which switches while it runs. ROUTE is the HTTPRoute beside it, whose
weights say how many of a hundred requests the canary gets. Each answer goes to the log of
predictions in LOG.

The model is a number: the share of its answers that are wrong.
"""

from __future__ import annotations

import contextlib
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

import mlver.errors
import mlver.serving

A_SECOND = 60  # so many requests
POLL = 0.2  # seconds between two looks at the target


class WrongAnswer(Exception):
    """What the users get of a version that is bad."""


def read_model(weights: Path) -> float:
    return float((weights / "wrong-answers.txt").read_text())


def open_role(target: Path, role: Any, log: Path) -> Any:
    """The model behind a role; None while there is none."""
    with contextlib.suppress(mlver.errors.MlverError):
        return mlver.serving.load(
            "digits",
            stage="production",
            folder=target,
            role=role,
            loader=read_model,
            poll=POLL,
            metrics=False,
            log=log,
        )
    return None


def read_share(route: Path) -> float:
    """The part of the traffic that is not for `stable`."""
    (rule,) = yaml.safe_load(route.read_text())["spec"]["rules"]
    weights = {service["name"]: service["weight"] for service in rule["backendRefs"]}
    return weights.get("canary", 0) / sum(weights.values())


def answer(served: Any) -> str:
    """Answer one request; say by which version, and whether it was right."""
    with contextlib.suppress(WrongAnswer), served.predicting() as prediction:
        prediction.prediction = "seven"
        if random.random() < prediction.model:
            raise WrongAnswer
        return f"{prediction.version} right"
    return f"{prediction.version} wrong"


def follow_canary(canary: Any, target: Path, share: float, log: Path) -> Any:
    """Open the canary once it has a share, and close it once it has none."""
    if share and canary is None:
        return open_role(target, "canary", log)
    if not share and canary is not None:
        canary.close()
        return None
    return canary


def main(target: Path, route: Path, log: Path) -> None:
    stable, canary = open_role(target, "stable", log), None
    counts: Counter[str] = Counter()
    while True:
        share = read_share(route)
        canary = follow_canary(canary, target, share, log)
        served = canary if canary is not None and random.random() < share else stable
        counts[answer(served)] += 1
        if counts.total() == A_SECOND:
            said = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
            print(f"  answers: {said}", flush=True)
            counts.clear()
        time.sleep(0.8 / A_SECOND)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
