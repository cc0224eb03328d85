"""What it costs to count many approvals again."""

from __future__ import annotations

import pytest

from mlver.records import layout
from tests.benchmarks.test_counts import counted
from tests.cli.conftest import assert_works
from tests.conftest import Repository

RULE = "    approvals: {min: 1}\n"


def become(patch: pytest.MonkeyPatch, name: str) -> None:
    for who in ("AUTHOR", "COMMITTER"):
        patch.setenv(f"GIT_{who}_NAME", name)
        patch.setenv(f"GIT_{who}_EMAIL", f"{name.lower()}@example.org")


def move(repository: Repository, patch: pytest.MonkeyPatch, version: str) -> None:
    ref = f"digits@{version}"
    become(patch, "Lea")
    assert_works(repository, "approve", ref, "--to", "production", "-m", "Fine")
    become(patch, "Pat")
    assert_works(repository, "promote", ref, "--to", "production", "-m", "Go")


def test_more_promotions_with_approvals_cost_no_process_each(
    second: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = second.path / layout.CONFIG
    path.write_text(path.read_text().replace("  production:\n", f"  production:\n{RULE}", 1))
    second.commit("Ask for approvals")
    move(second, monkeypatch, "1.0.0")
    move(second, monkeypatch, "1.1.0")
    before = counted(second, "audit")["processes"]
    move(second, monkeypatch, "1.0.0")
    move(second, monkeypatch, "1.1.0")
    assert counted(second, "audit")["processes"] == before
