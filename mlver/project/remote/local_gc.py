"""Takes out of the local store what nobody needs: to the trash first, for a grace time.

Every step leaves a whole store behind, so a run that was killed is completed by the next one. What
is needed is put back before anything is deleted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from io import BytesIO

from mlver.digest import Digest
from mlver.policy.local_collection import LocalFate, judge_stored, judge_trashed
from mlver.project.artifacts import storing
from mlver.project.project import Project
from mlver.project.remote.root_table import read_roots
from mlver.project.transaction import writing_files
from mlver.storage.local.trash import LocalTrash, StoredFile


@dataclass(slots=True)
class LocalGcReport:
    """What became of each file of the store, or would become of it."""

    files: list[tuple[StoredFile, LocalFate]] = field(default_factory=list)
    needed: frozenset[str] = frozenset()

    def count_bytes(self, *fates: LocalFate) -> int:
        """The bytes of the files of these fates."""
        return sum(stored.size for stored, fate in self.files if fate in fates)

    def count_contents(self, *fates: LocalFate) -> int:
        """How many contents the files of these fates have."""
        files = [stored for stored, fate in self.files if fate in fates]
        return sum(len(stored.members or ()) for stored in files)


def plan_local(
    project: Project, grace: float, clock: Callable[[], float] = time.time
) -> LocalGcReport:
    """What a run would do; `grace` is in seconds. Nothing is written."""
    needed = read_roots(project)
    return _judge_files(storing.open_trash(project), needed, grace, clock())


def collect_local(
    project: Project, grace: float, clock: Callable[[], float] = time.time
) -> LocalGcReport:
    """Put back what is needed, delete what waited for long enough, and trash what nobody needs."""
    with writing_files(project, "gc"):
        needed = read_roots(project)
        trash = storing.open_trash(project)
        now = clock()
        report = _judge_files(trash, needed, grace, now)
        for stored, fate in report.files:
            if fate is LocalFate.RESTORED:
                trash.restore(stored)
        for stored, fate in report.files:
            if fate is LocalFate.DELETED:
                trash.delete(stored)
            elif fate is LocalFate.TRASHED:
                trash.discard(stored, now)
            elif fate is LocalFate.REPACKED:
                _repack(project, trash, trash.discard(stored, now), needed)
        trash.remove_empty()
        return report


def _judge_files(
    trash: LocalTrash, needed: AbstractSet[str], grace: float, now: float
) -> LocalGcReport:
    report = LocalGcReport(needed=frozenset(needed))
    for stored in trash.list_stored():
        fate = judge_stored(stored.members, stored.moment, needed, now=now, grace=grace)
        report.files.append((stored, fate))
    for stored in trash.list_trash():
        fate = judge_trashed(stored.members, stored.moment, needed, now=now, grace=grace)
        report.files.append((stored, fate))
    return report


def _repack(
    project: Project, trash: LocalTrash, stored: StoredFile, needed: AbstractSet[str]
) -> None:
    """Store what is needed of a pack in the trash anew.

    It is there already, for what is in service is not stored again; whoever needs any of it
    meanwhile finds it. The pack is put back where any of that is damaged: only the pack shows what
    was in it.
    """
    wanted = needed & (stored.members or {}).keys()
    sound: set[str] = set()
    with storing.open_store(project).open_deposit() as deposit:
        for data in trash.read_members(stored, wanted):
            digest = Digest.of_bytes(data)
            if digest.hex in wanted:
                deposit.put_object(BytesIO(data))
                sound.add(digest.hex)
    if sound != wanted:
        trash.restore(stored)
