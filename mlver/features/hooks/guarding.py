"""What has no place in git: large files, artifacts that mlver keeps, and forbidden pickles.

A file is judged by its size, its name and its first bytes. Nothing is unpickled or unpacked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mlver.content.pickles import PICKLED_FORMATS, is_named_pickle, is_pickle
from mlver.content.pointers import find_pointer
from mlver.errors import shell_command
from mlver.findings import Finding
from mlver.records.sections.guard import GuardSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedFile:
    """A file on its way into git.

    `head` are its first bytes, or all of them where it is not large. `artifact` names what pins it.
    """

    path: str
    size: int
    head: bytes
    artifact: str | None


def is_allowed(path: str, settings: GuardSettings) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in settings.allow)


def judge_file(file: GuardedFile, settings: GuardSettings) -> tuple[Finding, ...]:
    """Why a file has no place in git; nothing where it has."""
    # somebody else keeps the bytes of a pointer, and git only the few lines that name them
    if is_allowed(file.path, settings) or find_pointer(file.path, file.head):
        return ()
    unstage = shell_command("git", "rm", "--cached", "--", file.path)
    findings: list[Finding] = []
    if file.size > settings.max_file_size:
        message = (
            f"is {file.size:,} bytes, and at most {settings.max_file_size:,} go into git"
            " (guard.allow in the settings excepts a file)"
        )
        findings.append(Finding("size", file.path, message, (unstage,)))
    elif file.artifact and not _is_for_git(file.path):
        message = (
            f"is an artifact ({file.artifact}), whose bytes mlver keeps"
            " (guard.allow in the settings excepts a file)"
        )
        ignore = f"echo {shell_command(f'/{file.path}')} >> .gitignore"
        findings.append(Finding("artifact", file.path, message, (unstage, ignore)))
    if settings.pickle == "forbid" and is_pickle(file.path, file.head):
        message = "is a pickle, which runs code when it is loaded"
        findings.append(Finding("pickle", file.path, message, (unstage,)))
    return tuple(findings)


def judge_artifact(
    record: str,
    path: str,
    file_format: str | None,
    files: Sequence[str],
    settings: GuardSettings,
) -> tuple[Finding, ...]:
    """Whether a record pins a pickle though pickles are forbidden.

    The format that the record states for `path`, or the name of one of its files, says so.
    """
    if settings.pickle != "forbid" or is_allowed(path, settings):
        return ()
    pickles = [name for name in (path, *files) if is_named_pickle(name)]
    if not pickles and file_format not in PICKLED_FORMATS:
        return ()
    named = pickles[0] if pickles else path
    message = (
        f"pins a pickle ({named}), which runs code when it is loaded;"
        " save the weights as safetensors or ONNX"
    )
    hint = "mlver register MODEL --weights PATH -m WHY"
    return (Finding("pickle", record, message, (hint,)),)


def _is_for_git(path: str) -> bool:
    """Whether a file says how git is to treat what lies beside it."""
    return path.rpartition("/")[2].startswith(".git")
