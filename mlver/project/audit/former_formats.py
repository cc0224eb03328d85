"""Promotions of the format before seals, which nobody judges: only what was there already counts.

Somebody who writes a record by hand can write it in that format. So one that landed after a record
of a newer format is not believed. On a branch that forked before, somebody may have gone on with an
older mlver; once it is merged, nobody can tell that from a forgery.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.git.commit_log import CommitEntry
from mlver.git.partial import ClonedContents
from mlver.git.repository import GitRepository
from mlver.policy.promotion_rules import is_without_policy
from mlver.policy.renumbering import ClaimVerdicts
from mlver.project.audit.record_history import RecordHistory, SealedRecord
from mlver.project.registry.registry import decode_promotion
from mlver.records.promotion import PromotionRecord

# The first format that says which policy judged.
JUDGED_FORMAT = 2
_LATE = (
    "is of the format before seals, and landed after records of a newer one: a promotion that"
    " nobody can judge"
)


@dataclass(frozen=True, slots=True)
class FormatOrder:
    """Which commits came when formats had moved on, and what was of format 1 before that.

    `later` are the commits that come after one that landed a record of a newer format. `aged` are
    the promotions that were of format 1 until a merge renumbered them, by the path that each has
    now, with the commits that added it then. `closed` are the paths of records
    that come in where all come later.
    """

    history: RecordHistory
    later: frozenset[str]
    aged: Mapping[str, Sequence[CommitEntry]]
    closed: frozenset[str] = frozenset()

    def precedes_judging(self, record: PromotionRecord, *, follows_old: bool) -> bool:
        """Say whether nobody can judge a promotion: it is of format 1, or was.

        `follows_old`: the same is true of all before it in its stage.
        """
        if record.format < JUDGED_FORMAT or record.record_path in self.aged:
            return True
        if not is_without_policy(record):
            return False
        # No merge shows what it was: one of format 1 could stand in the same place.
        return self.history.incomplete or (follows_old and not self.is_late(record.record_path))

    def find_late(self, records: Iterable[PromotionRecord]) -> Iterator[Finding]:
        """Find promotions of format 1 that landed after records of a newer format."""
        for record in records:
            path = record.record_path
            is_old = record.format < JUDGED_FORMAT or path in self.aged
            if is_old and self.is_late(path):
                show_log = shell_command("git", "log", "-p", "--", path)
                yield Finding("chain", path, _LATE, (show_log,))

    def is_late(self, path: str) -> bool:
        """Say whether a record of format 1 landed after records of a newer format."""
        if path in self.closed:
            return True
        landings = self.aged.get(path) or self.history.additions.get(path, ())
        return bool(landings) and all(entry.commit in self.later for entry in landings)


def order_formats(
    repository: GitRepository,
    history: RecordHistory,
    sealed: Sequence[SealedRecord],
    verdicts: ClaimVerdicts,
) -> FormatOrder:
    """Find out what landed after records of a newer format; `sealed` are all that are judged."""
    newer = [record.record_path for record in sealed if record.format > 1]
    later = find_later_commits(history, newer)
    judged = [record for record in sealed if isinstance(record, PromotionRecord)]
    return FormatOrder(history, later, find_aged(repository, history, judged, verdicts))


def find_later_commits(history: RecordHistory, newer_paths: Iterable[str]) -> frozenset[str]:
    """Find the commits that come after one that added one of the records at `newer_paths`."""
    landings: set[str] = set()
    for path in newer_paths:
        landings.update(entry.commit for entry in history.additions.get(path, ()))
    later: set[str] = set()
    # Parents come first.
    for entry in reversed(list(history.entries.values())):
        if any(parent in later or parent in landings for parent in entry.parents):
            later.add(entry.commit)
    return frozenset(later)


def find_aged(
    repository: GitRepository,
    history: RecordHistory,
    records: Iterable[PromotionRecord],
    verdicts: ClaimVerdicts,
) -> dict[str, list[CommitEntry]]:
    """Find the promotions that were of format 1 until a merge renumbered them."""
    candidates = {record.record_path for record in records if record.renumbered is not None}
    wanted: list[tuple[str, str, Digest, str, CommitEntry]] = []
    for (path, digest), moved_path in verdicts.moved.items():
        if moved_path in candidates:
            for object_id, entry in history.earlier.get(path, ()):
                wanted.append((moved_path, path, digest, object_id, entry))
    if not wanted:
        return {}
    lacking = ClonedContents.find_in(repository).find_lacking(item[3] for item in wanted)
    wanted = [item for item in wanted if item[3] not in lacking]
    contents = repository.blobs(item[3] for item in wanted)
    aged: dict[str, list[CommitEntry]] = {}
    for (moved_path, path, digest, _, entry), data in zip(wanted, contents, strict=True):
        if data is not None and Digest.of_bytes(data) == digest and _is_old(path, data):
            aged.setdefault(moved_path, []).append(entry)
    return aged


def _is_old(path: str, data: bytes) -> bool:
    with suppress(MlverError):  # what cannot be read is no promotion that was renumbered
        return decode_promotion(data, path).format < JUDGED_FORMAT
    return False


def may_be_old(record: SealedRecord) -> bool:
    """Say whether a record may be of format 1, or have been."""
    if record.format < JUDGED_FORMAT:
        return True
    return isinstance(record, PromotionRecord) and is_without_policy(record)
