"""A resolve that was killed, and what a person did before the next command."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.project.edit import intent
from mlver.project.project import Project
from tests.conftest import Repository
from tests.features.merging.merges import (
    CHAIN,
    add_remote,
    assert_verifies,
    list_promotions,
    resolve_merge,
    run_git,
    seal_on_topic,
)


def killed(apart: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """All is staged, and the old seals are deleted; then it is killed, its intent still on the
    disk.
    """
    add_remote(apart)
    apart.git("tag", "--delete", "m@production.2")
    seal_on_topic(apart)
    assert run_git(apart, "merge", "--quiet", "origin/main") == 1

    def die(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(intent, "drop_intent", die)
        with pytest.raises(KeyboardInterrupt):
            resolve_merge(apart)
    assert intent.read_pending(Project.open_existing(apart.path).state_directory) is not None


def test_killed_and_then_committed_it_is_completed(
    apart: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(apart, monkeypatch)
    apart.git("commit", "--quiet", "--no-edit")
    assert_verifies(apart)
    assert list_promotions(apart) == CHAIN
    assert apart.git("status", "--porcelain") == ""


def test_killed_and_then_given_up_it_is_undone(
    apart: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(apart, monkeypatch)
    apart.git("merge", "--abort")
    assert_verifies(apart)
    assert list_promotions(apart) == [("1.0.0", None), ("1.1.0", "1.0.0"), ("1.1.1", "1.1.0")]
    assert apart.git("status", "--porcelain") == ""
    assert apart.git("tag", "--list", "m@v1.1.*").split() == ["m@v1.1.0", "m@v1.1.1"]


def test_killed_and_run_again(apart: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(apart, monkeypatch)
    result = resolve_merge(apart)
    assert result.untagged == ("m@v1.1.0", "m@v1.1.1", "m@production.2", "m@production.3")
    assert len(result.written) == 7
    apart.git("commit", "--quiet", "--no-edit")
    assert_verifies(apart)
