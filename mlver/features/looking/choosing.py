"""Versions that a filter means, in the order that was asked for, with the values asked for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

from mlver.errors import MlverError, UsageError, summarise_error
from mlver.features.looking.list import (
    ListedSource,
    ListedVersions,
    NewestVersions,
    ReadRecord,
    ReadRecords,
)
from mlver.policy.chain import judge_seal
from mlver.policy.filters.fields import NamedField, find_field
from mlver.policy.filters.grammar import ParsedFilter, parse_filter
from mlver.policy.filters.version_fields import VERSION_FIELDS, FilteredVersion, join_keys
from mlver.policy.filters.words import FilterError, FilterWord
from mlver.project.tags import seals
from mlver.records.values import flatten_values
from mlver.records.version import VersionRecord
from mlver.version import Version, highest_release, parse_version

VersionField: TypeAlias = NamedField[FilteredVersion]
Subjects: TypeAlias = Mapping[Version, FilteredVersion]

# These are read from the best, highest or newest down; a stage, an author and other names from A.
_FALLING = frozenset({"number", "date", "version"})
_COMMA = re.compile(r""",(?=(?:[^"]*"[^"]*")*[^"]*$)""")


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchingVersions:
    """The versions that `where` means, ordered by `order` (by their numbers if None).

    At most `limit` are shown, and beyond it those that hold a stage. `columns` are read of each.
    """

    limit: int | None
    where: ParsedFilter[FilteredVersion] | None
    order: VersionField | None
    columns: Sequence[VersionField]
    is_reversed: bool = False

    def choose_versions(self, source: ListedSource) -> ListedVersions:
        if self.where is None and self.order is None and not self.is_reversed:
            newest = NewestVersions(self.limit).choose_versions(source)
            readable, _ = _part_faults(newest.records)
            subjects = _build_subjects(source, readable)
            return replace(newest, values=self._read_values(source, subjects))
        numbers = source.project.registry.list_versions(source.model)[::-1]
        records = source.read_versions(numbers)
        readable, faults = _part_faults(records)
        subjects = _build_subjects(source, readable)
        if self.where is not None:
            _refuse_ambiguous(self.where, subjects)
        meant = [number for number in readable if self._is_meant(subjects[number])]
        shown = self._cut_list(source, self._order_versions(source, subjects, meant))
        return ListedVersions(
            numbers=shown,
            total=len(numbers),
            matching=len(meant),
            latest=highest_release(numbers),
            records=records,
            values=self._read_values(source, {number: subjects[number] for number in shown}),
            faults=faults,
        )

    def _read_values(
        self, source: ListedSource, subjects: Subjects
    ) -> dict[Version, Mapping[str, Any]]:
        """The columns of each version; say which of them none has."""
        if subjects:
            _note_absent(source, subjects, self.columns)
        values: dict[Version, Mapping[str, Any]] = {}
        for number, subject in subjects.items():
            values[number] = {field.name: field.read_value(subject) for field in self.columns}
        return values

    def _is_meant(self, subject: FilteredVersion) -> bool:
        return self.where is None or self.where.matches(subject)

    def _order_versions(
        self, source: ListedSource, subjects: Subjects, meant: Sequence[Version]
    ) -> list[Version]:
        """Sorted; those without a value come last, whichever way it goes."""
        if not meant and self.where is not None:
            _note_absent(source, subjects, self.where.fields)
        if self.order is None:
            return list(reversed(meant)) if self.is_reversed else list(meant)
        values: dict[Version, Any] = {}
        for number in meant:
            value = self.order.read_value(subjects[number])
            if value not in (None, ()):
                values[number] = _rank_value(self.order, value)
        if meant and not values:
            _note_absent(source, subjects, [self.order])
        is_falling = _falls_first(source, self.order) != self.is_reversed
        # Equal values stay in the order of versions.
        ordered = sorted(values, key=values.__getitem__, reverse=is_falling)
        ordered += [number for number in meant if number not in values]
        return ordered

    def _cut_list(self, source: ListedSource, numbers: Sequence[Version]) -> list[Version]:
        shown: list[Version] = []
        for place, number in enumerate(numbers):
            if self.limit is None or place < self.limit or str(number) in source.held:
                shown.append(number)
        return shown


def choose_matching(
    *,
    limit: int | None,
    where: str | None,
    sort: str | None,
    columns: Iterable[str],
    is_reversed: bool,
) -> MatchingVersions:
    """Read what was asked for; raise UsageError for what cannot be read."""
    fields: list[VersionField] = []
    for column in columns:
        names = list(filter(None, map(str.strip, _COMMA.split(column))))
        if not names:
            raise UsageError(f"--columns: `{column}` names no field; write version,stage,accuracy")
        fields += [_read_field(name, "--columns") for name in names]
    return MatchingVersions(
        limit=limit,
        where=None if where is None else parse_filter(where, VERSION_FIELDS),
        order=None if sort is None else _read_field(sort, "--sort"),
        columns=fields,
        is_reversed=is_reversed,
    )


def _read_field(text: str, option: str) -> VersionField:
    """A field by its name; what names no field names a metric."""
    segments = FilterWord("word", text, 0).read_segments()
    if segments[0] not in {name.partition(".")[0] for name in VERSION_FIELDS}:
        segments = ("metrics", *segments)
    try:
        return find_field(segments, VERSION_FIELDS)
    except UsageError as error:
        raise UsageError(f"{option}: {error.message}") from None


def _part_faults(records: ReadRecords) -> tuple[dict[Version, ReadRecord], tuple[str, ...]]:
    """The records that could be read, and why others could not."""
    readable: dict[Version, ReadRecord] = {}
    faults: list[str] = []
    for number, outcome in records.items():
        if isinstance(outcome, MlverError):
            faults.append(summarise_error(outcome))
        else:
            readable[number] = outcome
    return readable, tuple(faults)


def _build_subjects(source: ListedSource, records: Mapping[Version, ReadRecord]) -> Subjects:
    sealed = _SealedVersions(source, records)
    subjects: dict[Version, FilteredVersion] = {}
    for number, (record, _) in records.items():
        stages = source.held.get(record.version, ())
        subjects[number] = FilteredVersion(
            record,
            stages,
            partial(sealed.includes, number),
            source.retired.get(record.version),
        )
    return subjects


@dataclass(slots=True)
class _SealedVersions:
    """Which versions their tags seal: git is asked once, when the first of them is."""

    source: ListedSource
    records: Mapping[Version, ReadRecord]
    _states: dict[Version, bool] | None = None

    def includes(self, number: Version) -> bool:
        if self._states is None:
            self._states = self._read_states()
        return self._states[number]

    def _read_states(self) -> dict[Version, bool]:
        model = self.source.model
        known_seals = seals.read_seals(self.source.project, model, map(str, self.records))
        states: dict[Version, bool] = {}
        for number, (_, digest) in self.records.items():
            states[number] = not judge_seal(model, number, digest, known_seals[str(number)])
        return states


def _falls_first(source: ListedSource, field: VersionField) -> bool:
    """Say whether the first is the highest: of a metric, `directions` says which is better."""
    metric = field.name.removeprefix("metrics.")
    if source.settings is not None and metric != field.name:
        return source.settings.directions.get(metric) != "lower"
    return field.kind in _FALLING


def _rank_value(field: VersionField, value: Any) -> Any:
    """A value that can be compared with every other one of its field: numbers before text."""
    if field.kind == "version":
        return parse_version(value)
    if field.kind == "value":
        is_number = isinstance(value, int | float)
        return (not is_number, value if is_number else 0, str(value))
    return value


def _refuse_ambiguous(where: ParsedFilter[FilteredVersion], subjects: Subjects) -> None:
    """Raise FilterError for a name alone that means a metric and something else as well."""
    for word in where.bare:
        name = join_keys(word.read_segments())
        groups: list[str] = []
        for group in ("metrics", "params", "labels"):
            if any(name in _name_keys(subject.record, group) for subject in subjects.values()):
                groups.append(group)
        if len(groups) > 1 and "metrics" in groups:
            names = " or ".join(f"{group}.{word.text}" for group in groups)
            reason = f"`{word.text}` is in {' and in '.join(groups)}; write {names}"
            raise FilterError(where.text, word.position, reason)


def _note_absent(
    source: ListedSource, subjects: Subjects, asked_fields: Iterable[VersionField]
) -> None:
    """Say which of the fields no version has: perhaps it is called something else."""
    for field in asked_fields:
        if field.field.key is None:
            continue
        if any(field.read_value(subject) is not None for subject in subjects.values()):
            continue
        note = f"no version of {source.model} has {field.name}"
        group, _, name = field.name.partition(".")
        names: set[str] = set()
        for subject in subjects.values():
            names.update(_name_keys(subject.record, group))
        elsewhere = _find_elsewhere(subjects, group, name)
        close_names = difflib.get_close_matches(name, sorted(names), 1, 0.6)
        if elsewhere is not None:
            note += f"; is it {elsewhere}.{name}?"
        elif close_names:
            note += f"; is it {group}.{close_names[0]}?"
        source.project.reporter.show_note(note)


def _find_elsewhere(subjects: Subjects, group: str, name: str) -> str | None:
    """Find another group of free names that has this one."""
    for other in ("metrics", "params", "labels"):
        for subject in subjects.values():
            if other != group and name in _name_keys(subject.record, other):
                return other
    return None


def _name_keys(record: VersionRecord, group: str) -> list[str]:
    """The names that a record has in one of the groups of free names."""
    values = record.to_document().get(group, {})
    return list(flatten_values(values)) if isinstance(values, Mapping) else []
