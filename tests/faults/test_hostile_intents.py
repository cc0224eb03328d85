"""Plans of interrupted commands that came with an archive: none of them is carried out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Repository
from tests.faults.hostile import check_outcome, write_canary

_INTENT = ".git/mlver/intent.json"
_HOOKS = (
    "applypatch-msg pre-applypatch post-applypatch pre-commit pre-merge-commit prepare-commit-msg"
    " commit-msg post-commit pre-rebase post-checkout post-merge pre-push post-rewrite"
    " reference-transaction post-index-change"
).split()
_LOOKING = (
    ("verify", "--all"),
    ("verify",),
    ("checkout", "m@1.0.0"),
    ("checkout", "m@1.0.0", "--to", "served"),
    ("doctor",),
    ("doctor", "--fix"),
    ("verify", "--all"),
    ("checkout", "m@1.0.0", "--force"),
)


def _write_intent(victim: Repository, change: Mapping[str, Any]) -> None:
    document = {
        "format": 7,
        "what": "tag ::error::\x1b[2J",
        "pid": 1,
        "top": "/",
        "git_dir": ".",
        "branch": None,
        "writes": {},
        "before": {},
        "index": {},
        "tags": ["m@v9.9.9"],
        "sealing": [victim.git("rev-parse", "HEAD"), False],
        "during": None,
        "untags": {},
        "checkout": None,
        "inputs": [],
        "only": [],
        "followed": {},
        "proof": "key:" + "0" * 64,
        **change,
    }
    victim.write(_INTENT, json.dumps(document))


def _damage_objects(victim: Repository) -> None:
    for path in (victim.path / ".git/mlver/objects").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"damage")


@pytest.fixture
def armed(victim: Repository, outside: Path) -> Repository:
    """The repository with a canary for every hook of git's."""
    for hook in _HOOKS:
        program = Path(write_canary(outside, hook))
        target = victim.path / ".git/hooks" / hook
        target.parent.mkdir(exist_ok=True)
        program.rename(target)
    return victim


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"format": 4, "tags": [["m@v9.9.9", "m\n\nMlver-Record: sha256:0", "x", "HEAD"]]},
        {"branch": "refs/heads/main", "tags": ["m@v1.1.0"], "sealing": None},
        {"tags": [], "untags": {"m@v1.0.0": "0" * 40}},
        {"tags": [], "checkout": ["m", "1.1.0", "."]},
        {"writes": {"README.md": None}, "before": {"README.md": None}, "tags": []},
        {"proof": ""},
        {"proof": 5},
        {"proof": "machine:" + "0" * 64},
        {"what": ["x"], "tags": 5},
    ],
    ids=str,
)
def test_no_plan_of_an_archive_runs_its_hooks(
    armed: Repository, outside: Path, change: Mapping[str, Any]
) -> None:
    tags = armed.git("for-each-ref")
    (outside / "canary").unlink(missing_ok=True)
    _damage_objects(armed)
    _write_intent(armed, change)
    text = (armed.path / _INTENT).read_bytes()
    readme = (armed.path / "README.md").read_bytes()
    refused = armed.mlver("register", "m", "--bump", "patch", "-m", "Why", "--allow-dirty")
    assert refused.code == 3
    assert "hint: mlver doctor --fix" in refused.err
    for argv in _LOOKING:
        done = armed.mlver(*argv)
        check_outcome(done)
        assert not (outside / "canary").exists(), argv
    assert armed.git("for-each-ref") == tags
    assert (armed.path / "README.md").read_bytes() == readme
    assert not (armed.path / _INTENT).exists()
    (kept,) = (armed.path / ".git/mlver/quarantine").glob("intent-*.json")
    assert kept.read_bytes() == text


def test_doctor_says_what_the_plan_was_and_sets_it_aside(victim: Repository) -> None:
    _write_intent(victim, {"what": "tag"})
    looked = victim.mlver("doctor")
    assert looked.code == 1
    assert "`tag` was interrupted here, but not by your own mlver" in looked.out
    assert (victim.path / _INTENT).exists()
    fixed = victim.mlver("doctor", "--fix")
    assert fixed.code == 0, fixed.out
    assert "it was set aside, and nothing of it was carried out or undone" in fixed.out
    again = victim.mlver("doctor")
    assert again.code == 0
    assert "recovery" not in again.out
    victim.write("model.bin", b"three")
    registered = victim.mlver("register", "m", "--bump", "minor", "-m", "Third")
    assert registered.code == 0, registered.err


@pytest.mark.parametrize("text", [b"", b"[" * 100_000, b'{"format": 7}', b"\xff", b"[]"])
def test_what_is_no_plan_is_set_aside_as_well(victim: Repository, text: bytes) -> None:
    victim.write(_INTENT, text)
    check_outcome(victim.mlver("tag"), 3)
    check_outcome(victim.mlver("doctor", "--fix"), 0)
    check_outcome(victim.mlver("tag"), 0)
