"""A version's files put in place: every byte proven first, every unsaved working byte kept, each file whole.

Order: look, refuse, save, plan (an intent), write temporaries, clear what stands in the way, replace file by file,
remove what does not belong. A crash leaves each file with its old or its new bytes, and the next command finishes it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, refusal_error, shell_command, summarise_names
from mlver.project.artifacts import damage, measuring, storing
from mlver.project.artifacts.file_plan import (
    FileList,
    FilePlan,
    joined,
    listed_files,
    parents_of,
    plan_files,
    present_files,
)
from mlver.project.edit import intent
from mlver.project.edit.intent import CommandIntent
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord
from mlver.system import durable, lock

_SHOWN = 8
_CHECKOUTS = "checkouts"
# Who waits for a private copy waits for another process that copies the same kind of thing, however large.
_PATIENCE_S = 3600.0


@dataclass(frozen=True, slots=True)
class CheckoutOutcome:
    """What became of the files below `root`; `saved` are replaced working files whose bytes were kept, by digest."""

    root: str
    written: int
    removed: int
    unchanged: int
    saved: tuple[tuple[str, str], ...]
    skipped: tuple[str, ...]


def check_out_version(
    project: Project,
    record: VersionRecord,
    *,
    into: Path | None = None,
    save: bool = False,
    force: bool = False,
    dry_run: bool = False,
) -> CheckoutOutcome:
    """Put the stored artifacts of a version at their paths below `into` (the work tree if None).

    Raise MlverError, with every file as it was, when an object is missing or damaged, or when bytes that are stored
    nowhere would be overwritten, unless they are to be saved first (`save`) or lost (`force`).
    """
    root = into or project.top_folder
    if into is not None:
        _refuse_reserved(project, record, into)
    if into is not None and into.is_dir() and not dry_run:
        sweep_leftovers(project, record, into)
    stored = {
        name: artifact for name, artifact in record.named_artifacts().items() if artifact.stored
    }
    plans = [plan_files(project, root, artifact) for artifact in stored.values()]
    endangered = _find_endangered(project, plans)
    if endangered and not (save or force):
        raise _build_loss_error(record, endangered)
    skipped = tuple(name for name in record.named_artifacts() if name not in stored)
    if not dry_run:
        try:
            if save and endangered:
                _save_files(project, root, endangered)
            _carry_out_plans(project, record, root, plans)
        except OSError as error:
            outcome = (
                "each file is as it was or as it should be: run the same command again to finish"
            )
            raise refusal_error(
                f"checking out {record.model} {record.version}", error, outcome=outcome
            ) from error
    return CheckoutOutcome(
        root=os.fspath(root),
        written=sum(len(plan.write) for plan in plans),
        removed=sum(plan.removed_count for plan in plans),
        unchanged=sum(plan.unchanged for plan in plans),
        saved=endangered if save else (),
        skipped=skipped,
    )


def _refuse_reserved(project: Project, record: VersionRecord, into: Path) -> None:
    own = (
        project.top_folder / layout.ROOT,
        project.repository.common_dir,
        project.repository.git_dir,
    )
    for place in (into, *(into / artifact.path for artifact in record.named_artifacts().values())):
        if paths.is_reserved(place, *own):
            raise UsageError(
                f"{place} belongs to git or mlver itself",
                hint="name a folder of your own after --to",
            )


def sweep_leftovers(project: Project, record: VersionRecord, root: Path) -> None:
    """Remove what a killed checkout to the same places was still writing; hold the lock when you call it."""
    durable.sweep_temporaries(root)
    places = {
        parent
        for artifact in record.named_artifacts().values()
        if artifact.stored
        for path, _ in measuring.pinned_files(project, artifact)
        for parent in parents_of(joined(artifact.path, path))
    }
    for place in places:
        with suppress(MlverError):  # behind a symlink there is nothing of ours
            durable.sweep_temporaries(paths.join_inside(root, place))


def _find_endangered(project: Project, plans: Sequence[FilePlan]) -> tuple[tuple[str, str], ...]:
    """Files that would be overwritten or removed and whose bytes no sound object holds."""
    going = [file for plan in plans for file in (*plan.replaced, *plan.remove)]
    if not going:
        return ()
    # a copy that has been damaged since is no copy: only reading it tells
    problems = damage.verify_objects(project, {Digest(hexadecimal) for _, hexadecimal in going})
    lost = {problem.digest for problem in problems if problem.lost}
    return tuple((path, hexadecimal) for path, hexadecimal in going if Digest(hexadecimal) in lost)


def _build_loss_error(record: VersionRecord, endangered: Sequence[tuple[str, str]]) -> MlverError:
    names = summarise_names([path for path, _ in endangered], _SHOWN)
    keep = shell_command("mlver", "register", record.model, "--bump", "patch", "-m", "WHY")
    return MlverError(
        f"these files hold bytes that are stored nowhere, and would be overwritten:\n{names}",
        hint=f"{keep} to keep them, or --force to lose them",
    )


def _save_files(project: Project, root: Path, endangered: Sequence[tuple[str, str]]) -> None:
    """Keep the working bytes as objects before anything replaces them."""
    with storing.open_store(project).open_deposit() as deposit:
        for path, hexadecimal in endangered:
            with paths.join_inside(root, path, link_last=True).open("rb") as source:
                if deposit.put_object(source).hex != hexadecimal:
                    raise MlverError(
                        f"{path} changed while it was saved",
                        hint="let its writer finish, then run again",
                    )


def measure_working_files(project: Project, record: VersionRecord) -> dict[str, str]:
    """The working files at a version's places, each with the digest of its bytes, for `put_back`."""
    places = [artifact.path for artifact in record.named_artifacts().values() if artifact.stored]
    files = (FileList(place, present_files(project, project.top_folder, place)) for place in places)
    return dict(chain.from_iterable(files))


