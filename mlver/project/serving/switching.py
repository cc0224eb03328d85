"""Switches what a target serves: links by rename, files whole, in an order that loses nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from mlver.digest import Digest
from mlver.project.project import Project
from mlver.project.serving.held_folder import (
    MARK,
    move_aside,
    read_if_file,
    read_mark,
    refuse_folder,
    write_inside,
)
from mlver.project.serving.plan import DeployPlan, read_links
from mlver.project.serving.route_files import has_routes
from mlver.project.serving.targets import FoundTarget
from mlver.records.deployment import DeploymentRecord
from mlver.system import durable
from mlver.system.folders import FolderTree


def set_links(tree: FolderTree, links: Mapping[str, str]) -> None:
    """Let each role lead to its folder; at every instant it leads to the old or the new one."""
    for role, to in links.items():
        path = f"{tree.top}/{role}"
        refuse_folder(tree, path)
        durable.write_link(path, to, tree)


def remove_links(tree: FolderTree, roles: Iterable[str]) -> None:
    for role in roles:
        tree.remove_file(f"{tree.top}/{role}")
    durable.sync_directory(tree.top, tree)


def write_step(tree: FolderTree, plan: DeployPlan, step: Mapping[str, bytes]) -> bool:
    """Write the files of one step that differ; the mark names them before they are there.

    Return whether there were any.
    """
    others = {path: data for path, data in step.items() if read_if_file(tree, path) != data}
    if not others:
        return False
    _note_files(tree, plan, [*step, *plan.stale])
    for path, data in others.items():
        write_inside(tree, path, data)
    return True


def _note_files(tree: FolderTree, plan: DeployPlan, paths: Iterable[str]) -> None:
    mark = read_mark(tree, plan.target)
    names = tuple(sorted(set(paths)))
    if mark is not None and mark.files != names:
        write_inside(tree, MARK, replace(mark, files=names).to_bytes())


def clear_unneeded(tree: FolderTree, plan: DeployPlan) -> None:
    """Remove what nothing needs any more: each thing leaves its place at once."""
    unneeded = (*plan.stale, *plan.removed)
    if unneeded:
        move_aside(tree, unneeded)
    if plan.stale:
        _note_files(tree, plan, plan.rendered.files)


def is_in_place(
    project: Project, tree: FolderTree, target: FoundTarget, record: DeploymentRecord
) -> bool:
    """Say whether a target serves what a record tells of: by its links and the files beside them.

    The bytes of versions were proven before a link led to them.
    """
    place = (target.settings.layout, target.settings.path, target.model)
    if (record.layout, record.path, record.model) != place:
        return False
    served = (*record.roles.values(), *record.kept)
    folders = [one.folder for one in served if one.folder is not None]
    if not all(tree.is_folder(f"{tree.top}/{folder}") for folder in folders):
        return False
    if target.layout.has_links:
        links = {role: one.folder for role, one in record.roles.items()}
        if read_links(tree) != links:
            return False
    return _has_files(tree, record.files) and has_routes(project, target, record)


def _has_files(tree: FolderTree, files: Mapping[str, Digest]) -> bool:
    return all(
        Digest.of_bytes(read_if_file(tree, path) or b"") == digest for path, digest in files.items()
    )
