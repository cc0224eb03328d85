"""A stage moves to a version that others could get: bytes on a remote, record on a branch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlver.project.artifacts.storing import open_store
from mlver.project.project import Project
from mlver.project.remote.recoverability import find_recoverability
from mlver.project.stages.promote import PromoteResult, promote_version
from mlver.project.stages.rollback import roll_back_stage
from mlver.records.promotion import GateResult
from mlver.storage.remote.directory import init_directory
from mlver.storage.remote.open import open_blobs
from tests.conftest import Repository
from tests.storage.conformance import get_content
from tests.storage.remote.transfers import store_contents


@pytest.fixture
def near(story: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A remote that the settings name and that is trusted; nothing is there yet."""
    folder = tmp_path / "near"
    init_directory(folder)
    monkeypatch.setenv("MLVER_TRUST_REMOTES", str(folder))
    repository = Repository(story.top_folder)
    config = repository.path / ".mlver/config.yaml"
    config.write_text(config.read_text() + f"remotes:\n  near:\n    url: {folder}\n")
    repository.commit("Name a remote")
    return folder


def push_contents(project: Project, folder: Path) -> None:
    """As `mlver push` does it."""
    store = open_store(project)
    contents = [get_content(store, digest) for digest in store.list_objects()]
    store_contents(open_blobs(str(folder)), folder.parent / "spool", contents)


def push_commits(repository: Repository) -> None:
    repository.git("init", "--quiet", "--bare", "../forge.git")
    repository.git("remote", "add", "origin", "../forge.git")
    repository.git("push", "--quiet", "origin", "main", "--tags")


def promote(project: Project, *, offline: bool = False, force: bool = False) -> PromoteResult:
    asked = replace(project, offline=offline)
    return promote_version(asked, "m@1.1.0", to="staging", message="Why", force=force)


def find_gate(result: PromoteResult) -> GateResult:
    (gate,) = [gate for gate in result.gates if gate.gate == "recoverable"]
    return gate


def test_without_remotes_nothing_is_asked(story: Project) -> None:
    result = promote(story)
    assert result.outcome == "promoted"
    assert "recoverable" not in [gate.gate for gate in result.gates]


def test_a_stage_moves_once_others_could_get_the_version(story: Project, near: Path) -> None:
    repository = Repository(story.top_folder)
    result = promote(story)
    assert result.outcome == "refused"
    assert "1 of 1 contents are not on near" in str(find_gate(result).actual)
    push_contents(story, near)
    result = promote(story)
    assert result.outcome == "refused"
    assert "its record is on no branch of a git remote" in str(find_gate(result).actual)
    push_commits(repository)
    result = promote(story)
    assert result.outcome == "promoted"
    gate = find_gate(result)
    assert gate.result == "pass"
    assert gate.actual == (
        "all of it is on near (asked 2026-01-02T03:04:05Z); its record is on origin/main"
    )
    assert repository.mlver("verify", "--all").code == 0


@pytest.mark.parametrize("address", [".", "../{name}", "{top}/.git", "file://{top}"])
def test_a_git_remote_that_is_the_repository_itself_is_no_second_place(
    story: Project, near: Path, address: str
) -> None:
    push_contents(story, near)
    repository = Repository(story.top_folder)
    top = story.top_folder
    repository.git("remote", "add", "origin", address.format(name=top.name, top=top))
    repository.git("fetch", "--quiet", "origin")
    result = promote(story)
    assert result.outcome == "refused"
    gate = find_gate(result)
    assert gate.result == "fail"
    assert "the git remote origin is this repository itself" in str(gate.actual)
    done = repository.mlver("promote", "m@1.1.0", "--to", "staging", "-m", "Why")
    assert "git remote set-url origin URL" in done.out


def test_offline_it_cannot_be_told(story: Project, near: Path) -> None:
    del near
    result = promote(story, offline=True)
    assert result.outcome == "refused"
    assert find_gate(result).result == "inconclusive"
    assert promote(story, offline=True, force=True).forced


def test_a_remote_that_nobody_trusts_is_not_asked(
    story: Project, near: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_contents(story, near)
    monkeypatch.delenv("MLVER_TRUST_REMOTES")
    gate = find_gate(promote(story))
    assert gate.result == "inconclusive"
    assert "nobody on this machine has confirmed" in str(gate.actual)


def test_a_remote_that_is_gone_is_told(story: Project, near: Path) -> None:
    push_contents(story, near)
    (near / ".mlver-store").unlink()
    gate = find_gate(promote(story))
    assert gate.result == "inconclusive"
    assert "near did not answer" in str(gate.actual)


def test_a_stage_may_do_without(story: Project, near: Path) -> None:
    del near
    config = story.top_folder / ".mlver/config.yaml"
    text = config.read_text().replace(
        "  staging:\n", "  staging:\n    requires: {recoverable: false}\n"
    )
    config.write_text(text)
    Repository(story.top_folder).commit("Nothing to recover")
    assert promote(story).outcome == "promoted"


def test_a_rollback_asks_no_remote(story: Project, near: Path) -> None:
    (near / ".mlver-store").unlink()
    result = roll_back_stage(story, "m", stage="production", message="Worse")
    assert result.sequence == 3


def test_one_directory_under_two_names_is_one_copy(
    story: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLVER_TRUST_REMOTES", "all")
    store = tmp_path / "store"
    init_directory(store)
    (tmp_path / "link").symlink_to(store)
    repository = Repository(story.top_folder)
    config = repository.path / ".mlver/config.yaml"
    names = f"  a: {{url: {store}}}\n  b: {{url: {tmp_path}/link}}\n  c: {{url: file://{store}}}\n"
    config.write_text(f"{config.read_text()}remotes:\n{names}")
    record, _ = story.registry.read_version("m", "1.1.0")
    assert list(find_recoverability(story, record).missing) == ["a"]
