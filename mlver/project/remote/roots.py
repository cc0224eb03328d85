"""Every content that somebody needs: what gc keeps.

Each function yields digests as 64 hexadecimal digits; `root_table.py` lists them. What a file of
ours names is found by its letters alone, wherever they stand in it: so a record of a newer mlver
keeps what it names, too. What is derived of bytes, and kept so that these may go, names them and
needs none: it is told by how it begins, as one content may lie at several paths.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from mlver.document import codec, strict
from mlver.errors import InvalidDocument, MlverError, NewerFormat, printable_name, shell_command
from mlver.git import objects, reachable, references
from mlver.git.repository import GitRepository
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.run import RECORD_FILE
from mlver.records.run_references import RUN_REFERENCES

_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
# What an interrupted command left, which tells of contents that no record names yet.
_INTENT = "intent.json"


# As `records.tensors` and `records.profile` write, of whatever number; no record begins like that.
_DERIVED = (b'{"schema": "mlver/tensors/', b'{"schema": "mlver/profile/')


def find_digests(data: bytes) -> Iterator[str]:
    """Every SHA-256 that is written in some bytes, but for what is derived of others."""
    if data.startswith(_DERIVED):
        return
    for found in _DIGEST.findall(data):
        yield found.decode()


def read_history_roots(project: Project) -> Iterator[str]:
    """What any reference, stash, log of a reference, index or head leads to, in all of history."""
    yield from read_repository_roots(project.repository)


def read_worktree_roots(project: Project) -> Iterator[str]:
    """What the records in all work trees name, whether they were committed or not."""
    for top in reachable.list_work_trees(project.repository):
        for path in _list_files(top / layout.ROOT):
            data = _read_file(path)
            _check_record(path.relative_to(top).as_posix(), data)
            yield from find_digests(data)


def _list_files(folder: Path) -> Iterator[Path]:
    """All regular files below a folder, which may be missing. Raise MlverError as below."""
    if not _is_there(folder):
        return
    for parent, _, names in os.walk(folder, onerror=_refuse_unreadable):
        for name in names:
            path = Path(parent, name)
            try:
                is_regular = stat.S_ISREG(path.lstat().st_mode)
            except OSError as error:
                _refuse_unreadable(error)
            if is_regular:
                yield path


def _is_there(path: Path) -> bool:
    """Whether a file or folder is there. Raise MlverError where that cannot be told."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        _refuse_unreadable(error)
    return True


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        _refuse_unreadable(error)


def _refuse_unreadable(error: OSError) -> NoReturn:
    """Raise MlverError: what cannot be read may name anything."""
    raise MlverError(
        f"{printable_name(os.fsdecode(error.filename))} cannot be read"
        f" ({error.strerror}), so what it needs is unknown, and nothing is deleted",
        hint=shell_command("ls", "-ld", "--", os.fsdecode(error.filename)),
    ) from error


def read_run_roots(project: Project) -> Iterator[str]:
    """What recorded runs name, such as the data sets that they were trained on."""
    process = project.repository.process
    commits = references.list_references(project.repository, RUN_REFERENCES).values()
    wanted = [(f"{commit}:{RECORD_FILE}", strict.MAX_BYTES) for commit in commits]
    for data in objects.read_beginnings(process, wanted):
        # What holds no record names nothing.
        yield from find_digests(data or b"")


def read_intent_roots(project: Project) -> Iterator[str]:
    """What an interrupted command was about to record."""
    path = project.state_directory / _INTENT
    if _is_there(path):
        yield from find_digests(_read_file(path))


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
