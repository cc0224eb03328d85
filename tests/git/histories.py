"""Histories of records that tests make, and what is found in them."""

from __future__ import annotations

import subprocess

from mlver.git.commit_log import read_commit_log
from mlver.git.history import find_tampering, judge_changes
from mlver.git.history_walk import walk_history
from mlver.git.repository import GitRepository
from tests.conftest import Repository as Ground

RECORDS = ".mlver/models"
FIRST, SECOND, THIRD = (
    f"{RECORDS}/m/versions/{number}.yaml" for number in ("1.0.0", "1.1.0", "2.0.0")
)


def listed(found: GitRepository) -> list[tuple[str, str, str]]:
    """What was done where, in the order in which it is found; one walk finds the same."""
    changes = find_tampering(found, RECORDS)
    walk = walk_history(found, "HEAD", RECORDS)
    assert set(judge_changes(walk.losses)) == set(changes)
    assert walk.entries == read_commit_log(found, "HEAD", [RECORDS])
    return list(dict.fromkeys((change.commit, change.kind, change.path) for change in changes))


def tampered(found: GitRepository) -> set[tuple[str, str, str]]:
    return set(listed(found))


def merge(ground: Ground, *arguments: str) -> None:
    subprocess.run(
        ["git", "merge", "--quiet", *arguments], cwd=ground.path, capture_output=True, check=False
    )


def side_branch(ground: Ground, path: str, content: str) -> str:
    """A commit on `side` that writes one file; the work tree ends on `main`, one commit further."""
    ground.git("switch", "--quiet", "-c", "side")
    ground.write(path, content)
    commit = ground.commit("side")
    ground.git("switch", "--quiet", "main")
    ground.write("code.py", "work\n")
    ground.commit("main goes on")
    return commit
