"""Puts a version's files in place.

Every byte is proven first, every unsaved working byte is kept, and each file is whole at any time.

Order: look, refuse, save, plan (an intent), write temporaries, clear what stands in the way,
replace file by file, remove what does not belong. A crash leaves each file with its old or its new
bytes, and the next command finishes it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, refusal_error, shell_command, summarise_names
from mlver.project.artifacts import damage, measuring, storing
from mlver.project.artifacts.file_plan import (
    FileList,
    FilePlan,
    join_name,
    list_files,
    list_parents,
    measure_files,
    plan_files,
)
from mlver.project.edit import intent
from mlver.project.edit.intent import CommandIntent
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord
from mlver.system import durable, lock

_SHOWN = 8
_UNFINISHED = "each file is as it was or as it should be: run the same command again to finish"
_CHECKOUTS = "checkouts"
# A private copy waits for another process that makes one, and that may be a large one.
_PATIENCE_S = 3600.0


@dataclass(frozen=True, slots=True)
class CheckoutOutcome:
    """How many files below `root` a checkout changed.

    `saved` are the working files it replaced and whose bytes it kept, with their digests.
    """

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

    Raise MlverError, with every file as it was, when an object is missing or damaged, or when bytes
    that are stored nowhere would be overwritten, unless they are to be saved first (`save`) or lost
    (`force`).
    """
    root = into or project.top_folder
    if into is not None:
        _refuse_reserved(project, record, into)
        if into.is_dir() and not dry_run:
            sweep_leftovers(project, record, into)
    plans = [plan_files(project, root, artifact) for artifact in _list_stored(record)]
    endangered = _find_endangered(project, plans)
    if endangered and not (save or force):
        raise _build_loss_error(record, endangered)
    if not dry_run:
        try:
            if save:
                _save_files(project, root, endangered)
            _carry_out_plans(project, record, root, plans)
        except OSError as error:
            action = f"checking out {record.model} {record.version}"
            raise refusal_error(action, error, outcome=_UNFINISHED) from error
    return CheckoutOutcome(
        root=os.fspath(root),
        written=sum(len(plan.write) for plan in plans),
        removed=sum(plan.removed_count for plan in plans),
        unchanged=sum(plan.unchanged for plan in plans),
        saved=endangered if save else (),
        skipped=_name_unstored(record),
    )


def _name_unstored(record: VersionRecord) -> tuple[str, ...]:
    artifacts = record.named_artifacts()
    return tuple(name for name, artifact in artifacts.items() if not artifact.stored)


def _list_stored(record: VersionRecord) -> list[Artifact]:
    return [artifact for artifact in record.named_artifacts().values() if artifact.stored]


def _refuse_reserved(project: Project, record: VersionRecord, into: Path) -> None:
    repository = project.repository
    reserved = (project.top_folder / layout.ROOT, repository.common_dir, repository.git_dir)
    targets = [into / artifact.path for artifact in record.named_artifacts().values()]
    for target in (into, *targets):
        if paths.is_reserved(target, *reserved):
            raise UsageError(
                f"{target} belongs to git or mlver itself; name a folder of your own after --to"
            )


def sweep_leftovers(project: Project, record: VersionRecord, root: Path) -> None:
    """Remove what a killed checkout to the same places was still writing.

    Hold the lock when you call it.
    """
    durable.sweep_temporaries(root)
    folders: set[str] = set()
    for artifact in _list_stored(record):
        for name, _ in measuring.pinned_files(project, artifact):
            folders.update(list_parents(join_name(artifact.path, name)))
    for folder in folders:
        with suppress(MlverError):  # behind a symlink there is nothing of ours
            durable.sweep_temporaries(paths.join_inside(root, folder))


def _find_endangered(project: Project, plans: Sequence[FilePlan]) -> tuple[tuple[str, str], ...]:
    """Files that would be overwritten or removed and whose bytes no sound object holds."""
    leaving: list[tuple[str, str]] = []
    for plan in plans:
        leaving.extend(plan.replaced)
        leaving.extend(plan.remove)
    if not leaving:
        return ()
    # A copy may have been damaged since it was stored. Only reading it shows that.
    problems = damage.verify_objects(project, {Digest(hexadecimal) for _, hexadecimal in leaving})
    lost = {problem.digest for problem in problems if problem.lost}
    return tuple(file for file in leaving if Digest(file[1]) in lost)


def _build_loss_error(record: VersionRecord, endangered: Sequence[tuple[str, str]]) -> MlverError:
    names = summarise_names([path for path, _ in endangered], _SHOWN)
    return MlverError(
        "these files hold bytes that are stored nowhere, and would be overwritten;"
        f" register them to keep them, or use --force to lose them:\n{names}",
        hint=shell_command("mlver", "register", record.model, "--bump", "patch", "-m", "WHY"),
    )


def _save_files(project: Project, root: Path, endangered: Sequence[tuple[str, str]]) -> None:
    """Keep the working bytes as objects before anything replaces them."""
    if not endangered:
        return
    with storing.open_store(project).open_deposit() as deposit:
        for path, hexadecimal in endangered:
            with paths.join_inside(root, path, link_last=True).open("rb") as source:
                if deposit.put_object(source).hex != hexadecimal:
                    raise MlverError(
                        f"{path} changed while it was saved;"
                        " let its writer finish, then run the command again"
                    )


def measure_working_files(project: Project, record: VersionRecord) -> dict[str, str]:
    """The working files at a version's paths, each with the digest of its bytes."""
    digests: dict[str, str] = {}
    for artifact in _list_stored(record):
        listing = measure_files(project, project.top_folder, artifact.path)
        digests.update(FileList(artifact.path, listing))
    return digests


