"""What has no place in git: large files, artifacts that mlver keeps, and forbidden pickles.

A file is judged by its size, its name and its first bytes. Nothing is unpickled or unpacked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mlver.errors import shell_command
from mlver.findings import Finding
from mlver.policy.staged_files import PICKLE_SUFFIXES, SMALL_FILE_BYTES
from mlver.records.lfs_pointer import parse_lfs_pointer
from mlver.records.sections.guard import GuardSettings

PICKLED_FORMATS = frozenset({"pickle", "joblib"})
# The opcodes that a pickle of protocol 2 or later may go on with (see pickletools). They tell it
# from a safetensors file, which can begin with the same two bytes.
_OPCODES = frozenset(b"}](){cXKMJGNIqBCTU\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x95\x96")
_PROTOCOL_OPCODE = 0x80
_PROTOCOLS = range(2, 6)
# git itself takes a file for binary when it finds a NUL this early in it.
_BINARY_HEAD = 8_000


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


def is_pickle(name: str, head: bytes) -> bool:
    """Whether loading a file may run code.

    That is a pickle, or a zip archive that holds one, as torch.save writes it.
    """
    if _is_named_pickle(name):
        return True
    if head.startswith(b"PK\x03\x04"):
        return b"data.pkl" in head
    if len(head) < 3:
        return False
    start, protocol, opcode = head[:3]
    return start == _PROTOCOL_OPCODE and protocol in _PROTOCOLS and opcode in _OPCODES


def judge_file(file: GuardedFile, settings: GuardSettings) -> tuple[Finding, ...]:
    """Why a file has no place in git; nothing where it has."""
    # git-lfs keeps the bytes of a pointer, and git only the few lines that name them
    if is_allowed(file.path, settings) or parse_lfs_pointer(file.head):
        return ()
    unstage = shell_command("git", "rm", "--cached", "--", file.path)
    findings: list[Finding] = []
    if file.size > settings.max_file_size:
        message = (
            f"is {file.size:,} bytes, and at most {settings.max_file_size:,} go into git"
            " (guard.allow in the settings excepts a file)"
        )
        findings.append(Finding("size", file.path, message, (unstage,)))
    elif file.artifact and _is_large_or_binary(file):
        message = f"is an artifact ({file.artifact}), whose bytes mlver keeps"
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
    pickles = [name for name in (path, *files) if _is_named_pickle(name)]
    if not pickles and file_format not in PICKLED_FORMATS:
        return ()
    named = pickles[0] if pickles else path
    message = f"pins a pickle ({named}), which runs code when it is loaded"
    hint = "save the weights as safetensors or ONNX, then mlver register"
    return (Finding("pickle", record, message, (hint,)),)


def _is_named_pickle(name: str) -> bool:
    return name.lower().endswith(PICKLE_SUFFIXES)


def _is_large_or_binary(file: GuardedFile) -> bool:
    return file.size > SMALL_FILE_BYTES or b"\0" in file.head[:_BINARY_HEAD]
