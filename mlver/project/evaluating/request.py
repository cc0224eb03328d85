"""What is asked of an evaluation, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlver import names
from mlver.errors import UsageError
from mlver.project.evaluating.versions import ONE_VERSION, VersionChoice

EvaluationOutcome = Literal["evaluated", "failed", "planned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRequest:
    """What a person asked for: `command` measures a version on the data set called `on`.

    `metrics` and `samples` are files that the command writes, if not those it is told. `timeout`
    is in seconds.
    """

    on: str
    command: tuple[str, ...]
    message: str = ""
    timeout: float | None = None
    metrics: str | None = None
    samples: str | None = None
    choice: VersionChoice = ONE_VERSION
    dry_run: bool = False

    def __post_init__(self) -> None:
        names.check_text(self.message, "the message")
        if not self.command or not self.command[0]:
            raise UsageError(
                "evaluate needs the command that measures, behind `--`",
                hint="mlver evaluate REF --on NAME -- python evaluate.py",
            )
        for word in self.command:
            names.check_text(word, "the command")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedVersion:
    """What came of one version: it was `evaluated`, it `failed`, or on a dry run it is `planned`.

    `record` is the digest of the record at `path`. `untouched`: neither its files nor the data set
    were changed meanwhile. `fault` says why it failed, and `hints` are what to do about that.
    """

    version: str
    outcome: EvaluationOutcome
    metrics: Mapping[str, Any] = field(default_factory=dict)
    count: int | None = None
    samples: str | None = None
    untouched: bool | None = None
    duration: float | None = None
    sequence: int | None = None
    path: str | None = None
    record: str | None = None
    commit: str | None = None
    fault: str | None = None
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateResult:
    """`data` is the digest of the data set `on`. `measured` were measured on it already, and so
    left out, as were those that are `retired`.
    """

    model: str
    on: str
    data: str
    command: str
    versions: tuple[EvaluatedVersion, ...]
    measured: tuple[str, ...]
    retired: tuple[str, ...]
    dry_run: bool

    @property
    def has_failures(self) -> bool:
        return any(version.outcome == "failed" for version in self.versions)
