"""A rollback's checkout of the work tree: with one pass over large files, and to be undone.

Large files are not read one after the other. The objects that are to be put in place are proven
while they are copied beside their targets: what is hashed is the copy. Meanwhile a second thread
proves that the large files to be replaced are stored (see `assumed_files`). Both are done before
the first file goes. Where any working file is stored nowhere, and has to be saved, all objects are
proven before that, in a pass of their own: a rollback that cannot be done stores nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from mlver.project.artifacts.assumed_files import AssumedFiles, WrongAssumption, expect_files
from mlver.project.artifacts.endangered import find_endangered
from mlver.project.artifacts.file_changes import replace_files
from mlver.project.artifacts.file_plan import FilePlan
from mlver.project.artifacts.working_files import (
    NO_LEAVE,
    CheckoutChoice,
    CheckoutOutcome,
    apply_checkout,
    list_stored,
    plan_changes,
)
from mlver.project.project import Project
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet
from mlver.system import durable
from mlver.system.folders import FolderTree

# Called with the objects that are proven when they are put in place: it proves the others.
ProveRest = Callable[[DigestSet], object]


@dataclass(frozen=True, slots=True)
class AppliedCheckout:
    """What a checkout of the work tree came to, and the changes it made.

    `links` are the symlinks to files that it replaced or removed, each with what it led to.
    """

    outcome: CheckoutOutcome
    plans: tuple[FilePlan, ...]
    links: Mapping[str, str]


def replace_working_files(
    project: Project, record: VersionRecord, former: VersionRecord | None, prove_rest: ProveRest
) -> AppliedCheckout:
    """Check a version out in the work tree; save what would be lost, so that it can be undone.

    `former` is the version that is in use, as far as anybody knows.
    """
    try:
        assumed = expect_files(project, former, record)
        return _replace_files(project, record, assumed, prove_rest)
    except WrongAssumption:
        return _replace_files(project, record, expect_files(project, None, record), prove_rest)


def _replace_files(
    project: Project, record: VersionRecord, assumed: AssumedFiles, prove_rest: ProveRest
) -> AppliedCheckout:
    root = project.top_folder
    plans = plan_changes(
        project, record, list_stored(record), root, NO_LEAVE, read=assumed.read_file
    )
    with assumed.proving() as proof:
        endangered = find_endangered(project, plans, assumed.digests)
        written = [] if endangered else [plan.write.read_digests() for plan in plans]
        prove_rest(DigestSet.from_raw(chain.from_iterable(written)))
        if endangered or not any(map(_changes_files, plans)):
            # What a wrong assumption saved would not be named, and where nothing changes, nobody
            # asks whether the files that stay are right.
            proof.require_proven()
        choice = CheckoutChoice(save=True, force=False, dry_run=False, confirm=proof.require_proven)
        links = _find_file_links(root, plans)
        outcome = apply_checkout(project, record, root, plans, endangered, choice)
    return AppliedCheckout(outcome, plans, links)


def _changes_files(plan: FilePlan) -> bool:
    return bool(plan.write or plan.remove or plan.links)


def _find_file_links(root: Path, plans: Iterable[FilePlan]) -> dict[str, str]:
    """The symlinks among the files that would be replaced or removed."""
    links: dict[str, str] = {}
    for plan in plans:
        for files in (plan.replaced, plan.remove):
            for path in files.read_paths():
                location = f"{root}/{path}"
                # of many files few are links, and pathlib would cost more than the call
                if os.path.islink(location):  # noqa: PTH114
                    links[path] = os.readlink(location)  # noqa: PTH115
    return links


def put_files_back(project: Project, applied: AppliedCheckout) -> None:
    """Undo a checkout of the work tree: what it replaced or removed is in the store."""
    reversed_plans = [plan.reverse_changes() for plan in applied.plans]
    with FolderTree.open_top(project.top_folder) as tree:
        replace_files(project, tree, reversed_plans, lambda: None)
        for path, target in applied.links.items():
            durable.write_link(f"{tree.top}/{path}", target, tree)
        for plan in applied.plans:
            for path, target in plan.links.items():
                location = f"{tree.top}/{path}"
                changed = tree.make_folder(location.rpartition("/")[0])
                durable.sync_directories(changed, access=tree)
                durable.write_link(location, target, tree)
