"""The format `directory`: the files of a version, its record, and a list to check them all by.

It is written beside its place and then renamed, so that the folder has everything or is not there.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError, refusal_error
from mlver.features.exporting.formats import Exported, PlannedExport
from mlver.project.artifacts import modes, storing
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.measuring import pinned_files
from mlver.project.edit.staging_folder import staging_folder
from mlver.project.project import Project
from mlver.records.artifact import Artifact
from mlver.records.manifest import format_line
from mlver.system import durable
from mlver.system.folders import FolderTree

RECORD = "RECORD.yaml"
CHECKSUMS = "SHA256SUMS"
_OWN_NAMES = frozenset((RECORD.casefold(), CHECKSUMS.casefold()))


def write_directory(planned: PlannedExport) -> Exported:
    """Write the files of a version below a folder; see ExportFormat.

    `sha256sum -c SHA256SUMS` checks them there, the record among them.
    """
    files = _WantedFiles.plan_files(planned)
    if planned.dry_run:
        digests = {digest for digest, _ in files}
        storing.open_store(planned.project).require_objects(digests)
        return Exported(len(files), None)
    try:
        with staging_folder(planned.project, planned.what, planned.target) as staging:
            size = _write_files(planned, files, staging)
    except OSError as error:
        raise refusal_error(f"exporting to {planned.target}", error) from error
    return Exported(len(files), size)


@dataclass(slots=True)
class _WantedFiles:
    """The files of an export; it is the `WantedFiles` of an object store once it has a root."""

    checksums: bytes
    executable: frozenset[str]
    entries: list[tuple[str, str]] = field(default_factory=list)
    root: str = ""

    @classmethod
    def plan_files(cls, planned: PlannedExport) -> _WantedFiles:
        executable: set[str] = set()
        listings: list[Iterator[tuple[bytes, str]]] = []
        for artifact in planned.artifacts.values():
            if artifact.path.partition("/")[0].casefold() in _OWN_NAMES:
                raise MlverError(
                    f"{artifact.path} has the name of a file that the export itself writes;"
                    " export the other artifacts by --only"
                )
            for name in modes.pinned_executable(artifact) or ():
                executable.add(join_name(artifact.path, name))
            listings.append(_list_files(planned.project, artifact))
        own = (os.fsencode(RECORD), Digest.of_bytes(planned.data).hex)
        lines: list[bytes] = []
        entries: list[tuple[str, str]] = []
        # An artifact may lie inside another one: each file is listed once.
        for path, hexadecimal in _merge_distinct([*listings, iter([own])]):
            lines.append(format_line(path, hexadecimal))
            if path != own[0]:
                entries.append((os.fsdecode(path), hexadecimal))
        return cls(b"".join(lines), frozenset(executable), entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[tuple[Digest, str]]:
        for path, hexadecimal in self.entries:
            yield Digest(hexadecimal), f"{self.root}/{path}"


def _list_files(project: Project, artifact: Artifact) -> Iterator[tuple[bytes, str]]:
    for name, hexadecimal in pinned_files(project, artifact):
        yield os.fsencode(join_name(artifact.path, name)), hexadecimal


def _merge_distinct(listings: list[Iterator[tuple[bytes, str]]]) -> Iterator[tuple[bytes, str]]:
    for entry, _ in groupby(heapq.merge(*listings)):
        yield entry


def _write_files(planned: PlannedExport, files: _WantedFiles, staging: Path) -> int:
    """Write everything, durably; return the size of the artifacts in bytes."""
    reporter = planned.project.reporter
    size = 0

    def begin_writing(total: int) -> None:
        nonlocal size
        size = total
        reporter.begin_work("writing files", total)

    checked: set[str] = set()
    for path, _ in files.entries:
        paths.join_inside_as_text(staging, path, checked=checked)
    with FolderTree.open_top(staging) as tree:
        files.root = tree.top
        try:
            storing.open_store(planned.project).export_objects(
                files,
                progress=reporter.advance_work,
                expect=begin_writing,
                tree=tree,
                executable=frozenset(f"{tree.top}/{path}" for path in files.executable),
            )
        finally:
            reporter.end_work()
    durable.create_file(staging / RECORD, planned.data)
    durable.create_file(staging / CHECKSUMS, files.checksums)
    return size
