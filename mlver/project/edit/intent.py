"""The plan of a command, on disk before it is carried out, so that a killed command is completed
or undone.

The rule: an edit whose commit landed is completed (its tags are made), any other is undone (its
files are put back); a checkout is completed. Both are judged by what git and the files say, not by
how far the dead process claims to be.

The file may be anybody's (a repository can come as an archive, `.git` and all). So it is believed
only where this user's own mlver wrote it (`mlver.system.proof`). Names are checked here all the
same, paths where they are used, and what a tag says is made from the record it seals.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError
from mlver.records.artifact import Artifact
from mlver.records.tags import read_tag_name
from mlver.system import durable, proof
from mlver.system.regular import read_regular

_FILE = "intent.json"
_INDEX = "index"
_QUARANTINE = "quarantine"
_FORMAT = 7
# It had no `only`: a checkout put all artifacts in place.
_FORMAT_WITHOUT_ONLY = 6
# Only where something is exported, so that an older mlver still settles all else.
_FORMAT_WITH_EXPORT = 8
_READABLE = (_FORMAT, _FORMAT_WITHOUT_ONLY, _FORMAT_WITH_EXPORT)
# Far more than the settings and model files that a plan keeps can come to.
_MOST_BYTES = 256 << 20
_SHOWN_LETTERS = 100
_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# git's own rules for a name (git-check-ref-format(1)), as far as a hostile plan could use them
_BRANCH = re.compile(r"refs/heads/(?!.*\.\.)[^\x00-\x20\x7f~^:?*\[\\]+")

_Old = TypeVar("_Old")
_New = TypeVar("_New")


@dataclass(frozen=True, slots=True)
class PlannedTag:
    """A tag to be made on the commit that lands `path`, or on `commit` where it has landed.

    `code` is the commit of a version's code, which a reference is to keep.
    """

    name: str
    message: str
    path: str
    commit: str | None = None
    code: str | None = None


class ForeignIntent(MlverError):
    """There is a plan that this user's mlver did not write, or that nobody can read."""


@dataclass(frozen=True, slots=True)
class SealSource:
    """Where the records that get their tags are: in the history of the commit `tip`.

    With `main_line`, what counts is the commit that brought each to the line of first parents.
    """

    tip: str
    main_line: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandIntent:
    """One command's plan.

    Paths are relative to `top`, the work tree it ran in; `git_dir` is that tree's own, relative to
    the common one, and tells the tree even after the whole repository was moved or copied.

    `branch` is the full reference the edit commits to, None for one that only stages. `writes` maps
    each path to the digest of its new bytes (None: it is to be gone), `before` to its old bytes
    (None: there was no such file), `index` to git's index entry (None: not in the index). `tags`
    names the tags it makes: on the commit that lands their records, or on those that `sealing`
    leads to. `during` tells the merge it settles (`MergeState.identity`), `untags` the tags it
    deletes, each with its object's id. `checkout` names the version whose files are being put in
    place: model, version, and the folder they go to, relative to `top` unless it lies outside;
    `inputs` are the params and metrics files that come with them, as objects of the store.
    `only` names the artifacts that are put in place, all of them if it is empty.
    `followed` are the links that they are written through: the path of each, and the real path of
    the folder that it leads to. `export` is the whole path of a folder of ours in which an export
    is made, to be removed.
    """

    what: str
    top: str
    git_dir: str
    branch: str | None = None
    writes: Mapping[str, Digest | None] = field(default_factory=dict)
    before: Mapping[str, bytes | None] = field(default_factory=dict)
    index: Mapping[str, str | None] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    sealing: SealSource | None = None
    during: str | None = None
    untags: Mapping[str, str] = field(default_factory=dict)
    checkout: tuple[str, str, str] | None = None
    inputs: tuple[Artifact, ...] = ()
    only: tuple[str, ...] = ()
    followed: Mapping[str, str] = field(default_factory=dict)
    export: str | None = None


def write_intent(directory: Path, intent: CommandIntent) -> None:
    """Put the intent on disk; from here on a crash is recovered from."""
    document = {
        "format": _FORMAT,
        "what": intent.what,
        "pid": os.getpid(),
        "top": intent.top,
        "git_dir": intent.git_dir,
        "branch": intent.branch,
        "writes": _map_values(str, intent.writes),
        "before": _map_values(_encode_bytes, intent.before),
        "index": dict(intent.index),
        "tags": list(intent.tags),
        "sealing": None,
        "during": intent.during,
        "untags": dict(intent.untags),
        "checkout": intent.checkout,
        "inputs": [artifact.to_document() for artifact in intent.inputs],
        "only": list(intent.only),
        "followed": dict(intent.followed),
    }
    if intent.sealing is not None:
        document["sealing"] = [intent.sealing.tip, intent.sealing.main_line]
    if intent.export is not None:
        document |= {"format": _FORMAT_WITH_EXPORT, "export": intent.export}
    document["proof"] = proof.sign_data(_encode_canonically(document))
    text = json.dumps(document, indent=1)
    durable.write_file(directory / _FILE, text.encode())


