"""Takes out of the local store what nobody needs: to the trash first, for a grace time.

Every step leaves a whole store behind, so a run that was killed is completed by the next one. What
is needed is put back before anything is deleted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from io import BytesIO

from mlver.content.delta import load_encoder
from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.policy.local_collection import LocalFate, judge_stored, judge_trashed
from mlver.policy.series import SeriesFile
from mlver.project.artifacts import storing
from mlver.project.project import Project
from mlver.project.remote.root_table import read_roots
from mlver.project.remote.series import read_series
from mlver.project.remote.series_preview import PartsCandidate, preview_series
from mlver.project.transaction import writing_files
from mlver.storage.local import LocalStore
from mlver.storage.local.needs import RecipeNeeds
from mlver.storage.local.sharing import PartEncoder, PartSharer, SharedFile
from mlver.storage.local.trash import LocalTrash, StoredFile


@dataclass(slots=True)
class LocalGcReport:
    """What became of each file of the store, or would become of it.

    `shared` are the files that are kept in parts from now on, and `candidates` those that would be
    looked at for it, where nothing is done. `lacking` is why no differences are made; None
    elsewhere.
    """

    files: list[tuple[StoredFile, LocalFate]] = field(default_factory=list)
    needed: frozenset[str] = frozenset()
    shared: list[SharedFile] = field(default_factory=list)
    candidates: tuple[PartsCandidate, ...] = ()
    lacking: MlverError | None = None

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
    store = storing.open_local(project)
    report = _judge_files(store, read_roots(project), grace, clock())
    report.candidates = tuple(preview_series(project, store))
    if report.candidates:
        _load_encoder(report)
    return report


def collect_local(
    project: Project, grace: float, clock: Callable[[], float] = time.time
) -> LocalGcReport:
    """Put back what is needed, delete what waited for long enough, and trash what nobody needs.

    Then store what the files of series have in common once.
    """
    with writing_files(project, "gc"):
        roots = read_roots(project)
        # Read before anything is moved: a record that cannot be read ends the run.
        series = read_series(project)
        store = storing.open_local(project)
        trash = LocalTrash(store)
        now = clock()
        report = _judge_files(store, roots, grace, now)
        for stored, fate in report.files:
            if fate is LocalFate.RESTORED:
                trash.restore(stored)
        _keep_damaged(store, trash, report, roots)
        for stored, fate in report.files:
            if fate is LocalFate.DELETED:
                trash.delete(stored)
            elif fate is LocalFate.TRASHED:
                trash.discard(stored, now)
            elif fate is LocalFate.REPACKED:
                _repack(project, trash, trash.discard(stored, now), report.needed)
        _share_parts(store, series, report, now)
        _remove_recipes(store, trash, roots | report.needed)
        trash.remove_empty()
        return report


def _judge_files(
    store: LocalStore, roots: AbstractSet[str], grace: float, now: float
) -> LocalGcReport:
    trash = LocalTrash(store)
    trashed_files = list(trash.list_trash())
    needed = RecipeNeeds(store, _list_contents(trashed_files)).follow(roots)
    report = LocalGcReport(needed=frozenset(needed))
    for stored in trash.list_stored():
        fate = judge_stored(stored.members, stored.moment, needed, now=now, grace=grace)
        report.files.append((stored, fate))
    for stored in trashed_files:
        fate = judge_trashed(stored.members, stored.moment, needed, now=now, grace=grace)
        report.files.append((stored, fate))
    return report


def _list_contents(files: Iterable[StoredFile]) -> set[str]:
    contents: set[str] = set()
    for stored in files:
        contents.update(stored.members or {})
    return contents


def _keep_damaged(
    store: LocalStore, trash: LocalTrash, report: LocalGcReport, roots: AbstractSet[str]
) -> None:
    """Put back a whole content whose parts are not sound any more, instead of deleting it."""
    rebuilder = store.open_rebuilder()
    for number, (stored, fate) in enumerate(report.files):
        if fate is not LocalFate.DELETED:
            continue
        needed = roots & (stored.members or {}).keys() - report.needed
        if any(rebuilder.describe_fault(digest) is not None for digest in needed):
            trash.restore(stored)
            report.files[number] = (stored, LocalFate.RESTORED)


def _share_parts(
    store: LocalStore, series: Sequence[SeriesFile], report: LocalGcReport, now: float
) -> None:
    if not series:
        return
    sharer = PartSharer(store, LocalTrash(store), _load_encoder(report), now)
    for file in series:
        shared = sharer.take_file(file)
        if shared is not None:
            report.shared.append(shared)


def _load_encoder(report: LocalGcReport) -> PartEncoder | None:
    """What makes differences. None where no library for that is there, which the report tells."""
    try:
        return load_encoder()
    except MlverError as error:
        report.lacking = error
        return None


def _remove_recipes(store: LocalStore, trash: LocalTrash, needed: AbstractSet[str]) -> None:
    needs = RecipeNeeds(store, _list_contents(trash.list_trash()))
    for digest in needs.list_useless(needed):
        store.recipes.remove(digest)


def _repack(
    project: Project, trash: LocalTrash, stored: StoredFile, needed: AbstractSet[str]
) -> None:
    """Write the needed contents of a pack, which was just moved to the trash, to a new pack.

    The old pack has to be in the trash by then: a content that is in service is not stored again.
    Commands that look for one of the contents meanwhile find it in the trash. Where a needed
    content is damaged, the old pack is put back into service, because nothing else shows what it
    held.
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
