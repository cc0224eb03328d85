"""Params and metrics files against a version's record: which values in them are not its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mlver.errors import InvalidDocument, MlverError, UsageError
from mlver.project.worktree.value_files import (
    load_file_values,
    merge_values,
    read_value_file,
    split_numbers,
)
from mlver.records.model import ModelSettings
from mlver.records.values import flatten_values, is_same_value, pick_values
from mlver.records.version import VersionRecord

InputKind = Literal["params", "metrics"]
FileState = Literal["changed", "missing", "unreadable"]
# What a file holds; None where there is none, the error where it cannot be read.
FileContents = Mapping[str, bytes | MlverError | None]


@dataclass(frozen=True, slots=True)
class InputGroup:
    """The params of a version, or its metrics, and the files that such values are read from.

    Of what these hold, only the dotted names `keys` are read, or all without.

    `replaced` are the values, by dotted name, that the files had where the command line gave other
    ones. `secret` are names of values, or of groups, that the record holds encrypted: what files
    say of them is not compared.
    """

    kind: InputKind
    recorded: Mapping[str, Any]
    files: tuple[str, ...]
    replaced: Mapping[str, Any] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()

    def is_secret(self, name: str) -> bool:
        """Whether the value of this dotted name is one that the record holds encrypted."""
        return any(f"{name}.".startswith(f"{group}.") for group in self.secret)


def list_groups(record: VersionRecord, settings: ModelSettings | None) -> tuple[InputGroup, ...]:
    """List the params and the metrics; neither where there are no settings that name files."""
    if settings is None:
        return ()
    replaced = record.replaced_values
    return (
        InputGroup(
            "params",
            record.params,
            settings.params,
            replaced["params"],
            settings.param_keys,
            tuple(record.secrets),
        ),
        InputGroup(
            "metrics", record.metrics, settings.metrics, replaced["metrics"], settings.metric_keys
        ),
    )


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """A params or metrics file that is not the version's.

    `names` are the values, by dotted name, that it has and the version has not, or the other way
    round. `source` is a commit that holds the file as the version had it, None where none is known.
    """

    path: str
    kind: InputKind
    state: FileState
    names: tuple[str, ...]
    source: str | None = None


@dataclass(frozen=True, slots=True)
class ChangedValues:
    """The values of files against those of a record.

    `owners` says of each value, by dotted name, which file it comes from; `differing` are those
    that the record has otherwise or lacks, and `absent` those that only the record has.
    """

    owners: Mapping[str, str]
    differing: tuple[str, ...]
    absent: tuple[str, ...]
    missing: tuple[str, ...]
    unreadable: tuple[str, ...]

    @property
    def belongs(self) -> bool:
        """Say whether no value in the files is another than the record's."""
        return not self.differing and not self.unreadable


def read_working_files(top: Path, files: Sequence[str]) -> FileContents:
    """Read files as they lie below a folder."""
    contents: dict[str, bytes | MlverError | None] = {}
    for path in files:
        try:
            contents[path] = read_value_file(top, path)
        except MlverError as error:
            contents[path] = error
    return contents


def compare_contents(group: InputGroup, contents: FileContents) -> ChangedValues:
    """Compare what these files hold, a later one over an earlier one, with the record."""
    merged: dict[str, Any] = {}
    owners: dict[str, str] = {}
    missing: list[str] = []
    unreadable: list[str] = []
    for path, data in contents.items():
        if data is None:
            missing.append(path)
            continue
        try:
            file_values = _load_contents(group, path, data)
        except (InvalidDocument, UsageError):
            unreadable.append(path)
            continue
        merged = merge_values(merged, file_values)
        owners.update(dict.fromkeys(flatten_values(file_values), path))
    present = flatten_values(merged)
    recorded = {**flatten_values(group.recorded), **group.replaced}
    differing: list[str] = []
    for name, value in present.items():
        if group.is_secret(name):
            continue
        if name not in recorded or not is_same_value(value, recorded[name]):
            differing.append(name)
    absent = tuple(name for name in recorded if name not in present)
    return ChangedValues(owners, tuple(differing), absent, tuple(missing), tuple(unreadable))


def _load_contents(group: InputGroup, path: str, data: bytes | MlverError) -> Mapping[str, Any]:
    if isinstance(data, MlverError):
        raise InvalidDocument(path, (data.message,))
    loaded = pick_values(load_file_values(path, data, group.keys), group.keys)
    if group.kind == "params":
        return loaded
    # an adopted version has left out what is no number
    numbers, _ = split_numbers(loaded)
    return numbers


def find_foreign(
    group: InputGroup, now: ChangedValues, before: ChangedValues | None
) -> Iterator[ForeignFile]:
    """Find the files that are not the version's.

    `before` compares the files of the version's code commit, if it is here: a value that only the
    record has was in the file that had it then, or else on the command line.
    """
    names: dict[str, list[str]] = {}
    for name in now.differing:
        names.setdefault(now.owners[name], []).append(name)
    unexplained = False
    for name in now.absent:
        owner = None
        if before is not None:
            owner = before.owners.get(name)
        if owner is None:
            unexplained = True
        else:
            names.setdefault(owner, []).append(name)
    for path in group.files:
        own_names = tuple(names.get(path, ()))
        if path in now.unreadable:
            yield ForeignFile(path, group.kind, "unreadable", ())
        elif path in now.missing:
            # no commit has to have it: metrics may be registered before they are committed
            if own_names or unexplained:
                yield ForeignFile(path, group.kind, "missing", own_names)
        elif own_names:
            yield ForeignFile(path, group.kind, "changed", own_names)
