"""Brings objects from remotes into the repository's own store, every byte hashed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from mlver.errors import MlverError, summarise_error
from mlver.project.artifacts import shared_cache
from mlver.project.artifacts.storing import open_store
from mlver.project.project import Project
from mlver.project.remote.team import TeamRemote
from mlver.project.transaction import locking
from mlver.storage.digests import DigestSet
from mlver.storage.remote.team_store import DEFAULT_JOBS, DownloadReport, TransferOptions
from mlver.storage.store import LockHolding
from mlver.system.timings import STANDARD


@dataclass(frozen=True, slots=True)
class WrongObject:
    """An object of which a remote has other bytes than its `digest` says, and where it has them."""

    digest: str
    place: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came from one remote: how many objects, and how many bytes for them.

    `wrong` are the objects of which it has other bytes; none of these was taken.
    """

    remote: str
    address: str
    objects: int
    bytes_received: int
    wrong: tuple[WrongObject, ...] = ()


@dataclass(frozen=True, slots=True)
class BroughtObjects:
    """What came from the remotes that were asked, and the objects that none of them has whole."""

    arrivals: tuple[Arrival, ...]
    missing: DigestSet

    @property
    def objects(self) -> int:
        return sum(arrival.objects for arrival in self.arrivals)

    @property
    def bytes_received(self) -> int:
        return sum(arrival.bytes_received for arrival in self.arrivals)


def find_absent(project: Project, needed: DigestSet) -> DigestSet:
    """Find those of these objects that are not in the repository's store."""
    return open_store(project).select_missing(needed)


def wait_for_lock(project: Project, what: str) -> LockHolding:
    """What holds the lock for a short time in which bytes that have arrived are stored.

    Who holds it then is waited for: the bytes would have to come again.
    """
    timings = project.repository.timings or STANDARD
    patient = replace(project, wait=max(project.wait, timings.stall))
    return partial(locking, patient, what)


def bring_objects(
    project: Project,
    absent: DigestSet,
    remotes: Sequence[TeamRemote],
    *,
    hold_lock: LockHolding,
    jobs: int = DEFAULT_JOBS,
) -> BroughtObjects:
    """Bring objects, each from the first of these remotes that has it whole.

    `hold_lock` holds the lock for what changes the store: not while bytes move, so that other
    commands work meanwhile. Whoever holds the lock already gives `nullcontext`.

    A remote that cannot be asked is named in a note, and the next one is asked.

    The shared cache of this host is asked before them, and gets what they have.

    What arrived is stored durably when this returns. Raise MlverError where none of the remotes
    can be asked; what arrived before that stays.
    """
    with hold_lock():
        cached = shared_cache.bring_objects(project, absent)
    wanted = DigestSet.from_digests(digest for digest in absent if digest not in cached)
    arrivals, missing = _ask_remotes(project, wanted, remotes, hold_lock, jobs)
    if cached:
        arrivals.insert(0, Arrival("the shared cache", "this host", len(cached), 0))
    arrived = [digest for digest in wanted if digest not in missing]
    if arrived:
        with hold_lock():
            shared_cache.share_objects(project, arrived)
    return BroughtObjects(tuple(arrivals), missing)


def _ask_remotes(
    project: Project,
    wanted: DigestSet,
    remotes: Sequence[TeamRemote],
    hold_lock: LockHolding,
    jobs: int,
) -> tuple[list[Arrival], DigestSet]:
    """Ask one remote after another; return what came of each, and what none of them has whole."""
    arrivals: list[Arrival] = []
    failures = 0
    missing = wanted
    for remote in remotes:
        if not missing:
            break
        try:
            report = _bring_from(project, missing, remote, hold_lock, jobs)
        except MlverError as error:
            failures += 1
            if failures == len(remotes):
                raise
            project.reporter.show_note(f"{remote.name}: {summarise_error(error)}")
            continue
        arrivals.append(_describe_arrival(remote, report))
        missing = DigestSet.from_digests({*report.missing, *report.wrong})
    return arrivals, missing


def _describe_arrival(remote: TeamRemote, report: DownloadReport) -> Arrival:
    wrong = [WrongObject(str(digest), place) for digest, place in report.wrong.items()]
    return Arrival(
        remote=remote.name,
        address=remote.store.address,
        objects=report.objects,
        bytes_received=report.bytes_received,
        wrong=tuple(sorted(wrong, key=lambda fault: fault.digest)),
    )


def _bring_from(
    project: Project, wanted: DigestSet, remote: TeamRemote, hold_lock: LockHolding, jobs: int
) -> DownloadReport:
    reporter = project.reporter

    def begin_receiving(total: int) -> None:
        reporter.begin_work(f"fetching from {remote.name}", total)

    options = TransferOptions(jobs=jobs, progress=reporter.advance_work, expect=begin_receiving)
    try:
        with open_store(project).open_deposit(hold_lock) as deposit:
            return remote.store.download(dict.fromkeys(wanted), deposit, options)
    finally:
        reporter.end_work()
