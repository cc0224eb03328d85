"""What commands fetch by themselves: objects that they need and that a trusted remote has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial

from mlver.errors import MlverError, shell_command, summarise_error
from mlver.project.artifacts import shared_cache
from mlver.project.project import Project
from mlver.project.remote.arrival import bring_objects, find_absent
from mlver.project.remote.configured import ConfiguredRemote, list_remotes
from mlver.project.remote.needed import list_needed
from mlver.project.remote.places import find_trust_place
from mlver.project.remote.team import open_team
from mlver.project.remote.trusted_places import is_trusted
from mlver.project.transaction import locking
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet
from mlver.storage.store import LockHolding


@dataclass(frozen=True, slots=True)
class FetchedAhead:
    """What came of fetching before the lock was taken: the notes to show once it is held.

    `lacking` is what no remote gave; none is asked for it again.
    """

    notes: tuple[str, ...] = ()
    lacking: DigestSet = field(default_factory=lambda: DigestSet.from_raw(()))

    def show_notes(self, project: Project) -> None:
        for note in self.notes:
            project.reporter.show_note(note)

    def leave_out(self, absent: DigestSet) -> DigestSet:
        """Leave out what no remote gave."""
        if not self.lacking:
            return absent
        return DigestSet.from_digests(digest for digest in absent if digest not in self.lacking)


def fetch_for_reading(
    project: Project, records: Sequence[VersionRecord], only: Collection[str] = ()
) -> None:
    """The same as `fetch_versions`, for what only reads and so does not hold the lock yet."""
    if not _find_absent(project, records, only):
        return
    if shared_cache.find_cache(project) is None and not may_fetch(project):
        # Nothing can come, so that no lock is needed: it is only said why.
        fetch_versions(project, records, only)
        return
    # What is only read may lie where nothing can be written, and another command may be at work.
    try:
        fetch_versions(project, records, only, partial(locking, project, "fetching"))
    except MlverError as error:
        project.reporter.show_note(f"nothing was fetched: {summarise_error(error)}")


def fetch_versions(
    project: Project,
    records: Sequence[VersionRecord],
    only: Collection[str] = (),
    hold_lock: LockHolding = nullcontext,
    ahead: FetchedAhead | None = None,
) -> None:
    """Fetch what is not here of these versions' artifacts, and say so.

    Hold the lock, or give what holds it; see `bring_objects`. The shared cache of this host is
    asked first. `ahead` is what was fetched before: it comes from `fetch_ahead`.

    Nobody is asked anything: a remote that is not confirmed yet is named in a note, and so is one
    that cannot be reached. Whoever needs the objects then says which of them are missing.
    """
    fetch_objects(project, _find_absent(project, records, only), hold_lock, ahead)


def fetch_objects(
    project: Project,
    absent: DigestSet,
    hold_lock: LockHolding = nullcontext,
    ahead: FetchedAhead | None = None,
) -> None:
    """Fetch objects that are not here, as `fetch_versions` does."""
    if ahead is not None:
        ahead.show_notes(project)
        absent = ahead.leave_out(absent)
    if not absent:
        return
    with hold_lock():
        cached = shared_cache.bring_objects(project, absent)
    absent = DigestSet.from_digests(digest for digest in absent if digest not in cached)
    remotes = _list_remotes(project)
    if not absent or not remotes:
        return
    if project.offline:
        project.reporter.show_note(
            f"{len(absent):,} objects are not here, and --offline asks no remote for them"
        )
        return
    usable = select_usable(project, remotes)
    if not usable:
        return
    try:
        teams = [open_team(project, remote) for remote in usable]
        brought = bring_objects(project, absent, teams, hold_lock=hold_lock)
    except MlverError as error:
        project.reporter.show_note(f"nothing was fetched: {summarise_error(error)}")
        return
    for arrival in brought.arrivals:
        if arrival.objects:
            objects = f"{arrival.objects:,} object{'s' * (arrival.objects != 1)}"
            project.reporter.show_note(
                f"fetched {objects} ({arrival.bytes_received:,} bytes) from {arrival.remote}"
            )
        for fault in arrival.wrong:
            project.reporter.show_note(f"{fault.place} is not {fault.digest}, and was not taken")


def _find_absent(
    project: Project, records: Sequence[VersionRecord], only: Collection[str]
) -> DigestSet:
    """The objects of these versions that are not here."""
    # A manifest with a fault is for the caller to name.
    with suppress(MlverError):
        return find_absent(project, list_needed(project, records, only))
    return DigestSet.from_raw(())


def may_fetch(project: Project) -> bool:
    """Whether there is a remote that may be asked."""
    if project.offline:
        return False
    for remote in _list_remotes(project):
        with suppress(MlverError):
            if is_trusted(find_trust_place(project, remote)):
                return True
    return False


def _list_remotes(project: Project) -> tuple[ConfiguredRemote, ...]:
    # Whoever needs settings that cannot be read says so.
    with suppress(MlverError):
        return list_remotes(project)
    return ()


def select_usable(project: Project, remotes: Iterable[ConfiguredRemote]) -> list[ConfiguredRemote]:
    """Select the remotes whose places are confirmed; name those that are not."""
    usable: list[ConfiguredRemote] = []
    for remote in remotes:
        # What cannot be used is named by whoever asks for it: here it only cannot help.
        with suppress(MlverError):
            if is_trusted(find_trust_place(project, remote)):
                usable.append(remote)
                continue
        confirm = shell_command("mlver", "remote", "show", remote.name, "--yes")
        project.reporter.show_note(
            f"the remote {remote.name} ({remote.shown_address}) may have what is missing here,"
            f" and nobody on this machine has confirmed it yet: {confirm}"
        )
    return usable
