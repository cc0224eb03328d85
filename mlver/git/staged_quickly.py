"""One look at what is staged, for hooks: whether mlver has to say anything about it.

Nearly every commit is answered here, by one git process and next to no imports, so that a hook
costs nothing that is noticed. `mlver.git.changes_in` answers in full what this cannot answer.
"""

from __future__ import annotations

import os
import stat

from mlver.policy.staged_files import PICKLE_SUFFIXES, SMALL_FILE_BYTES

_RECORDS = b".mlver/"
_FOLDER = ".mlver"
_SETTINGS = ".mlver/config.yaml"
# Longer settings get the full look.
_SETTINGS_BYTES = 1 << 18
_OTHER_LINE_ENDS = ("\x85".encode(), "\u2028".encode(), "\u2029".encode())
_MODELS = ".mlver/models"
# The index is sorted, and few paths come before ours.
_INDEX_BYTES = 1 << 20
# gitformat-index(5): the versions whose paths are whole, and an entry's flags before its path (the
# path's length, of no merge, and neither assumed to be unchanged nor left out of the work tree).
_INDEX_HEADS = (b"DIRC\0\0\0\2", b"DIRC\0\0\0\3")
_INDEXED_SETTINGS = b"\0%c%b\0" % (len(_SETTINGS), _SETTINGS.encode())
# An attribute can make git count the lines of any text, however large it is.
_MANY_LINES = 1_000
_SUSPECT = tuple(suffix.encode() for suffix in PICKLE_SUFFIXES)
_GIT = (
    *("git", "--no-pager", "--no-optional-locks", "--no-replace-objects"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "diff.relative=false"),
    # git then takes each larger file for binary, and tells so without reading it
    *("-c", f"core.bigFileThreshold={SMALL_FILE_BYTES}"),
    *("diff", "--cached", "--raw", "--numstat", "-z", "--no-renames", "--no-abbrev"),
    *("--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=none"),
)


def is_quiet(*, files: bool = True) -> bool:
    """Say whether this is a work tree's top, without a merge, where nothing staged is a record.

    With `files`, also that no settings protect a branch, and that nothing staged is large, binary,
    named like a pickle or at a path that a model's settings name. False where that cannot be told.
    """
    git_dir = os.environ.get("GIT_DIR", ".git")
    # pathlib is slow to import
    if not os.path.isdir(git_dir):  # noqa: PTH112
        return False
    if os.path.exists(f"{git_dir}/MERGE_HEAD"):  # noqa: PTH110
        return False
    # `git merge` runs its hook before it writes MERGE_HEAD
    if any(name.startswith("GITHEAD_") for name in os.environ):
        return False
    if files and _may_protect_branch(git_dir):
        return False
    listing = _list_staged()
    if listing is None or not _says_nothing(listing, files=files):
        return False
    return not files or not _may_hold_artifact(listing)


def _may_protect_branch(git_dir: str) -> bool:
    """Say whether the last commit's settings may protect the branch; True where none can tell.

    Settings that are staged get the full look, so the index has the last commit's.
    """
    index = _read_beginning(os.environ.get("GIT_INDEX_FILE", f"{git_dir}/index"), _INDEX_BYTES)
    if not os.path.lexists(_FOLDER):
        return index is not None and _RECORDS in index
    try:
        status = os.lstat(_SETTINGS)
    except OSError:
        return True
    text = _read_beginning(_SETTINGS, _SETTINGS_BYTES)
    if text is None or len(text) == _SETTINGS_BYTES or _names_protection(text):
        return True
    return index is None or not _is_unchanged(index, status)


def _names_protection(text: bytes) -> bool:
    """Say whether the word stands anywhere but in a comment, such as those that `init` writes."""
    if b"protect" not in text:
        return False
    # To YAML, these end a comment as well.
    if any(line_end in text for line_end in _OTHER_LINE_ENDS):
        return True
    for line in text.splitlines():
        if b"protect" in line and not line.lstrip(b" ").startswith(b"#"):
            return True
    return False