def read_pending(directory: Path) -> CommandIntent | None:
    """Read the intent that a dead process left; None where the last command ended properly.

    The mlver before this one may have left it. Raise ForeignIntent where it is not this user's own.
    """
    path = directory / _FILE
    try:
        document = json.loads(read_regular(path, _MOST_BYTES))
        signature = document.pop("proof", "")
        if document["format"] not in _READABLE:
            raise _build_unreadable_error(path)
        if not proof.is_signed(_encode_canonically(document), signature, path):
            raise _build_foreign_error(str(document["what"]))
        if document["format"] == _FORMAT_WITHOUT_ONLY:
            document["only"] = []
        return _parse_intent(document)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, UsageError):
        # The file may be anybody's, so any of its values may be of any type.
        raise _build_unreadable_error(path) from None


def _encode_canonically(document: Mapping[str, Any]) -> bytes:
    """Encode what is signed: what the document says, however it is laid out."""
    return json.dumps(document, sort_keys=True).encode()


def _parse_intent(document: Mapping[str, Any]) -> CommandIntent:
    tags = tuple(document["tags"])
    untags = dict(document["untags"].items())
    branch = document["branch"]
    _check_tags(tags)
    _check_tags(untags)
    _check_object_ids(untags.values())
    sealing = None
    if document["sealing"] is not None:
        sealing = SealSource(*document["sealing"])
        _check_object_ids([sealing.tip])
    if branch is not None and not _BRANCH.fullmatch(branch):
        raise ValueError("a name that git would not take")
    checkout = document["checkout"]
    if checkout is not None:
        checkout = tuple(checkout)
    return CommandIntent(
        what=str(document["what"]),
        top=document["top"],
        git_dir=document["git_dir"],
        branch=branch,
        writes=_map_values(Digest.parse, document["writes"]),
        before=_map_values(base64.b64decode, document["before"]),
        index=document["index"],
        tags=tags,
        sealing=sealing,
        during=document["during"],
        untags=untags,
        checkout=checkout,
        inputs=tuple(map(Artifact.from_document, document["inputs"])),
        only=tuple(map(str, document["only"])),
        followed={str(path): str(target) for path, target in document["followed"].items()},
        export=None if document.get("export") is None else str(document["export"]),
    )


def _map_values(
    convert: Callable[[_Old], _New], values: Mapping[str, _Old | None]
) -> dict[str, _New | None]:
    """Convert each value; None, which stands for a file that is not there, stays."""
    converted: dict[str, _New | None] = {}
    for path, value in values.items():
        converted[path] = None
        if value is not None:
            converted[path] = convert(value)
    return converted


def _check_tags(names: Iterable[str]) -> None:
    """Raise ValueError for a tag that is none of mlver's: no plan makes or deletes another."""
    for name in names:
        if read_tag_name(name) is None:
            raise ValueError("a tag that mlver would not make")


def _check_object_ids(object_ids: Iterable[str]) -> None:
    for object_id in object_ids:
        if not _ID.fullmatch(object_id):
            raise ValueError("no id of a git object")


def read_start_time(directory: Path) -> float:
    """Read when the pending intent was put on disk, in seconds since the epoch."""
    return (directory / _FILE).lstat().st_mtime


def drop_intent(directory: Path) -> None:
    """Remove the plan: it is carried out or undone."""
    # The plan goes first: while there is one, a recovery may need the index.
    durable.remove_file(directory / _FILE)
    durable.discard_temporary(directory / _INDEX)


def keep_index(directory: Path, data: bytes | None) -> None:
    """Keep git's index beside the pending intent.

    `git commit --only` renames an index into place that it never synced.
    """
    if data is not None:
        durable.write_file(directory / _INDEX, data)


def read_kept_index(directory: Path) -> bytes | None:
    """Read the index that was kept; None where the repository had none."""
    try:
        return read_regular(directory / _INDEX)
    except FileNotFoundError:
        return None


def _encode_bytes(data: bytes) -> str:
    return base64.b64encode(data).decode()


def set_aside(directory: Path) -> Path:
    """Move the pending intent, and what belongs to it, to the quarantine; return its new place."""
    quarantine = directory / _QUARANTINE
    durable.make_directory(quarantine)
    name = f"intent-{secrets.token_hex(6)}"
    moved = quarantine / f"{name}.json"
    index = directory / _INDEX
    if os.path.lexists(index):
        index.rename(quarantine / f"{name}.{_INDEX}")
    # Last: until it is moved, the same can be done again.
    (directory / _FILE).rename(moved)
    durable.sync_directories([quarantine, directory])
    return moved


def _build_unreadable_error(path: Path) -> ForeignIntent:
    return ForeignIntent(
        f"{path} tells of an interrupted command, but not in a way this mlver understands;"
        " run the mlver that wrote it once more, or set the file aside",
        hint="mlver doctor --fix",
    )


def _build_foreign_error(what: str) -> ForeignIntent:
    return ForeignIntent(
        f"`{what[:_SHOWN_LETTERS]}` was interrupted here, but not by your own mlver on this"
        " machine, so nothing of its plan is believed; whoever ran it can finish it by any mlver"
        " command that writes, or set the plan aside",
        hint="mlver doctor --fix",
    )
