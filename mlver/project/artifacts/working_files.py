"""Puts a version's files in place.

Every byte is proven first, every unsaved working byte is kept, and each file is whole at any time.

Order: look, refuse, save, plan (an intent), write temporaries, clear what stands in the way,
replace file by file, remove what does not belong. A crash leaves each file with its old or its new
bytes, and the next command finishes it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, refusal_error, shell_command, summarise_names
from mlver.project.artifacts import damage, measuring, storing
from mlver.project.artifacts.file_changes import replace_files, save_files
from mlver.project.artifacts.file_list import (
    NO_FILES,
    FileList,
    collect_folders,
    compare_lists,
    join_name,
)
from mlver.project.artifacts.file_plan import FilePlan, measure_files, plan_files
from mlver.project.edit import intent
from mlver.project.edit.intent import CommandIntent
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet
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
    saved: Sequence[tuple[str, str]]
    skipped: tuple[str, ...]


def check_out_version(  # noqa: PLR0913 - what to put where, and what may go
    project: Project,
    record: VersionRecord,
    *,
    into: Path | None = None,
    save: bool = False,
    force: bool = False,
    dry_run: bool = False,
    present: Sequence[FileList] | None = None,
    kept: Collection[bytes] = (),
) -> CheckoutOutcome:
    """Put the stored artifacts of a version at their paths below `into` (the work tree if None).

    `present` is what `measure_working_files` just returned; `kept` are the raw digests of working
    files that are registered and stored. Raise MlverError, with every file as it
    was, when an object is missing or damaged, or when bytes that are stored nowhere would be
    overwritten, unless they are to be saved first (`save`) or lost (`force`).
    """
    root = into or project.top_folder
    if into is not None:
        _refuse_reserved(project, record, into)
    if into is not None and into.is_dir() and not dry_run:
        sweep_leftovers(project, record, into)
    plans = _plan_artifacts(project, root, record, present)
    endangered = _find_endangered(project, plans, kept)
    if endangered and not (save or force):
        raise _build_loss_error(record, endangered)
    if not dry_run:
        try:
            if save:
                save_files(project, root, endangered)
            _carry_out_plans(project, record, root, plans)
        except OSError as error:
            raise _build_write_error(record, error) from error
    return CheckoutOutcome(
        root=os.fspath(root),
        written=sum(len(plan.write) for plan in plans),
        removed=sum(plan.removed_count for plan in plans),
        unchanged=sum(plan.unchanged for plan in plans),
        saved=endangered if save else (),
        skipped=_name_unstored(record),
    )


def _build_write_error(record: VersionRecord, error: OSError) -> MlverError:
    action = f"checking out {record.model} {record.version}"
    return refusal_error(action, error, outcome=_UNFINISHED)


def _plan_artifacts(
    project: Project, root: Path, record: VersionRecord, present: Sequence[FileList] | None
) -> list[FilePlan]:
    artifacts = _list_stored(record)
    measured: Sequence[FileList | None] = [None] * len(artifacts)
    if present is not None:
        measured = present
    plans: list[FilePlan] = []
    for artifact, files in zip(artifacts, measured, strict=True):
        plans.append(plan_files(project, root, artifact, files))
    return plans


def _name_unstored(record: VersionRecord) -> tuple[str, ...]:
    artifacts = record.named_artifacts()
    names: list[str] = []
    for name, artifact in artifacts.items():
        if not artifact.stored:
            names.append(name)
    return tuple(names)


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
    for artifact in _list_stored(record):
        pinned = measuring.pinned_files(project, artifact)
        for folder in collect_folders(join_name(artifact.path, name) for name, _ in pinned):
            with suppress(MlverError):  # behind a symlink there is nothing of ours
                durable.sweep_temporaries(paths.join_inside(root, folder))


def _find_endangered(
    project: Project, plans: Sequence[FilePlan], kept: Collection[bytes]
) -> FileList:
    """Files that would be overwritten or removed and whose bytes no sound object holds."""
    lists: list[FileList] = []
    for plan in plans:
        lists += (plan.replaced, plan.remove)
    leaving = FileList.join_lists(lists)
    if not leaving:
        return leaving
    # A copy may have been damaged since it was stored. Only reading it shows that.
    lost = damage.find_lost(project, DigestSet.from_raw(leaving.read_digests()))
    return leaving.select_files(
        digest not in kept and lost.find_rank(digest) is not None
        for digest in leaving.read_digests()
    )


def _build_loss_error(record: VersionRecord, endangered: FileList) -> MlverError:
    names = summarise_names(list(endangered.read_paths()), _SHOWN)
    return MlverError(
        "these files hold bytes that are stored nowhere, and would be overwritten;"
        f" register them to keep them, or use --force to lose them:\n{names}",
        hint=shell_command("mlver", "register", record.model, "--bump", "patch", "-m", "WHY"),
    )


def measure_working_files(project: Project, record: VersionRecord) -> tuple[FileList, ...]:
    """The working files at the path of each stored artifact, with the digests of their bytes."""
    return tuple(
        measure_files(project, project.top_folder, artifact.path)
        for artifact in _list_stored(record)
    )


def put_files_back(project: Project, record: VersionRecord, files: Sequence[FileList]) -> None:
    """Undo a checkout that saved the files it replaced: `files` are those of before it."""
    plans: list[FilePlan] = []
    # The checkout may have been complete or not: what it left is looked at, not worked out.
    present = measure_working_files(project, record)
    for files_before, files_now in zip(files, present, strict=True):
        changes = compare_lists(files_before, files_now)
        plans.append(FilePlan(changes.write, changes.remove, NO_FILES, frozenset(), unchanged=0))
    replace_files(project, project.top_folder, plans, lambda: None)


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
        replace_files(project, root, plans, mark_begun)
    except MlverError:
        if not begun:  # every byte is proven and on the disk before anything goes
            intent.drop_intent(project.state_directory)
            with suppress(OSError):
                root.rmdir()  # where it was made for nothing
        raise
    intent.drop_intent(project.state_directory)


def _name_root(project: Project, root: Path) -> str:
    """The folder as an intent names it: one inside the work tree moves with it."""
    folder = os.path.normpath(root)
    if Path(folder).is_relative_to(project.top_folder):
        return os.path.relpath(folder, project.top_folder)
    return folder


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