def _is_unchanged(index: bytes, status: os.stat_result) -> bool:
    """Say whether the settings are those of the index, as git itself tells: by size and time."""
    place = index.find(_INDEXED_SETTINGS)
    if place < 0 or not index.startswith(_INDEX_HEADS):
        return False
    # before the flags, the object's id of 20 bytes; one of 32 gets the full look
    entry = index[:place][-60:-20]
    modified = int.from_bytes(entry[8:12], "big")
    size = int.from_bytes(entry[36:40], "big")
    return size == status.st_size and modified == status.st_mtime_ns // 10**9


def _read_beginning(path: str, limit: int) -> bytes | None:
    """Read at most so many bytes of a regular file; None where there is none that can be read."""
    # A FIFO in its place makes nobody wait, and a device has no end.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return os.read(descriptor, limit)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _list_staged() -> bytes | None:
    """List what is staged, as git says; None where git failed.

    Not by `subprocess`: importing that costs half as much as starting Python.
    """
    reading, writing = os.pipe()
    nowhere = os.open(os.devnull, os.O_RDWR)
    try:
        actions = [
            (os.POSIX_SPAWN_DUP2, nowhere, 0),
            (os.POSIX_SPAWN_DUP2, writing, 1),
            (os.POSIX_SPAWN_DUP2, nowhere, 2),
        ]
        environment = {**os.environ, "GIT_ALLOW_PROTOCOL": "none"}
        process = os.posix_spawnp("git", _GIT, environment, file_actions=actions)
    except OSError:
        os.close(reading)
        return None
    finally:
        os.close(writing)
        os.close(nowhere)
    with os.fdopen(reading, "rb") as pipe:
        listing = pipe.read()
    _, status = os.waitpid(process, 0)
    if status != 0:
        return None
    return listing


def _says_nothing(listing: bytes, *, files: bool) -> bool:
    """Read `:modes ids kind`, path, … and then `added<TAB>deleted<TAB>path`, …, NUL-ended."""
    fields = iter(listing.split(b"\0"))
    for field in fields:
        if field.startswith(b":"):
            path = next(fields)
            if path.startswith(_RECORDS) or (files and path.lower().endswith(_SUSPECT)):
                return False
        elif field and files and not _is_plain(field):
            return False
    return True


def _is_plain(field: bytes) -> bool:
    """Say whether a file is small text of a few lines; git counts no lines (`-`) of a binary."""
    added, _, path = field.split(b"\t", 2)
    if not added.isdigit() or int(added) > _MANY_LINES:
        return False
    return int(added) == 0 or _is_small(path)


def _is_small(path: bytes) -> bool:
    """Say whether a file in the work tree is small; one that is missing gets the full look."""
    try:
        return os.lstat(path).st_size <= SMALL_FILE_BYTES
    except OSError:
        return False


def _may_hold_artifact(listing: bytes) -> bool:
    """Say whether a staged path may be that of an artifact, or lie below one."""
    artifact_paths = _read_artifact_paths()
    if artifact_paths is None:
        return True
    fields = iter(listing.split(b"\0"))
    for field in fields:
        if not field.startswith(b":"):
            break
        path = next(fields)
        while path:
            if path in artifact_paths:
                return True
            path = path.rpartition(b"/")[0]
    return False


def _read_artifact_paths() -> set[bytes] | None:
    """Read all that could be a path in the models' settings; None where that cannot be told.

    A parser of YAML would take far longer to import than all else here takes.
    """
    paths: set[bytes] = set()
    try:
        models = os.listdir(_MODELS)
    except FileNotFoundError:
        return paths
    except OSError:
        return None
    for model in models:
        settings = f"{_MODELS}/{model}/model.yaml"
        if not os.path.lexists(settings):
            continue
        text = _read_beginning(settings, _SETTINGS_BYTES)
        if text is None or len(text) == _SETTINGS_BYTES:
            return None
        place = text.find(b"path")
        while place >= 0:
            place += len(b"path")
            key_end, colon, value = text[place:].partition(b"\n")[0].partition(b":")
            # other than the word in a description
            if colon and not key_end.strip(b"\"' "):
                value = value.strip()
                # on a line of its own, or with escapes: for those who parse it
                if not value or b"\\" in value or value[:1] in b"|>&*!":
                    return None
                for end in (b" #", b",", b"}", b"\n"):
                    paths.add(value.partition(end)[0].strip().strip(b"\"'"))
            place = text.find(b"path", place)
    return paths
