"""The params and metrics files of a version: which in the work tree are another's, and its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mlver.errors import MlverError
from mlver.project.artifacts.input_sources import InputSource, find_source, read_code_source
from mlver.project.artifacts.overwritten_inputs import suggest_restoring
from mlver.project.project import Project
from mlver.project.worktree.input_files import (
    ChangedValues,
    FileContents,
    ForeignFile,
    InputGroup,
    compare_contents,
    find_foreign,
    list_groups,
    read_working_files,
)
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True)
class ForeignGroup:
    """Files of one kind that are not the version's, and what holds them as the version had them.

    `unfiled` are the values of the version, by dotted name, that no file has once they are
    restored.
    """

    foreign: tuple[ForeignFile, ...]
    source: InputSource | None
    unfiled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InputReport:
    """What a checkout that leaves params and metrics as they are says of them.

    `hints` are the commands that restore the files, and lose nothing.
    """

    foreign: tuple[ForeignFile, ...] = ()
    unfiled: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


def report_inputs(project: Project, record: VersionRecord) -> InputReport:
    """Say which files of the work tree are not the version's.

    What goes wrong here undoes no checkout: it is noted.
    """
    foreign: list[ForeignFile] = []
    unfiled: list[str] = []
    hints: tuple[str, ...] = ()
    try:
        for group in compare_groups(project, record):
            foreign += group.foreign
            if not group.foreign:
                unfiled += group.unfiled
        hints = suggest_restoring(project, record, foreign)
    except MlverError as error:
        project.reporter.show_note(
            f"whether params and metrics are those of {record.model} {record.version} cannot be"
            f" told: {error.message}"
        )
    return InputReport(tuple(foreign), tuple(unfiled), hints)


def compare_groups(
    project: Project, record: VersionRecord, root: Path | None = None
) -> Iterator[ForeignGroup]:
    """Compare the params, and then the metrics, below `root` (the work tree if None)."""
    settings = project.registry.read_settings(record.model)
    for named in list_groups(record, settings):
        contents = read_working_files(root or project.top_folder, named.files)
        yield _compare_group(project, record, named, contents)


def _compare_group(
    project: Project, record: VersionRecord, named: InputGroup, contents: FileContents
) -> ForeignGroup:
    # what an artifact of the version holds is put in place with it
    files = tuple(path for path in named.files if not _is_pinned(record, path))
    group = replace(named, files=files)
    now = compare_contents(named, contents)
    if now.belongs and not now.absent:
        # nothing is asked of git where every value is as it was
        return ForeignGroup((), None, _name_unfiled(group, now))
    code = read_code_source(project, group, record.code.commit)
    before = None
    if code is not None:
        before = compare_contents(group, code.contents)
    foreign = list(find_foreign(group, now, before))
    if not foreign:
        return ForeignGroup((), None, _name_unfiled(group, now))
    source = find_source(project, group, code)
    restored: dict[str, bytes | None] = {}
    for number, file in enumerate(foreign):
        if source is not None and source.contents[file.path] is not None:
            foreign[number] = replace(file, source=source.commit)
            restored[file.path] = source.contents[file.path]
    after = compare_contents(named, {**contents, **restored})
    return ForeignGroup(tuple(foreign), source, _name_unfiled(group, after))


def _name_unfiled(group: InputGroup, now: ChangedValues) -> tuple[str, ...]:
    return tuple(f"{group.kind}.{name}" for name in (*group.replaced, *now.absent))


def _is_pinned(record: VersionRecord, path: str) -> bool:
    artifacts = record.named_artifacts().values()
    return any(f"{path}/".startswith(f"{artifact.path}/") for artifact in artifacts)
