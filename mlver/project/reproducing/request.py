"""What is asked of a reproduction, what is there for it, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlver import names
from mlver.errors import UsageError
from mlver.records.reproduction import (
    DEFAULT_TOLERANCE,
    ComparedValues,
    DifferingInput,
    ReproductionAnswer,
    ReproductionEnvironment,
)

PartState = Literal["present", "weaker", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproductionRequest:
    """`tolerance` is how far numbers may be apart and still count as equal, `timeout` in seconds.

    `environment` is a Python environment to use as it is, in place of one that is made.
    """

    message: str = ""
    tolerance: float = DEFAULT_TOLERANCE
    timeout: float | None = None
    environment: str | None = None
    dry_run: bool = False

    def __post_init__(self) -> None:
        names.check_text(self.message, "the message")
        if not (math.isfinite(self.tolerance) and self.tolerance >= 0):
            raise UsageError("--within takes a number that is not negative, such as 1e-6")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipePart:
    """One thing that a reproduction needs: `missing` stops it, `weaker` makes it prove less."""

    name: str
    state: PartState
    told: str

    @classmethod
    def present(cls, name: str, told: str) -> RecipePart:
        return cls(name=name, state="present", told=told)

    @classmethod
    def weaker(cls, name: str, told: str) -> RecipePart:
        return cls(name=name, state="weaker", told=told)

    @classmethod
    def missing(cls, name: str, told: str) -> RecipePart:
        return cls(name=name, state="missing", told=told)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproduceResult:
    """`parts` are what is there and what is missing; without an `answer`, nothing was run.

    `weights` is the digest of what came out, `differing` says in what it differs, and `inputs` what
    went in otherwise, or may have. The record lies at `path`.
    """

    model: str
    version: str
    parts: tuple[RecipePart, ...]
    command: tuple[str, ...]
    answer: ReproductionAnswer | None = None
    weights: str | None = None
    values: ComparedValues | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    differing: tuple[str, ...] = ()
    inputs: tuple[DifferingInput, ...] = ()
    environment: ReproductionEnvironment | None = None
    duration: float | None = None
    sequence: int | None = None
    path: str | None = None
    commit: str | None = None
    dry_run: bool = False

    @property
    def can_run(self) -> bool:
        return all(part.state != "missing" for part in self.parts)

    @property
    def exit_code(self) -> int:
        """1 where the same did not come out, or where nothing can be run."""
        if self.answer is None:
            return int(not self.can_run)
        return int(self.answer == "different")