def put_files_back(project: Project, record: VersionRecord, files: Mapping[str, str]) -> None:
    """Undo a `checkout` that saved what it replaced: the working files are as `before` found them."""
    there = measure_working_files(project, record)
    write = listed_files(
        (path, digest) for path, digest in files.items() if there.get(path) != digest
    )
    remove = listed_files((path, digest) for path, digest in there.items() if path not in files)
    plan = FilePlan(write, remove, listed_files(()), frozenset(), 0)
    _replace_files(project, project.top_folder, [plan], lambda: None)


def _carry_out_plans(
    project: Project, record: VersionRecord, root: Path, plans: Sequence[FilePlan]
) -> None:
    if not any(plan.write or plan.remove or plan.links for plan in plans):
        return
    plan = CommandIntent(
        what=f"checkout {record.model}@{record.version}",
        top=os.fspath(project.top_folder),
        git_dir=project.repository.own,
        checkout=(record.model, record.version, _name_root(project, root)),
    )
    intent.write_intent(project.state_directory, plan)
    begun = False

    def mark_begun() -> None:
        nonlocal begun
        begun = True

    # temporaries belong in the folder itself: beside it nobody would look for what a crash left
    durable.make_directory(root)
    try:
        _replace_files(project, root, plans, mark_begun)
    except MlverError:
        if not begun:  # every byte is proven and on the disk before anything goes
            intent.drop_intent(project.state_directory)
            with suppress(OSError):
                root.rmdir()  # where it was made for nothing
        raise
    intent.drop_intent(project.state_directory)


@dataclass(frozen=True, slots=True)
class _Targets:
    """What is to be written, and where: satisfies the store's `Wanted`. The paths have been checked."""

    root: str
    plans: Sequence[FilePlan]

    def __len__(self) -> int:
        return sum(len(plan.write) for plan in self.plans)

    def __iter__(self) -> Iterator[tuple[Digest, str]]:
        for plan in self.plans:
            for path, hexadecimal in plan.write:
                yield Digest(hexadecimal), f"{self.root}/{path}"


def _replace_files(
    project: Project, root: Path, plans: Sequence[FilePlan], begin: Callable[[], None]
) -> None:
    """Change the files; `begin` is called once every new byte is proven and on the disk, before the first one goes."""
    links = frozenset(link for plan in plans for link in plan.links)
    checked: set[str] = set()
    for plan in plans:
        for path, _ in plan.write:
            paths.join_inside_as_text(root, path, link_last=True, going=links, checked=checked)
    wanted = _Targets(os.fspath(root), plans)
    obstacles = [*links, *_find_obstacles(plans)]

    def make_way() -> None:
        begin()
        _clear_obstacles(root, obstacles, (path for _, path in wanted))

    project.reporter.begin_work("writing files", None)
    try:
        storing.open_store(project).export_objects(
            wanted, progress=project.reporter.advance_work, make_way=make_way
        )
    finally:
        project.reporter.end_work()
    _remove_files(root, plans, set(obstacles))


