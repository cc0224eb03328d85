"""What a tool says about a forged registry, beside what it said about the honest one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_RUNNER = Path(__file__).with_name("run_commands.py")
_COMPLAINT = re.compile(
    r"warn|error|fail|invalid|missing|corrupt|modified|changed|deleted|not in cache|issue",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"https?://\S+")  # some have `error` in their host's name
_NUMBER = re.compile(r"[0-9a-f]{7,}|\d+")


@dataclass(frozen=True, slots=True)
class ToolCommand:
    """`label` is what the table calls it.

    A `check` may complain; any other command only answers, and its output is what people believe.
    """

    label: str
    words: Sequence[str]
    check: bool = True


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended and what it printed."""

    command: ToolCommand
    code: int
    out: str
    errors: str

    @property
    def complaints(self) -> set[str]:
        """Lines that sound like a complaint, without what differs from run to run."""
        lines = _ADDRESS.sub("", f"{self.out}\n{self.errors}").splitlines()
        return {_NUMBER.sub("#", line.strip()) for line in lines if _COMPLAINT.search(line)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOutcome:
    """What became of one forgery: who noticed it, and whether any answer is another one now."""

    kind: str
    forged: str
    arrival: str
    noticed: Sequence[str] = field(default_factory=tuple)
    believed: bool = False

    @property
    def verdict(self) -> str:
        if self.noticed:
            return f"noticed by {', '.join(self.noticed)}"
        return "not noticed" if self.believed else "without effect"


@dataclass(frozen=True, slots=True)
class ToolReport:
    """All that was tried with one tool.

    `purpose` says what the tool is for; `absent` why a kind does not apply to it, by kind.
    """

    name: str
    version: str
    purpose: str
    outcomes: Sequence[CaseOutcome]
    absent: Mapping[str, str]


def run_commands(
    python: Path, commands: Sequence[ToolCommand], place: Path, environment: Mapping[str, str]
) -> list[CommandResult]:
    """Run a tool's commands, each in a process of its own that has loaded the tool already."""
    done = subprocess.run(
        [os.fspath(python), os.fspath(_RUNNER)],
        input=json.dumps([list(command.words) for command in commands]),
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"{python}: {done.stderr}")
    results: list[CommandResult] = []
    for command, (code, out, errors) in zip(commands, json.loads(done.stdout), strict=True):
        results.append(CommandResult(command, code, out, errors))
    return results


def list_noticing(
    honest: Iterable[CommandResult], forged: Iterable[CommandResult], where: str = ""
) -> list[str]:
    """Name the commands that complain now, and did not about the honest registry."""
    labels: list[str] = []
    for before, after in zip(honest, forged, strict=True):
        louder = after.code not in (0, before.code)
        if after.command.check:
            louder = louder or not after.complaints <= before.complaints
        if louder:
            labels.append(f"`{after.command.label}`{where}")
    return list(dict.fromkeys(labels))


def is_believed(honest: Iterable[CommandResult], forged: Iterable[CommandResult]) -> bool:
    """Say whether any command that answers gives another answer than before."""
    for before, after in zip(honest, forged, strict=True):
        if not after.command.check and before.out != after.out:
            return True
    return False


def require_honest(results: Iterable[CommandResult]) -> None:
    """Fail where a tool complains about the honest registry already."""
    for result in results:
        if result.code:
            raise AssertionError(f"{result.command.label}: {result.out}{result.errors}")


def copy_folder(source: Path, target: Path) -> Path:
    """Copy a registry for one case."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)
    return target
