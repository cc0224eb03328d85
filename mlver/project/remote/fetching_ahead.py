"""Fetches what a command needs before it takes the repository's lock.

Bytes may come for hours, and other commands work meanwhile. What is needed is found out under the
lock, fetched without it, and looked for again by the command once it has the lock for good: by
`fetch_versions`, which fetches what went away or came to be needed since.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from mlver.errors import MlverError
from mlver.project.edit import intent
from mlver.project.project import Project
from mlver.project.remote.arrival import find_absent, wait_for_lock
from mlver.project.remote.fetching import FetchedAhead, fetch_objects, may_fetch
from mlver.project.reporter import Reporter, SilentReporter
from mlver.project.transaction import locking
from mlver.storage.digests import DigestSet

# What a command needs, as it finds out under the lock: quietly, for it does so twice.
FindNeeded = Callable[[Project], DigestSet]


def fetch_ahead(project: Project, what: str, find_needed: FindNeeded) -> FetchedAhead:
    """Fetch what a command needs and is not here; give what is returned to `fetch_versions`.

    `what` names the command. What keeps it from its work, and so from needing anything, it says
    itself: MlverError by `find_needed` only means that nothing is fetched. Raise MlverError where
    another command holds the lock for too long.
    """
    if not may_fetch(project):
        return FetchedAhead()
    absent = _plan_fetch(project, what, find_needed)
    if not absent:
        return FetchedAhead()
    keeper = _NoteKeeper(project.reporter)
    keeping = replace(project, reporter=keeper)
    fetch_objects(keeping, absent, wait_for_lock(project, what))
    return FetchedAhead(tuple(keeper.notes), find_absent(project, absent))


def _plan_fetch(project: Project, what: str, find_needed: FindNeeded) -> DigestSet:
    """Find out what is to be fetched."""
    with locking(project, what) as holding, suppress(MlverError):
        # Whatever was interrupted has to be settled first, which the command does or refuses.
        if intent.read_pending(project.state_directory) is None:
            project.registry.refuse_unread_settings()
            quiet = replace(holding, reporter=SilentReporter())
            return find_absent(quiet, find_needed(quiet))
    return DigestSet.from_raw(())


@dataclass(slots=True)
class _NoteKeeper:
    """A reporter that shows work as it goes on, and keeps the notes for later."""

    reporter: Reporter
    notes: list[str] = field(default_factory=list)

    def show_note(self, text: str) -> None:
        self.notes.append(text)

    def ask_person(self, question: str) -> bool:
        return self.reporter.ask_person(question)

    def report_landed(self, what: str) -> None:
        self.reporter.report_landed(what)

    def begin_work(self, what: str, total: int | None) -> None:
        self.reporter.begin_work(what, total)

    def advance_work(self, count: int) -> None:
        self.reporter.advance_work(count)

    def end_work(self) -> None:
        self.reporter.end_work()
