"""One look at what is staged, for hooks: whether there is anything in it that mlver has to say something about.

Nearly every commit is answered here, by one git process and next to no imports, so that a hook costs nothing that is
noticed. Whatever this cannot answer at once is for `mlver.git.touched` to answer in full.
"""

from __future__ import annotations

import os

# From here on a file is worth a closer look. No guard can be set lower, so that this look never says too little.
SMALL = 65_536
_RECORDS = b".mlver/"
# Text that an attribute makes git count line by line, however large it is, and however long its lines are.
_MANY_LINES = 1_000
_SUSPECT = (b".pkl", b".pickle", b".joblib", b".dill")
_GIT = (
    *("git", "--no-pager", "--no-optional-locks", "--no-replace-objects"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "diff.relative=false"),
    # git then takes each larger file for binary, and tells so without reading it
    *("-c", f"core.bigFileThreshold={SMALL}"),
    *("diff", "--cached", "--raw", "--numstat", "-z", "--no-renames", "--no-abbrev"),
    *("--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=none"),
)


def is_quiet(*, files: bool = True) -> bool:
    """Whether this directory is a work tree's top, no merge is under way, and nothing staged is a record.

    With `files`, also that nothing staged is large, binary or named like a pickle. False where that cannot be told.
    """
    git_dir = os.environ.get("GIT_DIR", ".git")
    if not os.path.isdir(git_dir) or os.path.exists(f"{git_dir}/MERGE_HEAD"):  # noqa: PTH110, PTH112 - pathlib is slow
        return False
    # `git merge` runs its hook before it writes MERGE_HEAD
    if any(name.startswith("GITHEAD_") for name in os.environ):
        return False
    answer = _answer()
    return answer is not None and _says_nothing(answer, files=files)


def _answer() -> bytes | None:
    """What git says, None where it failed. Not by `subprocess`: importing it costs half as much as starting Python."""
    reading, writing = os.pipe()
    nowhere = os.open(os.devnull, os.O_RDWR)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, nowhere, 0), (os.POSIX_SPAWN_DUP2, writing, 1)]
        environment = {**os.environ, "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}
        process = os.posix_spawnp(
            "git", _GIT, environment, file_actions=[*actions, (os.POSIX_SPAWN_DUP2, nowhere, 2)]
        )
    except OSError:
        os.close(reading)
        return None
    finally:
        os.close(writing)
        os.close(nowhere)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    return said if os.waitpid(process, 0)[1] == 0 else None


def _says_nothing(answer: bytes, *, files: bool) -> bool:
    """Read `:modes ids kind`, path, … and then `added<TAB>deleted<TAB>path`, …, all ended by NUL."""
    fields = iter(answer.split(b"\0"))
    for field in fields:
        if field.startswith(b":"):
            path = next(fields)
            if path.startswith(_RECORDS) or (files and path.lower().endswith(_SUSPECT)):
                return False
        elif field and files:
            added, _, path = field.split(b"\t", 2)
            if (
                not added.isdigit()
                or int(added) > _MANY_LINES
                or (int(added) and not _is_small(path))
            ):
                return False
    return True


def _is_small(path: bytes) -> bool:
    """Whether a file is small as it lies there; one that is elsewhere by now is looked at in full."""
    try:
        return os.lstat(path).st_size <= SMALL
    except OSError:
        return False
