"""A version that can be trained again, made once."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tests.cli.conftest import copy_repository
from tests.conftest import Repository
from tests.features.reproducing.trainings import begin_training, make_environment, train


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("environment") / "env", numbers="1.2.3")


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory, environment: Path) -> Repository:
    made = Repository(tmp_path_factory.mktemp("trained") / "repository")
    made.path.mkdir()
    made.git("init", "--quiet")
    begin_training(made)
    train(made, environment)
    made.pack()
    return made


@pytest.fixture
def trained(
    trained_once: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Repository:
    """m 1.0.0, with all that is needed; temporary files go to a folder of their own."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(scratch))
    return copy_repository(trained_once, tmp_path / "repository")


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """The code of a training and its data, and no version yet."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", os.fspath(scratch))
    made = Repository(tmp_path / "repository")
    made.path.mkdir()
    made.git("init", "--quiet")
    begin_training(made)
    return made
