"""What has no place in git: large files, the artifacts that mlver keeps, and pickles where they are forbidden.

A file is told by its first bytes and its name. Nothing is unpickled or unpacked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mlver.errors import shell_command
from mlver.findings import Finding
from mlver.records.sections.guard import GuardSettings

PICKLES = (".pkl", ".pickle", ".joblib", ".dill")
PICKLED_FORMATS = frozenset({"pickle", "joblib"})
# What git is good at, whoever keeps it: a few lines of text.
SMALL = 65_536
_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
_LFS_POINTER_MAX = 1024
# Opcodes that a protocol of 2 or more goes on with (pickletools); a safetensors file can begin with the same two bytes.
_OPCODES = frozenset(b"}](){cXKMJGNIqBCTU\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x95\x96")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedFile:
    """A file on its way into git. `head` are its first bytes, or all where it is not large; `artifact` what pins it."""

    path: str
    size: int
    head: bytes
    artifact: str | None


def is_allowed(path: str, settings: GuardSettings) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in settings.allow)


def is_lfs_pointer(file: GuardedFile) -> bool:
    """Whether git-lfs keeps the contents, and git only a few lines that name them."""
    return file.size <= _LFS_POINTER_MAX and file.head.startswith(_LFS_POINTER)


def is_pickle(name: str, head: bytes) -> bool:
    """Whether loading a file may run code: a pickle, or a zip that holds one, as torch.save writes it."""
    if name.lower().endswith(PICKLES):
        return True
    if head.startswith(b"PK\x03\x04"):
        return b"data.pkl" in head
    return len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5 and head[2] in _OPCODES


def judge_file(file: GuardedFile, settings: GuardSettings) -> tuple[Finding, ...]:
    """Why a file has no place in git; nothing where it has."""
    if is_allowed(file.path, settings) or is_lfs_pointer(file):
        return ()
    out = shell_command("git", "rm", "--cached", "--", file.path)
    found = []
    if file.size > settings.max_file_size:
        message = f"is {file.size:,} bytes, and at most {settings.max_file_size:,} go into git (guard.allow in the settings excepts a file)"
        found.append(
            Finding(
                "size",
                file.path,
                message,
                (out,),
            )
        )
    elif file.artifact and (file.size > SMALL or b"\0" in file.head[:8000]):
        message = f"is an artifact ({file.artifact}), whose bytes mlver keeps"
        found.append(
            Finding(
                "artifact",
                file.path,
                message,
                (out, f"echo {shell_command(f'/{file.path}')} >> .gitignore"),
            )
        )
    if settings.pickle == "forbid" and is_pickle(file.path, file.head):
        found.append(
            _refuse_pickle(file.path, "is a pickle, which runs code when it is loaded", out)
        )
    return tuple(found)


def judge_artifact(
    where: str, path: str, told: str | None, files: Sequence[str], settings: GuardSettings
) -> tuple[Finding, ...]:
    """Whether a record pins a pickle at `path` though they are forbidden: by its format or by its files' names."""
    if settings.pickle != "forbid" or is_allowed(path, settings):
        return ()
    named = next((name for name in (path, *files) if name.lower().endswith(PICKLES)), None)
    if named is None and told not in PICKLED_FORMATS:
        return ()
    what = f"pins a pickle ({named or path}), which runs code when it is loaded"
    return (
        _refuse_pickle(where, what, "save the weights as safetensors or ONNX, then mlver register"),
    )


def _refuse_pickle(subject: str, message: str, hint: str) -> Finding:
    return Finding("pickle", subject, message, (hint,))
