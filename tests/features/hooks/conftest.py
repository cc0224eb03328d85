"""The repositories that most tests of hooks commit to, and push from; made once and copied."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import copy_repository
from tests.conftest import CHECKOUT, Repository
from tests.copies import copy_folder
from tests.features.hooks.hooks import HookedRepository, with_hooks
from tests.warm import WARM, serve_python


@pytest.fixture(scope="session")
def warm_python() -> Iterator[Path]:
    """The Python of all hooks here."""
    with serve_python() as program:
        yield program


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that are not about how a hook starts: its Python has imported mlver already."""
    monkeypatch.setenv(WARM, "1")


@pytest.fixture
def cold(warm: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """For one among them that is: each hook starts a Python of its own, as everywhere."""
    monkeypatch.delenv(WARM)


@pytest.fixture(scope="session")
def hooked_once(
    stories: dict[str, Repository], tmp_path_factory: pytest.TempPathFactory, warm_python: Path
) -> Repository:
    """Two versions, one promotion; with the hooks."""
    hooked = copy_repository(stories["second"], tmp_path_factory.mktemp("hooked") / "repository")
    install_hooks(hooked, warm_python)
    return hooked


def install_hooks(repository: Repository, python: Path, *words: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", str(python))
        assert repository.mlver("hook", "install", *words).code == 0


@pytest.fixture(scope="session")
def receiving_once(
    hooked_once: Repository, tmp_path_factory: pytest.TempPathFactory, warm_python: Path
) -> HookedRepository:
    """A bare repository with pre-receive, which has `main` of `hooked_once` and no tag yet."""
    remote = HookedRepository(tmp_path_factory.mktemp("receiving") / "remote.git")
    remote.path.mkdir()
    remote.git("init", "--quiet", "--bare")
    install_hooks(remote, warm_python, "--pre-receive")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(CHECKOUT))
        hooked_once.git("push", "--quiet", "--no-verify", str(remote.path), "main")
    remote.pack()
    return remote


@pytest.fixture
def here(
    hooked_once: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> HookedRepository:
    """See `hooked_once`."""
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))  # where the hooks find mlver
    copy = copy_repository(hooked_once, tmp_path / "repository")
    copy.git("update-index", "--refresh")  # as in a repository in which people work
    return with_hooks(copy)


@pytest.fixture
def pushing(
    here: HookedRepository, receiving_once: HookedRepository, tmp_path: Path
) -> HookedRepository:
    """The same, and its remote is a copy of `receiving_once`."""
    remote = copy_folder(receiving_once.path, tmp_path / "remote.git")
    here.git("remote", "add", "origin", str(remote))
    here.git("update-ref", "refs/remotes/origin/main", "main")
    return here
