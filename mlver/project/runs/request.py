"""What a person asks for who has a training recorded, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mlver import names
from mlver.errors import UsageError
from mlver.records.run import RunOutcome
from mlver.records.values import Values

# A pipeline, a step and a batch are names that stand in tables.
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """Whatever is left out comes from `model.yaml`.

    `params` are KEY=VALUE words, and `param_values` what a program gives. `weights` is where the
    training writes them. That, `params_files`, `metrics_files` and `data` are paths as typed.
    Without `keeps_diff`, uncommitted changes of the code are not recorded.
    """

    model: str | None = None
    command: str | None = None
    message: str = ""
    weights: str | None = None
    params_files: Sequence[str] = ()
    metrics_files: Sequence[str] = ()
    params: Sequence[str] = ()
    param_values: Values = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: str | None = None
    pipeline: str | None = None
    step: str | None = None
    batch: str | None = None
    keeps_diff: bool = True
    dry_run: bool = False

    def __post_init__(self) -> None:
        names.check_text(self.message, "the message")
        names.check_text(self.command or "", "the command")
        for label, value in self.labels.items():
            names.check_label(label)
            names.check_text(value, f"the label {label}")
        for name in self.data:
            names.check_data_set(name)
        for option in ("pipeline", "step", "batch"):
            _check_name(getattr(self, option), f"--{option}")


def _check_name(text: str | None, option: str) -> None:
    if text is None:
        return
    names.check_text(text, option)
    if not text.strip() or not text.isprintable() or len(text) > _LONGEST_NAME:
        raise UsageError(f"{option} takes a name of 1 to {_LONGEST_NAME} letters on one line")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """`outcome` is `planned` on a dry run: then nothing was run or recorded.

    `record` is the digest of the record's bytes, and `commit` holds it, as `reference` names.
    `data` are digests by the names of data sets, `has_weights` says whether anything lies where the
    model's weights do, `has_versions` whether the model has any version, and `points` the rows of
    the curves. `remarks` say what could not be recorded.
    """

    model: str
    run: str
    reference: str
    outcome: RunOutcome | Literal["planned"]
    exit_code: int | None
    command: str | None
    duration: float | None
    params: int
    secrets: tuple[str, ...]
    metrics: Mapping[str, Any]
    points: int
    data: Mapping[str, str]
    weights: str | None
    has_weights: bool
    has_versions: bool
    dirty: bool
    diff: int | None
    pipeline: str | None
    step: str | None
    batch: str | None
    remarks: tuple[str, ...]
    record: str | None
    commit: str | None
    dry_run: bool
