"""What `register` acknowledges exists: each byte that the record pins was read in this very run."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.project.artifacts import damage
from mlver.project.project import Project
from mlver.storage.local import LocalStore
from mlver.storage.local.locations import ObjectLocation
from mlver.system.state import FORMAT, StateDatabase
from tests.conftest import Repository
from tests.project.helpers import flip_bit, register_one, write_artifact

LARGE = b"large " * 400_000


def find_copy(project: Project, data: bytes) -> ObjectLocation:
    hexadecimal = Digest.of_bytes(data).hex
    store = LocalStore.open_in(project.state_directory)
    (location,) = store.find_locations({hexadecimal})[hexadecimal]
    return location


def _flip(path: Path, offset: int) -> None:
    flip_bit(path, offset)


def _empty(path: Path, _: int) -> None:
    path.chmod(0o644)
    path.write_bytes(b"")


def _cut(path: Path, offset: int) -> None:
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.truncate(offset + 2)


def _lengthen(path: Path, _: int) -> None:
    path.chmod(0o644)
    with path.open("ab") as file:
        file.write(b"more")


def _remove(path: Path, _: int) -> None:
    path.unlink()


def _put_fifo(path: Path, _: int) -> None:
    path.unlink()
    os.mkfifo(path)


def _put_folder(path: Path, _: int) -> None:
    path.unlink()
    path.mkdir()


def _put_link(path: Path, _: int) -> None:
    path.rename(path.with_suffix(".elsewhere"))
    path.symlink_to(path.with_suffix(".elsewhere"))


def _put_lost_link(path: Path, _: int) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def _put_socket(path: Path, _: int) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        # A name relative to its folder: a whole path is longer than a socket's may be.
        os.chdir(path.parent)
        listener.bind(path.name)


_HARM = (
    _flip,
    _empty,
    _cut,
    _lengthen,
    _remove,
    _put_fifo,
    _put_folder,
    _put_link,
    _put_lost_link,
    _put_socket,
)


@pytest.mark.parametrize("harm", _HARM)
@pytest.mark.parametrize("kind", ["loose", "packed", "packed in a folder"])
def test_a_damaged_copy_of_what_is_registered_again_is_stored_again(
    project: Project, repository: Repository, harm: Callable[[Path, int], None], kind: str
) -> None:
    data = LARGE if kind == "loose" else b"small"
    if kind == "packed in a folder":
        write_artifact(repository, "w", {"a": data, "b": b"other"})
    else:
        write_artifact(repository, "w", data)
    register_one(project)
    location = find_copy(project, data)
    harm(Path(location.path), location.offset)
    register_one(Project.open_existing(repository.path), bump="patch", weights=None)
    again = Project.open_existing(repository.path)
    record, _ = again.registry.read_version("m", again.select_version("m", "1.0.1"))
    assert damage.find_damage(again, [record]).lost == ()


def test_what_the_cache_says_is_never_registered(project: Project, repository: Repository) -> None:
    """As after a program wrote through memory, or with a cache that somebody else made."""
    write_artifact(repository, "w", b"one")
    os.utime(repository.path / "w", ns=(1_000_000_000, 1_000_000_000))
    register_one(project)
    (repository.path / "w").write_bytes(b"two")
    repository.git("add", "--force", "w")
    repository.commit("Keep it in git")
    os.utime(repository.path / "w", ns=(1_000_000_000, 1_000_000_000))
    found = (repository.path / "w").stat()
    fields = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    signature = b"".join(field.to_bytes(8, "little") for field in fields)
    lie = signature + bytes.fromhex(Digest.of_bytes(b"one").hex)
    project.state.keep_files(project.repository.own, [(b"w", lie)], [])
    for asked in ({"dry_run": True}, {"unstored": ("weights",)}, {}):
        result = register_one(project, bump="patch", weights=None, **asked)
        (weights,) = result.artifacts
        assert weights.digest == str(Digest.of_bytes(b"two"))
        assert not asked or not weights.unchanged


def test_a_cache_that_an_earlier_mlver_kept_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    state = StateDatabase(path)
    state.keep_files("w", [(b"a", b"entry")], [])
    state.close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT - 1}")
    connection.close()
    assert list(StateDatabase(path).read_files("w", b"a")) == []
