"""A failure, for people and for programs: what happened, and the next command to type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlver.errors import (
    InvalidDocument,
    MlverError,
    ObjectDamaged,
    ObjectMissing,
    UsageError,
    shell_command,
)
from mlver.findings import Finding, FindingKind
from mlver.git.process import GitFailed
from mlver.records import layout
from mlver.terminal.links import draw_hints
from mlver.terminal.sanitise import clean_lines
from mlver.terminal.screen import TextScreen
from mlver.terminal.words import shorten_digests

FailureKind = Literal[
    "usage",
    "refused",
    "invalid_document",
    "object_missing",
    "object_damaged",
    "git_failed",
    "interrupted",
    "bug",
]

# Every other error of mlver is a refusal.
_KINDS: dict[type[MlverError], FailureKind] = {
    UsageError: "usage",
    InvalidDocument: "invalid_document",
    ObjectMissing: "object_missing",
    ObjectDamaged: "object_damaged",
    GitFailed: "git_failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a command did not do what it was asked to.

    `hints` are the commands to type next, `findings` what is wrong, one by one, where the command
    found that.
    """

    kind: FailureKind
    message: str
    hints: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class ErrorResult:
    """What `--json` prints in place of the command's own result."""

    error: Failure


def describe_error(error: MlverError) -> Failure:
    return Failure(
        kind=_find_kind(error),
        message=error.message,
        hints=error.hints or _suggest_fix(error),
        findings=error.findings or _list_faults(error),
    )


def describe_interrupt(landed: tuple[str, ...]) -> Failure:
    """An interrupt (Ctrl-C), with the operations that were complete before it."""
    completed = [f", but `{operation}` is done" for operation in landed]
    return Failure(kind="interrupted", message=f"interrupted{''.join(completed)}")


def describe_bug(error: Exception, report: str | None) -> Failure:
    """A bug in mlver; `report` is the file with its traceback, where that could be saved."""
    message = f"this is a bug in mlver ({type(error).__name__}: {error}); please report it"
    if report is None:
        return Failure(kind="bug", message=message)
    return Failure(
        kind="bug",
        message=f"{message}, with {report}, which says where it happened",
        hints=(shell_command("cat", report),),
    )


def draw_failure(failure: Failure, screen: TextScreen) -> None:
    if failure.kind == "interrupted":
        screen.draw_line(failure.message)
        return
    first_line, *other_lines = clean_lines(shorten_digests(failure.message))
    screen.draw_line(("error: ", "bad"), first_line, hang=7)
    for line in other_lines:
        # A quoted text may look like a hint: only lines at the margin are mlver's own.
        indented_line = line if line.startswith(" ") else f"  {line}"
        screen.draw_line(indented_line, hang=2)
    draw_hints(failure.hints, screen, style="warn")


def _find_kind(error: MlverError) -> FailureKind:
    for error_class, kind in _KINDS.items():
        if isinstance(error, error_class):
            return kind
    return "refused"


def _list_faults(error: MlverError) -> tuple[Finding, ...]:
    """The faults of an invalid file, each as a finding."""
    if not isinstance(error, InvalidDocument):
        return ()
    kind: FindingKind = "working"
    if layout.is_record_path(error.where):
        kind = "record"
    elif error.where.startswith(f"{layout.ROOT}/"):
        kind = "settings"
    findings: list[Finding] = []
    for fault in error.faults:
        findings.append(Finding(kind, error.where, fault))
    return tuple(findings)


def _suggest_fix(error: MlverError) -> tuple[str, ...]:
    """What shows how a record came to be invalid, or checks settings again once they are fixed."""
    if not isinstance(error, InvalidDocument):
        return ()
    if error.where.startswith(".mlver/models/") and not error.where.endswith("/model.yaml"):
        return (shell_command("git", "log", "-p", "--", error.where),)
    if error.where.startswith(f"{layout.ROOT}/"):
        return ("mlver verify",)
    return ()
