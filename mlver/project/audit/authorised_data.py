"""Authorisations of data: each can be read, follows the one before it, and says something."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mlver import paths
from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.project.audit.attached_links import judge_link
from mlver.project.audit.audit import catch_errors, describe_unreadable
from mlver.project.project import Project
from mlver.project.registry.authorisations import read_authorisation
from mlver.records import layout
from mlver.system.folders import walk_folder


def check_authorisations(project: Project) -> Iterator[Finding]:
    """Check every file below the folder of authorisations."""
    root = os.fspath(paths.join_inside(project.top_folder, layout.AUTHORISATIONS))
    for _, entries in walk_folder(root):
        for entry in entries:
            path = os.path.relpath(entry.path, project.top_folder)
            if entry.is_symlink() and Path(entry.path).is_dir():
                log_command = shell_command("git", "log", "--", path)
                yield Finding("name", path, "is a symlink, which no record is", (log_command,))
            elif not entry.is_dir(follow_symlinks=False):
                yield from catch_errors(path, check_authorisation(project, path))


def check_authorisation(project: Project, path: str) -> Iterator[Finding]:
    """Check the record at a path: its name, what it says, and the one that it follows."""
    place = layout.parse_authorisation(path)
    log_command = shell_command("git", "log", "-p", "--", path)
    if place is None:
        yield Finding("name", path, "is no record's name", (log_command,))
        return
    try:
        record = read_authorisation(project.registry, place.data, place.sequence)
    except MlverError as error:
        yield describe_unreadable(project, "record", path, error)
        return
    if record.action == "grant" and not record.purposes:
        message = "grants nothing: it names no purpose"
        yield Finding("record", path, message, (log_command,))
    if record.action == "grant" and record.basis is None and record.personal != "none":
        message = "grants the use of data about people, and names no basis"
        yield Finding("record", path, message, (log_command,))
    yield from catch_errors(path, judge_link(project, record))


def judge_incoming_authorisation(project: Project, path: str, hint: str) -> Iterator[Finding]:
    """Judge one that is coming in; `hint` is the command that shows it."""
    for finding in check_authorisation(project, path):
        yield replace(finding, hints=(hint,))
