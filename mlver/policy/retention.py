"""Which versions that nothing leads to any more are kept all the same.

A pure rule: it only ever adds to what is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mlver.records.sections.retention import RetentionSettings, read_days
from mlver.version import Version


@dataclass(frozen=True, slots=True)
class LooseVersion:
    """A version whose record git still has, though nothing leads to it.

    `record` is the digest of the record's bytes, 64 hexadecimal digits. `created` is what the
    record says.
    """

    model: str
    number: Version
    record: str
    created: datetime
    labels: Mapping[str, Any] = field(default_factory=dict)


def select_kept(
    versions: Iterable[LooseVersion],
    settings: RetentionSettings,
    promoted: Mapping[str, AbstractSet[str]],
    now: datetime,
) -> dict[str, str]:
    """The records that are kept, each with the reason in words.

    `promoted` has the records that promotions to each stage name.
    """
    found = list(versions)
    kept: dict[str, str] = {}
    for version in _list_last(found, settings.keep_last):
        kept[version.record] = f"one of the last {settings.keep_last}"
    for version in found:
        reason = _find_reason(version, settings, promoted, now)
        if reason is not None:
            kept.setdefault(version.record, reason)
    return kept


def _list_last(versions: Iterable[LooseVersion], count: int) -> Iterator[LooseVersion]:
    """The highest versions of each model; all records of one number count as one."""
    by_model: dict[str, dict[Version, list[LooseVersion]]] = {}
    for version in versions:
        numbers = by_model.setdefault(version.model, {})
        numbers.setdefault(version.number, []).append(version)
    for numbers in by_model.values():
        for number in sorted(numbers, reverse=True)[:count]:
            yield from numbers[number]


def _find_reason(
    version: LooseVersion,
    settings: RetentionSettings,
    promoted: Mapping[str, AbstractSet[str]],
    now: datetime,
) -> str | None:
    for stage, records in sorted(promoted.items()):
        if stage in settings.keep_stages and version.record in records:
            return f"held {stage}"
    if settings.keep_for is not None and version.created > now - read_days(settings.keep_for):
        return f"not older than {settings.keep_for}"
    for label in settings.keep_labels:
        name, equals, value = label.partition("=")
        if name in version.labels and (not equals or str(version.labels[name]) == value):
            return f"labelled {label}"
    return None
