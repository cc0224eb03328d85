"""The files of routes, in the repository: which differ, and how they are written.

The mark of the target names those that deployments wrote: no other file is replaced by one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace

from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, shell_command
from mlver.project.project import Project
from mlver.project.serving.held_folder import (
    MARK,
    read_if_file,
    read_mark,
    refuse_folder,
    write_inside,
    write_new,
)
from mlver.project.serving.targets import FoundTarget
from mlver.records.deployment import DeploymentRecord
from mlver.system import durable
from mlver.system.folders import FolderTree


def find_other_routes(
    project: Project,
    target: FoundTarget,
    tree: FolderTree | None,
    routes: Mapping[str, bytes],
    records: Iterable[DeploymentRecord],
) -> dict[str, bytes]:
    """Find the files that differ; raise MlverError where one would replace a person's own.

    In a new clone, what one of these deployments wrote may have come by git.
    """
    others: dict[str, bytes] = {}
    if not routes:
        return others
    mark = None if tree is None else read_mark(tree, target)
    own = () if mark is None else mark.routes
    written = {record.routes for record in records}
    with FolderTree.open_top(os.path.realpath(project.top_folder)) as top:
        for path, data in routes.items():
            present = read_if_file(top, path)
            if present == data:
                continue
            is_own = path in own or (present is not None and Digest.of_bytes(present) in written)
            if not is_own and top.read_mode(f"{top.top}/{path}"):
                raise MlverError(
                    f"{printable_name(path)}, the file of routes of {target.name}, is there"
                    " already, and no deployment wrote it; move it away",
                    hint=shell_command("ls", "-l", "--", path),
                )
            others[path] = data
    return others


def write_routes(
    project: Project, target: FoundTarget, tree: FolderTree, routes: Mapping[str, bytes]
) -> None:
    """Write these files; the mark names them before they are there."""
    if not routes:
        return
    mark = read_mark(tree, target)
    if mark is not None and not {*routes} <= {*mark.routes}:
        names = tuple(sorted({*routes, *mark.routes}))
        write_inside(tree, MARK, replace(mark, routes=names).to_bytes())
    with FolderTree.open_top(os.path.realpath(project.top_folder)) as top:
        for path, data in routes.items():
            _write_beside(top, path, data)


def _write_beside(top: FolderTree, path: str, data: bytes) -> None:
    """Write a file whole; what a killed command left beside it goes first."""
    whole = f"{top.top}/{path}"
    folder = whole.rpartition("/")[0]
    changed = top.make_folder(folder)
    for name, _ in top.list_folder(folder):
        if durable.is_temporary(name):
            top.remove_file(f"{folder}/{name}")
    prepared = f"{folder}/{durable.temporary_name()}"
    refuse_folder(top, whole)
    write_new(top, prepared, data)
    top.replace_file(prepared, whole)
    durable.sync_directories([*changed, folder], access=top)


def has_routes(project: Project, target: FoundTarget, record: DeploymentRecord) -> bool:
    """Whether the file of routes that the settings name is the one of a deployment."""
    if target.routes is None or record.routes is None:
        return target.routes is None and record.routes is None
    with FolderTree.open_top(os.path.realpath(project.top_folder)) as top:
        data = read_if_file(top, target.routes[1].file)
    return data is not None and Digest.of_bytes(data) == record.routes
