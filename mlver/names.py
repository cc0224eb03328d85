"""The names people choose, and what each may look like; every check raises UsageError with a hint.

Names become paths, tags and YAML keys on many machines, so they are narrow on purpose: nothing that
a shell, git, a case-blind file system or an option parser would read as something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mlver.errors import ReasonMissing, UsageError, shell_command

LATEST = "latest"
# The stage of the version to go back to when all else fails.
GOLDEN = "golden"
# What stands in hints for the words of a person.
PLACEHOLDER = "WHY"
MAX_PATH_BYTES = 4096

_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_STAGE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_DATA = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_REMOTE = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_TARGET = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,62}")
_UNSAFE_IN_PATH = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def check_model(name: str) -> str:
    """A model name, fit to be a folder and the first half of a git tag (`<model>@v<version>`)."""
    if not _MODEL.fullmatch(name):
        raise UsageError(
            f"{_quote_text(name)} is not a model name; use 1 to 100 letters, digits, `.`, `_` and"
            " `-`, beginning with a letter or a digit"
        )
    if ".." in name or name.endswith((".", ".lock")):
        raise UsageError(
            f"{_quote_text(name)} is not a model name: git takes no tag like that;"
            " leave out `..`, and do not end in `.` or `.lock`"
        )
    return name


def check_distinct(name: str, existing: Iterable[str]) -> str:
    """Refuse a model name that differs from an existing one by letter case only: one folder on many
    file systems.
    """
    for other in existing:
        if other != name and other.casefold() == name.casefold():
            raise UsageError(
                f"{_quote_text(name)} differs from the model `{other}` by letter case only"
            )
    return name


def check_stage(name: str) -> str:
    if name == LATEST:
        raise UsageError("`latest` always means the highest release; give the stage another name")
    if not _STAGE.fullmatch(name):
        raise UsageError(
            f"{_quote_text(name)} is not a stage name; use 1 to 32 lower-case letters, digits and"
            " `_`, beginning with a letter, such as production"
        )
    return name


def check_target(name: str) -> str:
    """The name of a place that serves versions, fit to be a folder."""
    if not _TARGET.fullmatch(name):
        raise UsageError(
            f"{_quote_text(name)} is not the name of a target; use 1 to 32 lower-case letters,"
            " digits, `_` and `-`, beginning with a letter, such as production-host"
        )
    return name


def check_data_set(name: str) -> str:
    """A data set's name; `weights` is taken, so that one word names one artifact of a version."""
    if name == "weights" or not _DATA.fullmatch(name):
        raise UsageError(
            f"{_quote_text(name)} is not a data set name; use 1 to 64 lower-case letters, digits,"
            " `_` and `-`, beginning with a letter (not `weights`)"
        )
    return name


def check_remote(name: str) -> str:
    if not _REMOTE.fullmatch(name):
        raise UsageError(
            f"{_quote_text(name)} is not the name of a remote; use 1 to 32 lower-case letters,"
            " digits, `_` and `-`, beginning with a letter, such as storage"
        )
    return name


def check_label(key: str) -> str:
    if not _LABEL.fullmatch(key):
        raise UsageError(
            f"{_quote_text(key)} is not a label key; use 1 to 63 letters, digits, `.`, `_`, `/`"
            " and `-`, beginning with a letter or a digit"
        )
    return key


def find_similar(word: str, known: Iterable[str]) -> str | None:
    """The one of the known words that `word` is, but for a typing error; None where it may be more
    than one, or none.

    A word that only looks alike means something else: `delete` is not `release`.
    """
    # A short word with another letter is another word; a long one has room for two errors.
    most = 2 if len(word) > 7 else 1
    exchange = 1 if len(word) > 4 else 2
    close: list[str] = []
    for name in known:
        if abs(len(name) - len(word)) <= most and _count_errors(word, name, exchange) <= most:
            close.append(name)
    return close[0] if len(close) == 1 and len(word) > 1 else None