def put_files_back(project: Project, record: VersionRecord, files: Mapping[str, str]) -> None:
    """Undo a checkout that saved the files it replaced: `files` are those of before it."""
    present = measure_working_files(project, record)
    write = list_files(file for file in files.items() if present.get(file[0]) != file[1])
    remove = list_files(file for file in present.items() if file[0] not in files)
    plan = FilePlan(write, remove, list_files(()), frozenset(), unchanged=0)
    _replace_files(project, project.top_folder, [plan], lambda: None)


def _carry_out_plans(
    project: Project, record: VersionRecord, root: Path, plans: Sequence[FilePlan]
) -> None:
    if not any(plan.write or plan.remove or plan.links for plan in plans):
        return
    command = CommandIntent(
        what=f"checkout {record.model}@{record.version}",
        top=os.fspath(project.top_folder),
        git_dir=project.repository.own,
        checkout=(record.model, record.version, _name_root(project, root)),
    )
    intent.write_intent(project.state_directory, command)
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
    """The objects to write and the paths to write them to; it is the `WantedFiles` of an object
    store.

    The paths have been checked.
    """

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
    """Change the files.

    `begin` is called once every new byte is proven and on the disk, before the first one goes.
    """
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
    folder = os.path.normpath(root)
    if Path(folder).is_relative_to(project.top_folder):
        return os.path.relpath(folder, project.top_folder)
    return folder


def _find_obstacles(plans: Sequence[FilePlan]) -> list[str]:
    """Files where a directory shall be, and files in a directory where a file shall be."""
    obstacles = []
    for plan in plans:
        if not plan.remove:
            continue
        targets = {path for path, _ in plan.write}
        folders: set[str] = set()
        for target in targets:
            folders.update(list_parents(target))
        for path, _ in plan.remove:
            if path in folders or not targets.isdisjoint(list_parents(path)):
                obstacles.append(path)
    return obstacles


def _clear_obstacles(root: Path, obstacles: Sequence[str], targets: Iterable[str]) -> None:
    for path in obstacles:
        (root / path).unlink(missing_ok=True)
        _remove_empty_folders((root / path).parent, root)
    for target in targets:
        # This is asked of every file to be written, and pathlib would cost more than the call.
        if os.path.isdir(target) and not os.path.islink(target):  # noqa: PTH112, PTH114
            _remove_fileless(target)


def _remove_fileless(folder: str) -> None:
    """Remove a folder in which only folders, links to empty folders and temporaries are left."""
    for directory, inner_names, _ in os.walk(folder, topdown=False):
        for name in inner_names:
            inner = Path(directory, name)
            if inner.is_symlink():
                inner.unlink()
        durable.sweep_temporaries(Path(directory))
        Path(directory).rmdir()


def _remove_files(root: Path, plans: Sequence[FilePlan], obstacles: Container[str]) -> None:
    """Remove what does not belong; an obstacle is gone already, and its place is taken."""
    for plan in plans:
        removed = [root / path for path, _ in plan.remove if path not in obstacles]
        folders = dict.fromkeys(path.parent for path in removed)
        for path in removed:
            path.unlink(missing_ok=True)
        durable.sync_directories(folder for folder in folders if folder.is_dir())
        for folder in folders:
            _remove_empty_folders(folder, root)


def _remove_empty_folders(directory: Path, root: Path) -> None:
    with suppress(OSError):
        while directory != root:
            directory.rmdir()
            directory = directory.parent


def make_private_copy(project: Project, artifact: Artifact) -> Path:
    """An artifact below `<git dir>/mlver/checkouts`, made or proven again.

    It is for programs, beside the work tree.

    It keeps its own name, for there are libraries that go by a file's suffix. Raise MlverError when
    an object it needs is missing or damaged. Several processes may ask for it at once.
    """
    common = project.repository.common_dir
    folder = f"{project.state_directory.name}/{_CHECKOUTS}"
    checkouts = paths.join_inside(common, folder)
    copy_path = f"{folder}/{artifact.digest.hex}/{PurePosixPath(artifact.path).name}"
    location = paths.join_inside(common, copy_path)
    if _is_sound_copy(location, artifact):
        return location
    try:
        durable.make_directory(checkouts)
    except OSError as error:
        raise refusal_error(f"making {checkouts}", error) from error
    with lock.hold_lock(checkouts, _PATIENCE_S):
        if _is_sound_copy(location, artifact):  # another process made it meanwhile
            return location
        for directory, _, _ in os.walk(checkouts):
            durable.sweep_temporaries(Path(directory))
        _export_copy(project, artifact, copy_path)
        if measuring.measure_path(location).digest != artifact.digest:
            raise MlverError(
                f"{location} holds files that do not belong to {artifact.path};"
                " move it away, then run the command again",
                hint=shell_command("mv", "--", location.parent, f"{location.parent}.other"),
            )
    return location


def _export_copy(project: Project, artifact: Artifact, copy_path: str) -> None:
    """Write an artifact's files to a path below the git directory."""
    common = project.repository.common_dir
    wanted = []
    checked: set[str] = set()
    for name, hexadecimal in measuring.pinned_files(project, artifact):
        path = join_name(copy_path, name)
        target = paths.join_inside_as_text(common, path, link_last=True, checked=checked)
        wanted.append((Digest(hexadecimal), target))
    storing.open_store(project).export_objects(wanted)


def _is_sound_copy(location: Path, artifact: Artifact) -> bool:
    try:
        return (
            not measuring.has_no_files(location)
            and measuring.measure_path(location).digest == artifact.digest
        )
    except MlverError:  # it cannot be read whole, or another process is just making it
        return False
