"""How long each step of a drill takes, and whether all of them fit into the time that there is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from mlver.findings import Finding


@dataclass(frozen=True, slots=True)
class DrilledStep:
    """A step of a rollback, and how many seconds it took."""

    name: str
    seconds: float


@dataclass(slots=True)
class StepTimer:
    """Times steps in their order."""

    steps: list[DrilledStep] = field(default_factory=list)

    @contextmanager
    def time_step(self, name: str) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self.steps.append(DrilledStep(name, round(time.monotonic() - begun, 3)))


def judge_time(
    subject: str, steps: tuple[DrilledStep, ...], within: int | None
) -> tuple[Finding, ...]:
    """Judge whether the steps took no longer than so many seconds, None for any time."""
    seconds = sum(step.seconds for step in steps)
    if within is None or seconds <= within:
        return ()
    message = f"took {seconds:,.0f} s to drill, and there are {within:,} s for it"
    return (Finding("record", subject, message),)