def _count_errors(typed: str, meant: str, exchange: int) -> int:
    """How many letters were left out, added, swapped with the next, or exchanged for another.

    An exchanged letter counts as `exchange` errors (optimal string alignment).
    """
    before: list[int] = []
    row = list(range(len(meant) + 1))
    for place, letter in enumerate(typed, 1):
        following = [place]
        for column, other in enumerate(meant, 1):
            same = 0 if letter == other else exchange
            errors = min(row[column] + 1, following[-1] + 1, row[column - 1] + same)
            is_swapped = place > 1 and column > 1 and typed[place - 2] == other
            if is_swapped and letter == meant[column - 2]:
                errors = min(errors, before[column - 2] + 1)
            following.append(errors)
        before, row = row, following
    return row[-1]


def check_text(text: str, what: str) -> str:
    """Check text of the command line, or of a program, which may give a NUL.

    Bytes that are not UTF-8 come as lone surrogates.
    """
    if "\0" in text:
        raise UsageError(f"{what} has a NUL character, which git takes in no text; leave it out")
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise UsageError(f"{what} is not UTF-8 text: {_quote_text(text)}; give it in UTF-8")
    return text


def check_reason(message: str, noun: str, words: Sequence[str], *, is_kept: bool = True) -> str:
    """Check why something is recorded; `noun` is what needs it, `words` the command without it.

    Hints have a placeholder in its place, and who pastes one would keep that for ever, unless it
    is a dry run, of which nothing `is_kept`.
    """
    check_text(message, "the message")
    hint = shell_command(*words, "-m", PLACEHOLDER)
    if not message.strip():
        raise ReasonMissing(f"{noun} needs a reason", hint=hint)
    if is_kept and message.strip() == PLACEHOLDER:
        raise ReasonMissing(
            f"{PLACEHOLDER} stands for your own words: {noun} keeps them for ever", hint=hint
        )
    return message


def check_artifact_path(path: str) -> str:
    """A path as records hold it: relative to the root, inside the repository, not git's or mlver's.

    This is `find_path_fault`, and what only a record asks for: text of a sane length that does not
    reach into `.mlver`.
    """
    reason = find_path_fault(path) or _find_record_fault(path)
    if reason is not None:
        raise UsageError(
            f"{_quote_text(path)} cannot be an artifact path: it {reason};"
            " give a path inside the repository, such as models/weights.safetensors"
        )
    return path


def _find_record_fault(path: str) -> str | None:
    if _UNSAFE_IN_PATH.search(path):
        return "has control characters or bytes that are not UTF-8"
    if len(path.encode()) > MAX_PATH_BYTES:
        return f"is longer than {MAX_PATH_BYTES} bytes"
    if is_reserved_path(path.split("/")):
        return "reaches into `.mlver`, where mlver keeps its own files"
    return None


def _quote_text(text: str) -> str:
    """The text in backticks, made safe to print: the person who chose it may not be the one who
    reads the message.
    """
    return f"`{text}`" if text.isprintable() else f"`{ascii(text)[1:-1]}`"


# Code points that HFS+ drops from names, so that ".g\u200cit" opens .git there; git refuses them.
_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
# An ASCII path without any of these has no fault: one search for the many that are right.
_SUSPECT = re.compile(r"^$|^[/.]|/[/.]|/$|\0")


def is_git_name(component: str) -> bool:
    """Whether a file system may take this name for `.git`."""
    return _fold_name(component) == ".git"


def is_reserved_path(components: Sequence[str]) -> bool:
    """Whether a path below the root belongs to git or to mlver."""
    if components and _fold_name(components[0]) == ".mlver":
        return True
    return any(map(is_git_name, components))


def _fold_name(component: str) -> str:
    """What a name is on a file system that ignores letter case and some code points."""
    return _IGNORED.sub("", component).casefold()


def find_path_fault(relative: str) -> str | None:
    """What is wrong with a relative POSIX path that a repository names, or None.

    The one rule of where a file may lie. Manifests, records and everything that joins a path to the
    root follow it.
    """
    if relative.isascii() and not _SUSPECT.search(relative):
        return None
    parts = relative.split("/")
    if not relative:
        return "is empty"
    if "\0" in relative:
        return "has a NUL character"
    if relative.startswith("/"):
        return "is absolute"
    if "" in parts:
        return "has an empty part"
    if ".." in parts or "." in parts:
        return "has a `..` or `.` part"
    if any(map(is_git_name, parts)):
        return "reaches into `.git`"
    return None
