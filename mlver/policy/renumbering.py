"""Records that say which number they had before a merge, judged by what that merge took away.

The person who makes a merge decides what it says. So such a record is believed only where a
record with that number, and with the very bytes it names, was there and left its place in a merge,
and where the two say the same but for numbers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from mlver.digest import Digest
from mlver.policy.renumber import strip_numbering
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from mlver.records.references import VersionReference
from mlver.records.version import VersionRecord

RenumberedRecord: TypeAlias = VersionRecord | PromotionRecord


@dataclass(frozen=True, slots=True)
class RecordCopy:
    """A record as some commit holds it, and the digest of its bytes."""

    record: RenumberedRecord
    digest: Digest

    @property
    def key(self) -> tuple[str, Digest]:
        return self.record.record_path, self.digest

    @property
    def former_key(self) -> tuple[str, Digest] | None:
        """The path and the digest that it had before; None where it does not say that it moved."""
        match self.record:
            case VersionRecord(renumbered=former) if former is not None:
                return layout.version_path(self.record.model, former.number), former.record
            case PromotionRecord(renumbered=former) if former is not None:
                model, stage = self.record.model, self.record.stage
                return layout.promotion_path(model, stage, former.number), former.record
        return None


@dataclass(frozen=True, slots=True)
class ClaimVerdicts:
    """`moved` is the new path of each record that lives on, by its former path and digest.

    `unconfirmed` are the records that are there now and say, themselves or through the record they
    name, that they had another number, where nothing shows it.
    """

    moved: Mapping[tuple[str, Digest], str]
    unconfirmed: tuple[RecordCopy, ...]


def judge_claims(current: Iterable[RecordCopy], vanished: Iterable[RecordCopy]) -> ClaimVerdicts:
    """Judge what `current` records say of former numbers by those that `vanished` in merges.

    A record that moved twice is followed through the number it had in between.
    """
    claimants = [copy for copy in current if copy.former_key is not None]
    former_copies = {copy.key: copy for copy in vanished}
    lineage = _VersionLineage.trace([*claimants, *former_copies.values()])
    moved: dict[tuple[str, Digest], str] = {}
    unconfirmed: dict[tuple[str, Digest], RecordCopy] = {}
    pending = deque((copy, copy) for copy in claimants)
    while pending:
        claimant, newest = pending.popleft()
        former_key = claimant.former_key
        if former_key is None:
            continue
        former = former_copies.get(former_key)
        # A second record that claims to be the same one is a copy of it.
        if former is None or former_key in moved or not lineage.is_same(former, claimant):
            unconfirmed[newest.key] = newest
            continue
        moved[former_key] = newest.record.record_path
        pending.append((former, newest))
    return ClaimVerdicts(moved, tuple(unconfirmed.values()))


@dataclass(frozen=True, slots=True)
class _VersionLineage:
    """What versions say they were: former digests by digest, and former numbers by number."""

    digests: Mapping[Digest, Digest] = field(default_factory=dict)
    numbers: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    @classmethod
    def trace(cls, copies: Iterable[RecordCopy]) -> _VersionLineage:
        digests: dict[Digest, Digest] = {}
        numbers: dict[tuple[str, str], frozenset[str]] = {}
        for copy in copies:
            record = copy.record
            if not isinstance(record, VersionRecord) or record.renumbered is None:
                continue
            digests[copy.digest] = record.renumbered.record
            place = record.model, record.version
            known = numbers.get(place, frozenset())
            numbers[place] = known | {record.renumbered.number}
        return cls(digests, numbers)

    def is_same(self, former: RecordCopy, claimant: RecordCopy) -> bool:
        """Say whether two records are equal, and so is what they are about, but for numbers."""
        old, new = former.record, claimant.record
        # A promotion that was replayed behind a younger one is dated as that one.
        if isinstance(new, PromotionRecord) and new.created > old.created:
            new = replace(new, created=old.created)
        if strip_numbering(old) != strip_numbering(new):
            return False
        if isinstance(old, VersionRecord) and isinstance(new, VersionRecord):
            # Format 1 has no `previous`.
            if old.previous is not None and not self._leads_back(old.model, new, old):
                return False
            return self._is_same_number(old.model, old.parent, new.parent)
        assert isinstance(old, PromotionRecord)
        assert isinstance(new, PromotionRecord)
        # A retirement names the version that held the stage, which may be another one now.
        if old.action != "retire" and not self._is_same_version(
            VersionReference(old.version, old.record), VersionReference(new.version, new.record)
        ):
            return False
        return self._is_same_version(old.baseline, new.baseline)

    def _leads_back(self, model: str, new: VersionRecord, old: VersionRecord) -> bool:
        return self._is_same_number(model, old.previous, new.previous)

    def _is_same_number(self, model: str, old: str | None, new: str | None) -> bool:
        """Say whether a number is the same, or the one that a version got later."""
        if old is None or new is None:
            return old == new
        return old in self._list_former_numbers(model, new)

    def _list_former_numbers(self, model: str, number: str) -> Iterator[str]:
        known = {number}
        pending = [number]
        while pending:
            current = pending.pop()
            yield current
            for former in self.numbers.get((model, current), frozenset()):
                if former not in known:
                    known.add(former)
                    pending.append(former)

    def _is_same_version(self, old: VersionReference | None, new: VersionReference | None) -> bool:
        """Say whether a reference is the same, or to the record that the version got later."""
        if old is None or new is None:
            return old == new
        # A record names the digest of another one, so this comes to an end.
        digest: Digest | None = new.record
        while digest is not None:
            if digest == old.record:
                return True
            digest = self.digests.get(digest)
        return False
