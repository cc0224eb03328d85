"""A repository with a target: digits 1.0.0 is in production, and 1.1.0 is registered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import assert_works
from tests.conftest import Repository

SETTINGS = """\
deploy:
  host:
    layout: directories
    path: serving
    stages: {stable: production}
"""
RECORDS = ".mlver/deployments/host"


def add_target(repository: Repository, settings: str = SETTINGS) -> None:
    """Add targets to the settings, and commit them."""
    path = repository.path / ".mlver/config.yaml"
    path.write_text(path.read_text() + settings)
    repository.git("commit", "--quiet", "--all", "--message", "Targets")


def promote(repository: Repository, version: str, stage: str = "production") -> None:
    ref = f"digits@{version}"
    assert_works(repository, "promote", ref, "--to", stage, "--force", "-m", "Go")


def read_served(folder: Path, role: str = "stable") -> dict[str, Any]:
    """What the folder behind a link says of itself; the link is read once."""
    place = folder / (folder / role).readlink()
    described: dict[str, Any] = json.loads((place / "mlver.json").read_text())
    return described


def list_records(repository: Repository) -> list[str]:
    folder = repository.path / RECORDS
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def list_all(folder: Path) -> dict[str, bytes | str | None]:
    """Everything below a folder: bytes of files, targets of links, None for folders."""
    found: dict[str, bytes | str | None] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = str(path.readlink())
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found


@pytest.fixture
def hosted(second: Repository) -> Repository:
    """With the target `host`, to which nothing was deployed."""
    add_target(second)
    return second


@pytest.fixture
def deployed(hosted: Repository) -> Repository:
    """With digits 1.0.0 deployed to `host`."""
    assert_works(hosted, "deploy", "host")
    return hosted
