"""Deletes from a remote what nobody needs, in two runs, while others push and delete there.

No lock, no conditional write, no clock but the storage's own. One run does both:

1. What was condemned at least a grace time ago: tell everybody that it is being deleted, then read
   the pins, then the roots (in this order: a push removes its pin once git names the contents),
   then what is there; delete what is still unreachable, unpinned and not stored again.
2. What is unreachable now: propose it, then read the pins, then condemn what none of them names.

Anything that cannot be read ends the run before anything is deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from mlver.errors import MlverError
from mlver.policy.remote_contents import (
    RemoteContents,
    find_needed_blobs,
    is_due,
    is_live_pin,
    is_settled,
    order_deletion,
    select_deletable,
    spare_shared,
)
from mlver.project.remote.condemned import (
    CONDEMNED_STATE,
    DELETING,
    PROPOSED,
    CondemnedRecord,
    is_process_gone,
    new_record_key,
    read_condemned,
    write_condemned,
)
from mlver.project.remote.notices import divide_entries
from mlver.project.remote.pins import (
    LEAST_GRACE,
    STANDARD_TIMES,
    PushTimes,
    abandon_push,
    begin_push,
    read_pins,
)
from mlver.project.remote.stored_contents import RemoteReader
from mlver.storage.remote.blobs import BlobInfo, BlobStore

# Every content that somebody needs, as 64 hexadecimal digits: read anew at each call.
RootReader = Callable[[], AbstractSet[str]]


@dataclass(frozen=True, slots=True)
class RemoteGcOptions:
    """How a run goes. `by` names this clone, in words that people understand.

    `holds_lock`: whoever wrote a record as `by` has ended if it was in this very clone, because
    this process holds the lock of that. Two containers may call their clones alike, so the process
    has to be gone, too. `longest` is for how many seconds it acts on what it read.
    """

    grace: timedelta
    by: str
    holds_lock: bool = True
    longest: float = LEAST_GRACE / 2
    times: PushTimes = STANDARD_TIMES
    name_record: Callable[[], str] = new_record_key


@dataclass(slots=True)
class RemoteGcReport:
    """What a run did, or would do. All are keys of blobs; `sizes` has the bytes of each.

    `deletable` were condemned long enough ago, `condemned` are condemned now, `waiting` are
    condemned and their grace time is not over, `rescued` were condemned and are needed again.
    `pins` is how many pushes count as under way, `needed` which blobs are kept.
    """

    sizes: dict[str, int] = field(default_factory=dict)
    needed: frozenset[str] = frozenset()
    deletable: list[str] = field(default_factory=list)
    condemned: list[str] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    rescued: set[str] = field(default_factory=set)
    pins: int = 0
    others: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _View:
    """What is there and what of it is needed, as of one moment."""

    contents: RemoteContents
    pinned: frozenset[str]
    needed: frozenset[str]

    def spare(self, keys: Iterable[str], condemned: AbstractSet[str]) -> set[str]:
        """Those of the keys that no push under way can be about to use."""
        if is_settled(self.contents, self.pinned, condemned):
            return set(keys)
        return spare_shared(keys)


def plan_remote(
    blobs: BlobStore, read_roots: RootReader, options: RemoteGcOptions, now: datetime
) -> RemoteGcReport:
    """What a run would do. Nothing is written, so the time of the storage can only be guessed."""
    collector = _Collector(blobs, read_roots, options)
    view = collector.look(now)
    report = collector.report
    records = read_condemned(blobs)
    held: set[str] = set()
    for record in records:
        deletable = _select(view, record)
        _note_rescued(report, record, view)
        held |= deletable
        if is_due(record.info.stored, now, options.grace) and record.state == CONDEMNED_STATE:
            report.deletable += order_deletion(deletable)
        else:
            report.waiting |= deletable
    report.condemned = order_deletion(view.spare(_find_unneeded(view) - held, frozenset()))
    return report


def collect_remote(
    blobs: BlobStore, read_roots: RootReader, options: RemoteGcOptions
) -> RemoteGcReport:
    """Delete what was condemned long enough ago, and condemn what nobody needs now."""
    collector = _Collector(blobs, read_roots, options)
    now = collector.ask_time()
    for record in collector.clear_abandoned(read_condemned(blobs), now):
        if record.state == CONDEMNED_STATE and is_due(record.info.stored, now, options.grace):
            collector.delete_record(record)
    collector.condemn_unneeded(now)
    collector.remove_old_pins(now)
    return collector.report


class _Collector:
    """One run of gc on a remote."""

    def __init__(self, blobs: BlobStore, read_roots: RootReader, options: RemoteGcOptions) -> None:
        self._blobs = blobs
        self._read_roots = read_roots
        self._options = options
        self._reader = RemoteReader(blobs)
        self.report = RemoteGcReport()

    def ask_time(self) -> datetime:
        """The time by the storage's own clock: that of a pin that names nothing."""
        probe = begin_push(self._blobs, (), self._options.times)
        now = self._blobs.stat_blob(probe.keys[0]).stored
        abandon_push(probe)
        return now

    def look(self, now: datetime) -> _View:
        """Read the pins, then the roots, then what is there: no push falls between them."""
        pinned = self.read_pinned(now)
        roots = self._read_roots()
        contents = self._reader.read_contents()
        view = _View(contents, pinned, frozenset(find_needed_blobs(contents, roots | pinned)))
        self.report.needed = view.needed
        self.report.sizes.update(contents.sizes)
        return view

    def read_pinned(self, now: datetime) -> frozenset[str]:
        """What the pushes that are under way rely on."""
        pinned: set[str] = set()
        count = 0
        for pin in read_pins(self._blobs):
            if is_live_pin(pin.info.stored, now, self._options.grace):
                pinned |= pin.digests
                count += 1
        self.report.pins = count
        return frozenset(pinned)

    def remove_old_pins(self, now: datetime) -> None:
        """Remove the pins of pushes that ended without that; one that still runs makes a new one.

        Two grace times old, for a git push may land long after the last look of its push.
        """
        for pin in read_pins(self._blobs):
            if is_due(pin.info.stored, now, 2 * self._options.grace):
                self._blobs.delete_blob(pin.info.key)

    def clear_abandoned(
        self, records: Iterable[CondemnedRecord], now: datetime
    ) -> list[CondemnedRecord]:
        """Remove what a dead gc left; return the other records."""
        kept: list[CondemnedRecord] = []
        for record in records:
            if record.state == CONDEMNED_STATE:
                kept.append(record)
            elif self._is_abandoned(record, now):
                self._blobs.delete_blob(record.info.key)
            elif record.state == DELETING:
                self.report.others.append(record.by)
        return kept

    def _is_abandoned(self, record: CondemnedRecord, now: datetime) -> bool:
        is_own = record.by == self._options.by and self._options.holds_lock
        if is_own and is_process_gone(record.process):
            return True
        # A gc stops by itself after half of the least grace time.
        return is_due(record.info.stored, now, self._options.grace)

    def delete_record(self, record: CondemnedRecord) -> None:
        """Delete what one record condemned and still nobody needs."""
        announced = self._write_record(DELETING, record.keys)
        try:
            self._delete_announced(record, announced)
        finally:
            # Nothing is deleted any more, whatever happened: pushes need not wait.
            self._blobs.delete_blob(announced.key)

    def _delete_announced(self, record: CondemnedRecord, announced: BlobInfo) -> None:
        begun = self._options.times.clock()
        view = self.look(announced.stored)
        _note_rescued(self.report, record, view)
        for key in order_deletion(_select(view, record)):
            # One that was held up for long must not act on what it read then.
            if self._options.times.clock() - begun > self._options.longest:
                raise MlverError(
                    f"this gc of {self._blobs.address} was held up for too long, so it stopped"
                    " before it deleted more; run the same command again",
                    hint="mlver gc --remote NAME --yes",
                )
            self._blobs.delete_blob(key)
            self.report.deletable.append(key)
        self._blobs.delete_blob(record.info.key)

    def condemn_unneeded(self, now: datetime) -> None:
        """Propose what nobody needs, and condemn what no pin names then."""
        known: dict[str, datetime] = {}
        for record in read_condemned(self._blobs):
            if record.state == CONDEMNED_STATE and record.since is not None:
                known.update(dict.fromkeys(record.keys, record.since))
        view = self.look(now)
        waiting = {key for key in known if _is_waiting(key, known[key], view)}
        self.report.waiting |= waiting
        proposed = sorted(view.spare(_find_unneeded(view) - waiting, frozenset()))
        if proposed:
            for group in divide_entries(proposed):
                self._condemn_group(group, view)

    def _condemn_group(self, keys: Iterable[str], view: _View) -> None:
        proposal = self._write_record(PROPOSED, keys)
        pinned = self.read_pinned(proposal.stored)
        # The roots are read again before anything is deleted.
        view = replace(view, pinned=pinned)
        unneeded = set(keys) - find_needed_blobs(view.contents, pinned)
        condemned = view.spare(unneeded, frozenset())
        if not condemned:
            self._blobs.delete_blob(proposal.key)
            return
        write_condemned(
            self._blobs,
            proposal.key,
            CONDEMNED_STATE,
            condemned,
            by=self._options.by,
            since=proposal.stored,
        )
        self.report.condemned += order_deletion(condemned)

    def _write_record(self, state: str, keys: Iterable[str]) -> BlobInfo:
        key = self._options.name_record()
        return write_condemned(self._blobs, key, state, keys, by=self._options.by)


def _find_unneeded(view: _View) -> set[str]:
    return set(view.contents.blobs - view.needed)


def _select(view: _View, record: CondemnedRecord) -> set[str]:
    """What of a record may be deleted."""
    if record.since is None:
        return set()
    keys = view.spare(record.keys, record.keys)
    return set(select_deletable(keys, record.since, view.contents, view.needed))


def _is_waiting(key: str, since: datetime, view: _View) -> bool:
    """Whether a record condemns this blob, and will still do so when its time is over."""
    stored = view.contents.stored.get(key)
    return stored is not None and stored < since and key not in view.needed


def _note_rescued(report: RemoteGcReport, record: CondemnedRecord, view: _View) -> None:
    for key in record.keys:
        if key in view.needed:
            report.rescued.add(key)
