"""A person at a terminal is asked about a remote that somebody else named, and the answer stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.project.project import Project
from mlver.storage.remote.directory import init_directory
from tests.conftest import Repository
from tests.pseudo_terminal import run_on_terminal

PULL = ("pull", "m@1.1.0")
ASKED = "Type yes to agree"


@pytest.fixture
def named(story: Project, tmp_path: Path) -> Repository:
    """A repository whose settings name a directory that nobody confirmed."""
    init_directory(tmp_path / "store")
    repository = Repository(story.top_folder)
    config = repository.path / ".mlver/config.yaml"
    config.write_text(f"{config.read_text()}remotes:\n  near: {{url: {tmp_path}/store}}\n")
    repository.commit("Name a remote")
    return repository


def test_a_yes_is_remembered(named: Repository, state_home: Path, tmp_path: Path) -> None:
    shown = run_on_terminal(PULL, named.path, keys={ASKED: "yes\n"})
    assert "This repository names the remote near" in shown.text
    assert "are neither here nor at near" in shown.text or shown.code == 0
    trusted = (state_home / "mlver/trusted-remotes").read_text()
    assert trusted == f"{tmp_path}/store\n"
    assert ASKED not in run_on_terminal(PULL, named.path).text


@pytest.mark.parametrize("answer", ["\n", "no\n", "yess\n"])
def test_anything_else_is_no(named: Repository, state_home: Path, answer: str) -> None:
    shown = run_on_terminal(PULL, named.path, keys={ASKED: answer})
    assert shown.code == 3
    assert "MLVER_TRUST_REMOTES" in shown.text
    assert not (state_home / "mlver/trusted-remotes").exists()


def test_nobody_is_asked_without_a_terminal(named: Repository) -> None:
    done = named.mlver(*PULL)
    assert done.code == 3
    assert ASKED not in done.out + done.err
