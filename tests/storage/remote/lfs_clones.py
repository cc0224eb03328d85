"""Repositories whose objects are on a git-lfs server, and what tests do with them."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path

from mlver.digest import Digest
from mlver.git.repository import GitRepository
from mlver.project.project import Project
from mlver.storage.local import LocalStore
from mlver.storage.remote.lfs import LfsStore
from tests.conftest import Repository
from tests.servers.starting import RunningServer


def point_to(repository: Repository, address: str) -> None:
    """Have git-lfs use the server at an address, as if the forge named it."""
    repository.git("config", "remote.origin.lfsurl", f"{address}.git/info/lfs")


def open_project(repository: Repository, giftless: RunningServer, tmp_path: Path) -> Project:
    """A project whose origin has its objects on the server."""
    repository.git("init", "--quiet", "--bare", str(tmp_path / "forge.git"))
    repository.git("remote", "add", "origin", str(tmp_path / "forge.git"))
    point_to(repository, f"{giftless.address}/team/{tmp_path.name}")
    return Project.from_repository(GitRepository.find(repository.path), repository.path)


def fill_store(store: LocalStore, *contents: bytes) -> dict[Digest, int]:
    """Store contents; their sizes by digest."""
    sizes = {}
    with store.open_deposit() as deposit:
        for content in contents:
            sizes[deposit.put_object(io.BytesIO(content))] = len(content)
    return sizes


def read_object(store: LocalStore, digest: Digest) -> bytes:
    out = io.BytesIO()
    store.copy_object(digest, out)
    return out.getvalue()


def pull_into(
    remote: LfsStore, folder: Path, wanted: Mapping[Digest, int]
) -> tuple[LocalStore, object]:
    store = LocalStore.open_in(folder)
    with store.open_deposit() as deposit:
        report = remote.download(wanted, deposit)
    return store, report


def list_left(project: Project) -> list[str]:
    """What lies where exchanges take place, and the files that git-lfs itself keeps."""
    own = list((project.repository.git_dir / "lfs").rglob("*"))
    left = [path.name for path in own if path.is_file()]
    folder = project.state_directory / "tmp"
    return left + (os.listdir(folder) if folder.exists() else [])
