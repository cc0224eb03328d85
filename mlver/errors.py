"""Every failure a person can cause or meet, as one small family.

The command line's error boundary turns these into a message, a `hint:` and an exit code; the Python
API lets them through. Anything else that escapes is a bug in mlver.
"""

from __future__ import annotations

import errno
import os
import re
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

# Every start of mlver and every commit's hook imports this module, and dataclasses costs both dear.
if TYPE_CHECKING:
    from mlver.findings import Finding

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL and C1 controls, escape among them
    "\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"  # invisible, bidirectional
    "\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"  # annotations, tags, undecodable
)


def printable_name(text: str) -> str:
    """A name that others chose, on one line, so that it cannot pass for a line of mlver's own.

    Everything that is not plain text is escaped as in Python (`\\n`, `\\x1b`, `\\u202e`).
    """
    return _UNSAFE.sub(lambda unsafe: ascii(unsafe[0])[1:-1], text)


def summarise_names(names: Sequence[str], most: int) -> str:
    """Names that others chose, each on a line of its own below a message.

    Of many, so many and how many more.
    """
    more = [f"  and {len(names) - most:,} more"] if len(names) > most else []
    return "\n".join([f"  {printable_name(name)}" for name in names[:most]] + more)


class MlverError(Exception):
    """Refused or failed: what happened to what, and the next commands to type. Exit code 3.

    `hint` is for the usual case of one command, `hints` for several. `findings` are what made it
    fail. `suggestion` is a word that was given, and what it was probably meant to be: the command
    line proposes the same command with that. `suggestion_option` is the option that was given the
    word, empty for an argument, or where nobody can tell.
    """

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        hints: Sequence[str] = (),
        findings: Sequence[Finding] = (),
        suggestion: tuple[str, str] | None = None,
        suggestion_option: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hints = tuple(hints) if hint is None else (hint, *hints)
        self.findings = tuple(findings)
        self.suggestion = suggestion
        self.suggestion_option = suggestion_option

    @property
    def hint(self) -> str | None:
        """The first of the hints."""
        return self.hints[0] if self.hints else None


class UsageError(MlverError):
    """The command line itself was wrong: a bad name, a path outside the repository, clashing
    options. Exit code 2.
    """

    exit_code = 2


class ReasonMissing(UsageError):
    """Nobody said why, or only by a placeholder; what was asked for is right otherwise."""


class InvalidDocument(MlverError):
    """A file that is not what its schema says.

    `faults` holds every fault found, each with its line and key path.
    """

    def __init__(
        self,
        where: str,
        faults: tuple[str, ...],
        *,
        hint: str | None = None,
        hints: Sequence[str] = (),
    ) -> None:
        listed = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(f"{where} is not valid:\n{listed}", hint=hint, hints=hints)
        self.where = where
        self.faults = faults


# The fault of a file in which git left both sides of a merge.
BOTH_SIDES = "it holds both sides of a merge that is not settled"


class NewerFormat(InvalidDocument):
    """A file that a newer mlver wrote: nobody here knows what it says."""


def summarise_error(error: MlverError, subject: str = "") -> str:
    """Put an error on one line, for a list; the `subject` that it begins with is left out there."""
    if isinstance(error, InvalidDocument):
        message = f"{error.where} is not valid: {'; '.join(error.faults)}"
    else:
        message = " ".join(line.strip() for line in error.message.splitlines())
    for separator in (": ", " "):
        if subject and message.startswith(subject + separator):
            return message.removeprefix(subject + separator)
    return message


class ObjectMissing(MlverError):
    """The object store holds no object of this digest."""


class ObjectDamaged(MlverError):
    """The stored bytes no longer hash to the name they are stored under."""


def shell_command(*words: str | os.PathLike[str]) -> str:
    """A command to type, for a hint: whatever a path or a tag is called, a shell reads it as the
    name it is.
    """
    return shlex.join(os.fspath(word) for word in words)


# What to do before the same command is run again, and the command that helps with it.
_REMEDIES = {
    errno.ENOSPC: ("free some space on that disk", "df -h"),
    errno.EDQUOT: ("free some of your disk quota", "quota -s"),
    errno.EROFS: ("remount that file system, which is read-only", "mount"),
    errno.EIO: ("check that disk, and keep a copy of this repository elsewhere", "dmesg"),
    errno.EMFILE: ("raise the limit on open files", "ulimit -n 4096"),
}
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM})


def refusal_error(
    doing: str, error: OSError, *, outcome: str = "nothing was changed"
) -> MlverError:
    """What the operating system refused while `doing` something, with its reason, the path and what
    to do about it.

    `outcome` is what became of the operation; empty where that cannot be told.
    """
    remedy, hint = _REMEDIES.get(error.errno or 0, ("fix that", None))
    path = ""
    if error.filename is not None:
        path = f": {os.fsdecode(error.filename)}"
        if error.errno in _FORBIDDEN:
            remedy = "get permission to read and write there"
            hint = shell_command("ls", "-ld", "--", os.fsdecode(error.filename))
    if error.filename2 is not None:
        path += f" to {os.fsdecode(error.filename2)}"
    words = f"{doing} failed: {error.strerror or error}{path}"
    if outcome:
        words = f"{words}; {outcome}"
    return MlverError(
        f"{words}; {remedy}, then run the same command again",
        hint=hint,
    )
