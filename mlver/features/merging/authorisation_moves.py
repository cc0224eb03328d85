"""What becomes of the authorisations of the side that gives way: they follow those of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mlver.digest import Digest
from mlver.document import codec
from mlver.errors import shell_command
from mlver.features.merging.outcomes import RecordMove, RecordOutcome, RewrittenRecord
from mlver.findings import Finding
from mlver.policy.authorisation import is_ended_by
from mlver.project.registry.attached import find_last_link
from mlver.project.registry.authorisations import read_authorisation, read_authorisations
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.authorisation import AuthorisationRecord


@dataclass(frozen=True, slots=True)
class MovedAuthorisations:
    """`places` are the own records that are concerned, and `outcomes` what becomes of each."""

    places: tuple[str, ...]
    outcomes: tuple[RecordOutcome, ...]


def move_authorisations(
    kept: CommittedRecords, own: CommittedRecords, base: CommittedRecords
) -> MovedAuthorisations:
    """Give every own authorisation the next free number of its data.

    A grant that would come to stand behind a withdrawal it did not know of is left out: it would
    undo that, and nobody meant it to.
    """
    places: dict[Digest, list[layout.AuthorisationPath]] = {}
    paths: list[str] = []
    for path, entry in own.entries.items():
        place = layout.parse_authorisation(path)
        if place is None or path in base.entries or kept.entries.get(path) == entry:
            continue
        places.setdefault(place.data, []).append(place)
        paths.append(path)
    own.fetch_files(paths)
    outcomes: list[RecordOutcome] = []
    for data, own_places in places.items():
        mover = _Mover(kept=RecordRegistry(kept), base=RecordRegistry(base), data=data)
        for place in sorted(own_places, key=lambda listed: listed.sequence):
            record = read_authorisation(RecordRegistry(own), data, place.sequence)
            outcomes.append(mover.move_record(record, own.read_file(record.record_path)))
    return MovedAuthorisations(tuple(paths), tuple(outcomes))


@dataclass(slots=True)
class _Mover:
    """The chain of one data set, as far as it is put together; `prior` is its last record."""

    kept: RecordRegistry
    base: RecordRegistry
    data: Digest
    sequence: int = field(init=False)
    prior: Digest | None = field(init=False)
    unknown: Sequence[AuthorisationRecord] = field(init=False)

    def __post_init__(self) -> None:
        folder = layout.authorisations_folder(self.data)
        self.sequence, self.prior = find_last_link(self.kept, folder)
        known = read_authorisations(self.base, self.data)
        kept = read_authorisations(self.kept, self.data)
        self.unknown = [record for record in kept if record not in known]

    def move_record(self, record: AuthorisationRecord, data: bytes | None) -> RecordOutcome:
        path = record.record_path
        if any(is_ended_by(record, other) for other in self.unknown):
            again = shell_command("mlver", "authorise", str(self.data))
            purposes = ", ".join(record.purposes)
            reason = "the other side withdrew the data, and this grant did not know of it"
            return Finding("dropped", path, f"{reason}: give it again ({again} …) for {purposes}")
        moved = replace(record, sequence=self.sequence + 1, prior=self.prior)
        rewritten = None
        if moved != record:
            reason = "its number is taken by the other side"
            if moved.record_path == path:
                reason = "what it follows has moved"
            rewritten = RewrittenRecord(path, moved.record_path, reason)
            data = codec.encode_document("authorisation", moved.to_document())
        self.sequence += 1
        self.prior = Digest.of_bytes(data or b"")
        return RecordMove(moved.record_path, data, rewritten)
