"""Repositories at the points of the story where tests begin; each is made once and copied."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Repository
from tests.copies import copy_folder
from tests.hints import judge_command

ACCURACIES = {1: 0.91, 2: 0.94, 3: 0.95}


def train_model(repository: Repository, run: int, *, commit: bool = True) -> None:
    """What a training script leaves behind; each run with other weights, parameters and metrics."""
    repository.write("model/weights.safetensors", f"weights of run {run}\n" * 1000)
    repository.write("model/config.json", '{"layers": 2}\n')
    repository.write("data/train.csv", "a,b\n1,2\n")
    repository.write("params.yaml", f"lr: 0.00{run}\nseed: 42\n")
    repository.write("metrics.json", json.dumps({"accuracy": ACCURACIES[run], "log_loss": 1 / run}))
    if commit:
        repository.commit(f"Training run {run}")


def assert_works(repository: Repository, *arguments: str) -> str:
    """What a command prints that has to work, quietly."""
    done = repository.mlver(*arguments)
    assert (done.code, done.err) == (0, "")
    return done.out


def assert_refused(repository: Repository, *arguments: str, code: int = 3) -> str:
    """What a command says that has to be refused, with nothing on stdout; a hint is a command."""
    done = repository.mlver(*arguments)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("error: ")
    for line in done.err.splitlines():
        if line.startswith("hint: "):
            assert judge_command(line.removeprefix("hint: ")) is None
    assert "Traceback" not in done.err
    return done.err


def copy_repository(repository: Repository, to: Path) -> Repository:
    return Repository(copy_folder(repository.path, to))


@pytest.fixture(scope="session")
def stories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Repository]:
    """`project`, `first` and `second`, to be copied."""
    top = tmp_path_factory.mktemp("stories")
    project = Repository(top / "project")
    project.path.mkdir()
    project.git("init", "--quiet")
    project.write("README.md", "# A project\n")
    project.write(".gitignore", "/model/\n/data/\n")
    train_model(project, 1)
    first = copy_repository(project, top / "first")
    assert_works(first, "init")
    paths = ("--weights", "model", "--data", "train=data/train.csv", "--params", "params.yaml")
    assert_works(first, "register", "digits", *paths, "--metrics", "metrics.json", "-m", "First")
    second = copy_repository(first, top / "second")
    assert_works(second, "promote", "digits@1.0.0", "--to", "production", "-m", "Release")
    train_model(second, 2)
    assert_works(second, "register", "digits", "--bump", "minor", "-m", "Second")
    made = {"project": project, "first": first, "second": second}
    for repository in made.values():
        repository.pack()
    return made


@pytest.fixture
def project(stories: dict[str, Repository], tmp_path: Path) -> Repository:
    """After the first training; mlver was never here."""
    return copy_repository(stories["project"], tmp_path / "repository")


@pytest.fixture
def first(stories: dict[str, Repository], tmp_path: Path) -> Repository:
    """With digits 1.0.0 registered."""
    return copy_repository(stories["first"], tmp_path / "repository")


@pytest.fixture
def second(stories: dict[str, Repository], tmp_path: Path) -> Repository:
    """With digits 1.0.0 in production and 1.1.0 registered."""
    return copy_repository(stories["second"], tmp_path / "repository")
