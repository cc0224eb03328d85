"""Puts a version's files in place.

Every byte is proven first, every unsaved working byte is kept, and each file is whole at any time.

Order: look, refuse, save, plan (an intent), write temporaries, clear what stands in the way,
replace file by file, remove what does not belong. A crash leaves each file with its old or its new
bytes, and the next command finishes it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import MappingProxyType

from mlver import paths
from mlver.digest import Digest
from mlver.errors import (
    MlverError,
    UsageError,
    printable_name,
    refusal_error,
    shell_command,
)
from mlver.hashing.read import LargeReader
from mlver.project.artifacts import following, measuring, shared_cache, storing
from mlver.project.artifacts.agreed_links import AgreedLink
from mlver.project.artifacts.endangered import build_loss_error, find_endangered
from mlver.project.artifacts.file_changes import replace_files, save_files
from mlver.project.artifacts.file_list import FileList, collect_folders, join_name
from mlver.project.artifacts.file_plan import FilePlan, plan_files
from mlver.project.edit import intent
from mlver.project.edit.intent import CommandIntent
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord
from mlver.system import durable
from mlver.system.folders import FolderTree

_UNCHANGED = "no file was replaced"
_CHANGED = "some files may be replaced already, each of them whole"


def _agree() -> None:
    """Nobody has to be asked."""


@dataclass(frozen=True, slots=True)
class CheckoutOutcome:
    """How many files below `root` a checkout changed.

    `saved` are the working files it replaced and whose bytes it kept, with their digests. `outside`
    are the links that it followed out of the work tree, each with the folder that it leads to.
    `left_out` are paths that `.mlverignore` names and the version does not have: they stay.
    """

    root: str
    written: int
    removed: int
    unchanged: int
    outside: Mapping[str, str]
    saved: Sequence[tuple[str, str]]
    skipped: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutLeave:
    """What a checkout may do beyond the artifacts of a version, the work tree and the store.

    `inputs` are params and metrics files that it puts in place with the artifacts, all or none.
    `kept` are the raw digests of working files that are registered and stored elsewhere: they may
    go. `promised` are the paths of artifacts that a dry run finds elsewhere, and would store first.
    `agreed` are the links out of the work tree that are written through, as in `find_followed`.
    `only` names the artifacts that are put in place, all of them if it is empty. `options` were
    given with the command, for who is to run it again.
    """

    inputs: tuple[Artifact, ...] = ()
    only: tuple[str, ...] = ()
    kept: Collection[bytes] = ()
    promised: Collection[str] = ()
    agreed: Collection[AgreedLink] | None = None
    options: Sequence[str] = ()


NO_LEAVE = CheckoutLeave()


def check_out_version(
    project: Project,
    record: VersionRecord,
    *,
    into: Path | None = None,
    save: bool = False,
    force: bool = False,
    dry_run: bool = False,
    leave: CheckoutLeave = NO_LEAVE,
) -> CheckoutOutcome:
    """Put the stored artifacts of a version at their paths below `into` (the work tree if None).

    Raise MlverError, with every file as it was, when an object is missing or damaged, when bytes
    that are stored nowhere would be overwritten, unless they are to be saved first (`save`) or lost
    (`force`), or for a link out of the work tree that is not followed.
    """
    artifacts = [*list_stored(record, leave.only), *leave.inputs]
    if into is not None:
        _refuse_reserved(project, [*record.named_artifacts().values(), *leave.inputs], into)
        try:
            _require_folder(into)
            if not dry_run:
                sweep_leftovers(project, record, into, inputs=leave.inputs)
        except OSError as error:
            raise _build_write_error(record, error, _UNCHANGED) from error
    root = into or project.top_folder
    plans = plan_changes(project, record, artifacts, root, leave)
    if dry_run:
        _require_objects(project, artifacts, plans, leave.promised)
    endangered = find_endangered(project, plans, leave.kept)
    choice = CheckoutChoice(
        inputs=leave.inputs, only=leave.only, save=save, force=force, dry_run=dry_run
    )
    return apply_checkout(project, record, root, plans, endangered, choice)


def plan_changes(
    project: Project,
    record: VersionRecord,
    artifacts: Sequence[Artifact],
    root: Path,
    leave: CheckoutLeave,
    read: LargeReader | None = None,
) -> tuple[FilePlan, ...]:
    """Plan what turns the files below `root` into these artifacts; `read` reads large ones.

    Raise MlverError for a link out of the work tree that is not followed.
    """
    is_working = root == project.top_folder
    if is_working:
        _refuse_unfollowed(project, record, artifacts, leave)
    plans: list[FilePlan] = []
    for artifact in artifacts:
        behind = None
        if is_working:
            behind = following.find_followed(project, artifact.path, leave.agreed)
        plans.append(plan_files(project, root, artifact, behind, read))
    return tuple(plans)


def _require_objects(
    project: Project,
    artifacts: Iterable[Artifact],
    plans: Iterable[FilePlan],
    promised: Collection[str],
) -> None:
    """Raise ObjectMissing for files that a checkout would write, and whose bytes are not here."""
    wanted: set[Digest] = set()
    for artifact, plan in zip(artifacts, plans, strict=True):
        if artifact.path not in promised:
            wanted.update(Digest(hexadecimal) for _, hexadecimal in plan.write)
    store = storing.open_store(project)
    missing = store.find_missing(wanted)
    if missing:
        store.require_objects(missing - shared_cache.find_cached(project, missing))


def _refuse_unfollowed(
    project: Project,
    record: VersionRecord,
    artifacts: Iterable[Artifact],
    leave: CheckoutLeave,
) -> None:
    """Raise MlverError for links that nobody agreed to: a checkout would replace them."""
    places = [artifact.path for artifact in artifacts]
    links = following.list_unfollowed(project, places, leave.agreed)
    if links:
        words = ["mlver", "checkout", f"{record.model}@{record.version}", *leave.options]
        raise MlverError(
            f"{following.describe_links(links)}; files are written there once `register --follow`"
            " or `checkout --follow` was given here, and nothing was written now",
            hint=shell_command(*words, "--follow"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutChoice:
    """What is put in place beside the version's artifacts, and what becomes of files whose bytes
    are stored nowhere: they are saved, lost or in the way.

    `only` names the artifacts that are put in place, all of them if it is empty.
    `confirm` is called before the first file goes; what it raises leaves all files as they were.
    """

    inputs: tuple[Artifact, ...] = ()
    only: tuple[str, ...] = ()
    save: bool
    force: bool
    dry_run: bool
    confirm: Callable[[], None] = _agree


def apply_checkout(
    project: Project,
    record: VersionRecord,
    root: Path,
    plans: tuple[FilePlan, ...],
    endangered: FileList,
    choice: CheckoutChoice,
) -> CheckoutOutcome:
    """Carry out what `plan_changes` planned; `endangered` are stored nowhere."""
    if endangered and not (choice.save or choice.force):
        follow = any(plan.behind is not None for plan in plans)
        raise build_loss_error(project, record, root, endangered, follow=follow)
    if not choice.dry_run:
        try:
            if choice.save:
                passable = frozenset(chain.from_iterable(plan.passable for plan in plans))
                save_files(project, root, endangered, passable)
            _carry_out_plans(project, record, root, plans, choice)
        except OSError as error:
            raise _build_write_error(record, error, _UNCHANGED) from error
    return CheckoutOutcome(
        root=os.fspath(root),
        written=sum(len(plan.write) for plan in plans),
        removed=sum(plan.removed_count for plan in plans),
        unchanged=sum(plan.unchanged for plan in plans),
        saved=endangered if choice.save else (),
        skipped=_name_unstored(record, choice.only),
        outside=_list_followed(plans),
        left_out=tuple(chain.from_iterable(plan.left_out for plan in plans)),
    )


def _build_write_error(record: VersionRecord, error: OSError, outcome: str) -> MlverError:
    action = f"checking out {record.model} {record.version}"
    return refusal_error(action, error, outcome=outcome)


def _name_unstored(record: VersionRecord, only: Collection[str]) -> tuple[str, ...]:
    artifacts = record.select_artifacts(only)
    names: list[str] = []
    for name, artifact in artifacts.items():
        if not artifact.is_plain:
            names.append(name)
    return tuple(names)


def list_stored(record: VersionRecord, only: Collection[str] = ()) -> list[Artifact]:
    """List the artifacts that are stored as they are, of those in `only`, or of all."""
    return [artifact for artifact in record.select_artifacts(only).values() if artifact.is_plain]


def _refuse_reserved(project: Project, artifacts: Iterable[Artifact], into: Path) -> None:
    repository = project.repository
    reserved = (project.top_folder / layout.ROOT, repository.common_dir, repository.git_dir)
    targets = [into / artifact.path for artifact in artifacts]
    for target in (into, *targets):
        if paths.is_reserved(target, *reserved):
            raise UsageError(
                f"{target} belongs to git or mlver itself; name a folder of your own after --to"
            )


def _require_folder(into: Path) -> None:
    """Raise MlverError where something that is no folder stands at this path or above it."""
    for place in (into, *into.parents):
        if place.is_dir():
            return
        if os.path.lexists(place):
            name = printable_name(os.fspath(place))
            raise MlverError(
                f"{name} is no folder, so no files can be put below it; name another folder after"
                " --to, or move what is there away",
                hint=shell_command("ls", "-ld", "--", place),
            )


def sweep_leftovers(
    project: Project,
    record: VersionRecord,
    root: Path,
    followed: Mapping[str, str] = MappingProxyType({}),
    inputs: Sequence[Artifact] = (),
) -> None:
    """Remove what a killed checkout to the same places was still writing.

    Hold the lock when you call it. `followed` are the links that it wrote through, each with the
    folder that it led to then.
    """
    durable.sweep_temporaries(root)
    for artifact in (*list_stored(record), *inputs):
        pinned = measuring.pinned_files(project, artifact)
        for folder in collect_folders(join_name(artifact.path, name) for name, _ in pinned):
            with suppress(MlverError):  # behind another symlink there is nothing of ours
                durable.sweep_temporaries(following.locate_folder(root, folder, followed))


def _carry_out_plans(
    project: Project,
    record: VersionRecord,
    root: Path,
    plans: Sequence[FilePlan],
    choice: CheckoutChoice,
) -> None:
    if not any(plan.write or plan.remove or plan.links for plan in plans):
        return
    command = CommandIntent(
        what=f"checkout {record.model}@{record.version}",
        top=os.fspath(project.top_folder),
        git_dir=project.repository.own,
        checkout=(record.model, record.version, _name_root(project, root)),
        inputs=choice.inputs,
        only=choice.only,
        followed=_list_followed(plans),
    )
    begun = False

    def mark_begun() -> None:
        nonlocal begun
        choice.confirm()
        begun = True

    new_folders = _list_absent(root)
    try:
        # temporaries belong in the folder itself: beside it nobody would look for what a crash left
        durable.make_directory(root)
        intent.write_intent(project.state_directory, command)
        with FolderTree.open_top(root) as tree:
            replace_files(project, tree, plans, mark_begun)
        intent.drop_intent(project.state_directory)
    except BaseException as error:
        if not begun:  # every byte is proven and on the disk before anything goes
            intent.drop_intent(project.state_directory)
            _remove_folders(new_folders)
        elif isinstance(error, OSError):
            raise _build_write_error(record, error, _CHANGED) from error
        raise


def _list_followed(plans: Iterable[FilePlan]) -> dict[str, str]:
    """The links that are written through, each with the folder that it leads to."""
    links = [plan.behind for plan in plans if plan.behind is not None]
    return {link.path: link.target for link in links}


def _list_absent(folder: Path) -> list[Path]:
    """The folder and those above it that do not exist, the innermost first."""
    absent: list[Path] = []
    while not folder.exists():
        absent.append(folder)
        folder = folder.parent
    return absent


def _remove_folders(folders: Iterable[Path]) -> None:
    """Remove folders that were made for nothing."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _name_root(project: Project, root: Path) -> str:
    """The folder as an intent names it: one inside the work tree moves with it."""
    folder = os.path.normpath(root)
    if Path(folder).is_relative_to(project.top_folder):
        return os.path.relpath(folder, project.top_folder)
    return folder
