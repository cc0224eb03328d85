"""The versions of other models that a version uses, and those that these use in turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.project.registry.registry import RecordRegistry
from mlver.records.references import VersionUse
from mlver.records.version import VersionRecord
from mlver.version import Version


def find_lost_uses(
    registry: RecordRegistry, version: VersionRecord
) -> Iterator[tuple[VersionUse, str | None]]:
    """Each version that is used, and why it is not the one that was used; None where it is.

    Each is named by the number that it has by now.
    """
    known: set[VersionUse] = set()
    waiting = list(version.uses)
    while waiting:
        use = waiting.pop(0)
        if use in known:
            continue
        known.add(use)
        found = find_used(registry, use)
        if found is None:
            yield use, "is no version that is here as it was used"
            continue
        used, _ = found
        yield replace(use, version=used.version), None
        waiting += used.uses


def find_used(registry: RecordRegistry, use: VersionUse) -> tuple[VersionRecord, Digest] | None:
    """Find the record that was used and its digest, under whatever number a merge gave it since."""
    numbers: list[Version | str] = [use.version, *registry.list_versions(use.model)]
    for number in numbers:
        # One that cannot be read is named by its own check.
        with suppress(MlverError):
            record, digest = registry.read_version(use.model, number)
            former = None if record.renumbered is None else record.renumbered.record
            if use.record in (digest, former):
                return record, digest
    return None
