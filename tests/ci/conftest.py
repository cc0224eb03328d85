from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlver.cli.app import COMMANDS
from tests import programs
from tests.ci.forge import LocalForge, serve_api
from tests.cli.conftest import first, second, stories
from tests.conftest import Repository

__all__ = ["first", "second", "stories"]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def tools(shared: Path) -> Path:
    """The folder of the programs that judge and run pipelines."""
    return programs.install_pipeline_tools(shared)


@pytest.fixture
def wheel(tools: Path, shared: Path) -> Path:
    return programs.build_wheel(shared)


@pytest.fixture
def forge(first: Repository, tmp_path: Path, tools: Path) -> Iterator[LocalForge]:
    """A forge with one repository, which has digits 1.0.0 registered; nothing is pushed yet."""
    for program in ("curl", "jq"):
        programs.require_program(program)
    with serve_api() as api:
        created = LocalForge(
            first, Repository(tmp_path / "origin.git"), api, tmp_path / "runner", tools
        )
        created.prepare_remote()
        yield created


def require_commands(*names: str) -> None:
    """Skip where a command that a pipeline calls is not there."""
    missing = [name for name in names if name not in COMMANDS]
    if missing:
        pytest.skip(f"A PIPELINE IS NOT RUN: there is no `mlver {missing[0]}` yet")
