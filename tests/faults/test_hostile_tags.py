"""Tags, links and plans made by somebody who means harm."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Repository
from tests.faults.hostile import (
    WRITING,
    check_all_commands,
    check_outcome,
)

# -- tags ------------------------------------------------------------------------------------------


def _move(victim: Repository) -> None:
    victim.git("tag", "-f", "-a", "-m", "mine", "m@v1.0.0", "HEAD")


def _lighten(victim: Repository) -> None:
    victim.git("update-ref", "refs/tags/m@v1.0.0", "HEAD")


def _rename(victim: Repository) -> None:
    victim.git("update-ref", "refs/tags/m@v1.0.0", victim.git("rev-parse", "refs/tags/m@v1.1.0"))


def _before(victim: Repository) -> None:
    message = victim.git("tag", "-l", "--format=%(contents)", "m@v1.0.0")
    victim.git(
        "tag",
        "-f",
        "-a",
        "-m",
        message,
        "m@v1.0.0",
        victim.git("rev-list", "--max-parents=0", "HEAD"),
    )


def _blob(victim: Repository) -> None:
    victim.git("update-ref", "refs/tags/m@v1.0.0", victim.git("rev-parse", "HEAD:README.md"))


def _replace(victim: Repository) -> None:
    """A replacement reference that shows another tag's object in this one's place."""
    own, other = (
        victim.git("rev-parse", f"refs/tags/m@v{version}") for version in ("1.0.0", "1.1.0")
    )
    victim.git("update-ref", f"refs/replace/{own}", other)


@pytest.mark.parametrize("forge", [_move, _lighten, _rename, _before, _blob])
def test_a_forged_tag_is_named(
    victim: Repository, outside: Path, forge: Callable[[Repository], None]
) -> None:
    forge(victim)
    check_outcome(victim.mlver("verify", "--all"), 1)
    check_all_commands(victim, outside)


def test_a_replacement_reference_deceives_nobody(victim: Repository, outside: Path) -> None:
    _replace(victim)
    check_outcome(victim.mlver("verify", "--all"), 0)
    check_all_commands(victim, outside)


def test_a_tag_message_with_control_characters(victim: Repository, outside: Path) -> None:
    victim.git("tag", "-f", "-a", "-m", "\x1b[2J\u202e", "m@v1.0.0", "HEAD")
    victim.git("tag", "-a", "-m", "x\x1b[2J\n\nMlver-Record: sha256:" + "0" * 64, "o@v1.0.0")
    check_all_commands(victim, outside)


# -- links and plans -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    [
        ".mlver",
        ".mlver/models",
        ".mlver/models/m",
        ".mlver/models/m/versions",
        ".mlver/manifests",
        ".mlver/models/m/stages",
    ],
)
def test_records_behind_a_symlink_write_nothing_outside(
    victim: Repository, outside: Path, place: str
) -> None:
    path = victim.path / place
    path.rename(outside / "moved")
    path.symlink_to(outside / "moved")
    check_all_commands(victim, outside)


@pytest.mark.parametrize(
    "place", ["objects", "packs", "tmp", "quarantine", "state.db", "lock", "intent.json", ""]
)
def test_a_store_behind_a_symlink_writes_nothing_outside(
    victim: Repository, outside: Path, place: str
) -> None:
    path = victim.path / ".git/mlver" / place
    if path.exists():
        path.rename(outside / "moved")
    path.symlink_to(outside / "moved")
    victim.write("model.bin", b"x" * (1 << 20))
    check_all_commands(victim, outside)


def test_a_working_file_that_is_a_symlink_is_replaced_and_not_followed(
    victim: Repository, outside: Path
) -> None:
    (victim.path / "model.bin").unlink()
    (victim.path / "model.bin").symlink_to(outside / "precious.txt")
    check_all_commands(
        victim, outside, (("checkout", "m@1.0.0", "--force"), ("checkout", "m@1.1.0", "--force"))
    )


@pytest.mark.parametrize("place", ["outside", "outside/new"])
def test_a_plan_that_came_with_the_repository_writes_nothing_outside(
    victim: Repository, outside: Path, place: str
) -> None:
    told = {
        "format": 3,
        "what": "a favour \x1b[2J",
        "pid": 1,
        "top": str(outside.parent / place),
        "git_dir": ".",
        "branch": "refs/heads/main",
        "writes": {"../outside/evil": "sha256:" + "0" * 64},
        "before": {"../outside/evil": base64.b64encode(b"evil").decode()},
        "index": {"../outside/evil": None},
        "tags": [["--upload-pack=x", "x", "x", None]],
        "checkout": ["m", "1.0.0", str(outside)],
    }
    for change in (
        {},
        {"checkout": None},
        {"git_dir": "worktrees/x"},
        {"checkout": ["m", "1.0.0", "../outside"]},
    ):
        (victim.path / ".git/mlver/intent.json").write_text(json.dumps({**told, **change}))
        check_all_commands(victim, outside, WRITING)
