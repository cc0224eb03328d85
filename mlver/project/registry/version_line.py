"""All versions of a model in their order, for what tells how one became the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.errors import MlverError, summarise_error
from mlver.project.registry.registry import RecordRegistry
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True)
class VersionLine:
    """The versions that can be read, from the lowest, and the digest of each one's record.

    `faults` say why others cannot be read.
    """

    records: tuple[VersionRecord, ...]
    digests: tuple[Digest, ...]
    faults: tuple[str, ...]

    def list_steps(self) -> Iterator[tuple[VersionRecord, VersionRecord | None]]:
        """List the versions, each with the one before it: the one that it names, else the lower."""
        by_number = {record.version: record for record in self.records}
        before: VersionRecord | None = None
        for record in self.records:
            yield record, by_number.get(record.previous or "", before)
            before = record


def read_version_line(registry: RecordRegistry, model: str) -> VersionLine:
    """Read every version of a model that can be read."""
    records: list[VersionRecord] = []
    digests: list[Digest] = []
    faults: list[str] = []
    for outcome in registry.read_versions(model, registry.list_versions(model)):
        if isinstance(outcome, MlverError):
            faults.append(summarise_error(outcome))
            continue
        record, digest = outcome
        records.append(record)
        digests.append(digest)
    return VersionLine(tuple(records), tuple(digests), tuple(faults))
