"""Every content that somebody needs: what gc keeps.

Each function yields digests as 64 hexadecimal digits; `root_table.py` lists them. What a file of
ours names is found by its letters alone, wherever they stand in it: so a record of a newer mlver
keeps what it names, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlver.document import codec
from mlver.errors import InvalidDocument, MlverError, NewerFormat
from mlver.git import reachable
from mlver.git.repository import GitRepository
from mlver.project.project import Project
from mlver.records import layout

_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
# What an interrupted command left, which tells of contents that no record names yet.
_INTENT = "intent.json"


def find_digests(data: bytes) -> Iterator[str]:
    """Every SHA-256 that is written in some bytes."""
    for found in _DIGEST.findall(data):
        yield found.decode()


def read_history_roots(project: Project) -> Iterator[str]:
    """What any reference, stash, log of a reference, index or head leads to, in all of history."""
    yield from read_repository_roots(project.repository)


def read_worktree_roots(project: Project) -> Iterator[str]:
    """What the records in all work trees name, whether they were committed or not."""
    for top in reachable.list_work_trees(project.repository):
        for path in sorted((top / layout.ROOT).rglob("*")):
            if path.is_symlink() or not path.is_file():
                continue
            data = path.read_bytes()
            _check_record(path.relative_to(top).as_posix(), data)
            yield from find_digests(data)


def read_intent_roots(project: Project) -> Iterator[str]:
    """What an interrupted command was about to record."""
    path = project.state_directory / _INTENT
    if path.is_file():
        yield from find_digests(path.read_bytes())


def read_repository_roots(repository: GitRepository) -> Iterator[str]:
    """What all references of a repository lead to."""
    files = reachable.list_reachable(repository, layout.ROOT)
    for object_id, data in reachable.read_files(repository, files):
        _check_record(files[object_id], data)
        yield from find_digests(data)


def _check_record(path: str, data: bytes) -> None:
    """Raise MlverError for a version record that cannot be read."""
    if not layout.is_version_path(path):
        return
    try:
        codec.decode_document("version", data, path)
    except NewerFormat:
        # It names its digests as all others do.
        return
    except InvalidDocument as error:
        raise MlverError(
            f"{path} cannot be read, here or somewhere in the history, so what it needs is"
            f" unknown, and nothing is deleted: {error.message}",
            hint="mlver verify --all",
        ) from error
