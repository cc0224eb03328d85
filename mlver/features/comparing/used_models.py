"""Which versions of other models two versions use, compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from mlver.digest import Digest
from mlver.features.comparing.value_diff import ValueChange, compare_values
from mlver.records.references import VersionUse
from mlver.terminal.words import shorten_digest

_KnownRecords: TypeAlias = Mapping[tuple[str, str], set[Digest]]


def compare_uses(old: Sequence[VersionUse], new: Sequence[VersionUse]) -> tuple[ValueChange, ...]:
    """The models of which other versions are used, each with those of either side.

    Two records of one number differ as well, and are told apart by their digests.
    """
    records: dict[tuple[str, str], set[Digest]] = {}
    for use in (*old, *new):
        records.setdefault((use.model, use.version), set()).add(use.record)
    return compare_values(_name_versions(old, records), _name_versions(new, records))


def _name_versions(uses: Sequence[VersionUse], records: _KnownRecords) -> dict[str, str]:
    named: dict[str, list[str]] = {}
    for use in sorted(uses, key=lambda use: use.version):
        name = use.version
        if len(records[use.model, use.version]) > 1:
            name += f" ({shorten_digest(str(use.record))})"
        named.setdefault(use.model, []).append(name)
    return {model: ", ".join(versions) for model, versions in named.items()}
