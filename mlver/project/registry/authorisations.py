"""The authorisations of data sets, by digest."""

from __future__ import annotations

from collections.abc import Iterable

from mlver.digest import Digest
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.authorisation import AuthorisationRecord


def list_authorised(registry: RecordRegistry) -> list[Digest]:
    """List the digests of which anything was ever authorised or withdrawn."""
    digests: list[Digest] = []
    for name in registry.list_names(layout.AUTHORISATIONS):
        place = layout.parse_authorisation(f"{layout.AUTHORISATIONS}/{name}/0001.yaml")
        if place is not None:
            digests.append(place.data)
    return digests


def read_authorisation(
    registry: RecordRegistry, data: Digest, sequence: int
) -> AuthorisationRecord:
    """Read one; raise MlverError where there is none, or none that is valid."""
    path = layout.authorisation_path(data, sequence)
    return registry.read_placed("authorisation", AuthorisationRecord.from_document, path)


def read_authorisations(registry: RecordRegistry, data: Digest) -> list[AuthorisationRecord]:
    """Read all of a data set, oldest first."""
    sequences = registry.list_sequences(layout.authorisations_folder(data))
    return [read_authorisation(registry, data, sequence) for sequence in sequences]


def select_held_files(
    registry: RecordRegistry, directory: Digest, digests: Iterable[Digest]
) -> list[Digest]:
    """Select those of these digests that a directory holds as files; a file holds none."""
    wanted = list(digests)
    contents = registry.manifest_bytes(directory) if wanted else None
    return [digest for digest in wanted if digest.hex.encode() in (contents or b"")]
