"""Working files and stored objects, as the tests of this folder read and damage them."""

from __future__ import annotations

from pathlib import Path

from mlver.digest import Digest
from mlver.project.project import Project
from mlver.storage.local import LocalStore
from tests.project.helpers import (
    Files,
    flip_bit,
    read_tree,
)

LARGE = b"large " * 400_000  # stored as a file of its own


def read_artifact(project: Project, path: str = "w") -> dict[str, bytes] | bytes:
    location = project.top_folder / path
    if location.is_file():
        return location.read_bytes()
    return read_tree(location)


def break_object(project: Project, data: bytes) -> None:
    """Change one bit of what the store keeps of these bytes."""
    path, offset = find_object(project, data)
    flip_bit(path, offset)


def lose_object(project: Project, data: bytes) -> None:
    path, _ = find_object(project, data)
    path.unlink()


def find_object(project: Project, data: bytes) -> tuple[Path, int]:
    """The file that holds these bytes in the store, and where they begin in it."""
    hexadecimal = Digest.of_bytes(data).hex
    (place,) = LocalStore.open_in(project.state_directory).find_locations({hexadecimal})[
        hexadecimal
    ]
    return Path(place.path), place.offset


def as_bytes(files: Files | str | bytes) -> dict[str, bytes] | bytes:
    if isinstance(files, str | bytes):
        return files.encode() if isinstance(files, str) else files
    return {
        name: content.encode() if isinstance(content, str) else content
        for name, content in files.items()
    }