def _name_root(project: Project, root: Path) -> str:
    """The folder as an intent names it: one inside the work tree moves with it."""
    place = os.path.normpath(root)
    return (
        os.path.relpath(place, project.top_folder)
        if Path(place).is_relative_to(project.top_folder)
        else place
    )


def _find_obstacles(plans: Sequence[FilePlan]) -> list[str]:
    """Files where a directory shall be, and files in a directory where a file shall be."""
    found = []
    for plan in plans:
        if not plan.remove:
            continue
        targets = {path for path, _ in plan.write}
        above = {parent for target in targets for parent in parents_of(target)}
        found += [
            path
            for path, _ in plan.remove
            if path in above or not targets.isdisjoint(parents_of(path))
        ]
    return found


def _clear_obstacles(root: Path, obstacles: Sequence[str], places: Iterable[str]) -> None:
    for path in obstacles:
        (root / path).unlink(missing_ok=True)
        _remove_empty_folders((root / path).parent, root)
    for place in places:
        if os.path.isdir(place) and not os.path.islink(place):  # noqa: PTH112, PTH114 - of every file to be written
            # no file is left in it: what is left are folders, links to empty ones, and what a crash left
            for directory, inner, _ in os.walk(place, topdown=False):
                for name in inner:
                    if Path(directory, name).is_symlink():
                        Path(directory, name).unlink()
                durable.sweep_temporaries(Path(directory))
                Path(directory).rmdir()


def _remove_files(root: Path, plans: Sequence[FilePlan], obstacles: Container[str]) -> None:
    """Remove what does not belong; an obstacle is gone already, and its place is taken."""
    for plan in plans:
        gone = [root / path for path, _ in plan.remove if path not in obstacles]
        for path in gone:
            path.unlink(missing_ok=True)
        durable.sync_directories(
            dict.fromkeys(path.parent for path in gone if path.parent.is_dir())
        )
        for path in gone:
            _remove_empty_folders(path.parent, root)


def _remove_empty_folders(directory: Path, root: Path) -> None:
    with suppress(OSError):
        while directory != root:
            directory.rmdir()
            directory = directory.parent


def make_private_copy(project: Project, artifact: Artifact) -> Path:
    """An artifact below `<git dir>/mlver/checkouts`, made or proven anew; for programs, beside the work tree.

    It keeps its own name, for there are libraries that go by a file's suffix. Raise MlverError when an object it needs
    is missing or damaged. Several processes may ask for it at once.
    """
    common = project.repository.common_dir
    checkouts = paths.join_inside(common, f"{project.state_directory.name}/{_CHECKOUTS}")
    own = f"{project.state_directory.name}/{_CHECKOUTS}/{artifact.digest.hex}/{PurePosixPath(artifact.path).name}"
    place = paths.join_inside(common, own)
    if _is_sound_copy(place, artifact):
        return place
    try:
        durable.make_directory(checkouts)
    except OSError as error:
        raise refusal_error(f"making {checkouts}", error) from error
    with lock.hold_lock(checkouts, _PATIENCE_S):
        if _is_sound_copy(place, artifact):  # another process made it meanwhile
            return place
        for directory, _, _ in os.walk(checkouts):
            durable.sweep_temporaries(Path(directory))
        checked: set[str] = set()
        wanted = [
            (
                Digest(hexadecimal),
                paths.join_inside_as_text(
                    common, joined(own, name), link_last=True, checked=checked
                ),
            )
            for name, hexadecimal in measuring.list_entries(project, artifact)
        ]
        storing.open_store(project).export_objects(wanted)
        if measuring.measure_path(place).digest != artifact.digest:
            raise MlverError(
                f"{place} holds files that do not belong to {artifact.path}",
                hint=f"move {place.parent} away, then run again",
            )
    return place


def _is_sound_copy(place: Path, artifact: Artifact) -> bool:
    try:
        return (
            not measuring.has_no_files(place)
            and measuring.measure_path(place).digest == artifact.digest
        )
    except MlverError:  # it cannot be read whole, or another process is just making it
        return False
