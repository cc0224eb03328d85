"""Every capability is complete: its files, its commands, its results, its page and its faults."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import mlver.features
from mlver.cli.app import COMMANDS, load_command
from tests.conftest import CHECKOUT
from tests.faults.operations import OPERATIONS

FEATURES = Path(mlver.features.__path__[0])
CAPABILITIES = sorted(folder.parent.name for folder in FEATURES.glob("*/__init__.py"))
# What a command prints is described by the schema of its result; these have one of another name.
_RESULT_NAMES = {
    "hook": ("hook", "install"),
    "diff": ("diff", "review"),
    "retire": ("retire", "empty"),
    "audit": ("audit", "dataaudit"),
    "revoke": ("approve",),
    "judge": ("judge", "verdictplan"),
    "score": ("score", "replay"),
    "log": ("log", "params"),
    "runs": ("runs", "shownrun", "comparedruns", "removedruns"),
    "push": ("push", "sentruns"),
    "pull": ("pull", "broughtruns"),
}


def commands_of(capability: str) -> list[str]:
    return [name for name, entry in COMMANDS.items() if entry.feature == capability]


def list_gaps(capability: str) -> list[str]:
    """What a capability lacks, in words; nothing where it is complete."""
    gaps = [
        f"no {name}"
        for name in ("cli.py", "screen.py")
        if not (FEATURES / capability / name).is_file()
    ]
    commands = commands_of(capability)
    if not commands:
        gaps.append("no command in mlver/cli/app.py")
    page = CHECKOUT / "docs/commands" / f"{capability}.md"
    text = page.read_text() if page.is_file() else ""
    if not text:
        gaps.append(f"no page docs/commands/{capability}.md")
    swept = {operation.argv[0] for operation in OPERATIONS}
    for command in commands:
        gaps += list_command_gaps(command, text, swept)
    return gaps


def list_command_gaps(command: str, page: str, swept: set[str]) -> list[str]:
    gaps = []
    if not re.search(rf"^#+ .*`?mlver {command}\b", page, re.MULTILINE):
        gaps.append(f"no heading for mlver {command} on its page")
    for result in _RESULT_NAMES.get(command, (command,)):
        if not (CHECKOUT / f"schemas/result-{result}.schema.json").is_file():
            gaps.append(f"no schemas/result-{result}.schema.json")
    parameters = inspect.signature(load_command(command).function).parameters
    if "dry_run" in parameters and command not in swept:
        gaps.append(f"mlver {command} writes, and no operation of the fault campaign runs it")
    return gaps


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_a_capability_lacks_nothing(capability: str) -> None:
    assert list_gaps(capability) == []


def test_every_command_belongs_to_a_capability_that_exists() -> None:
    assert {entry.feature for entry in COMMANDS.values()} == set(CAPABILITIES)


def test_what_is_missing_is_named() -> None:
    assert list_command_gaps("tag", "# `mlver list`\n", set()) == [
        "no heading for mlver tag on its page",
        "mlver tag writes, and no operation of the fault campaign runs it",
    ]
