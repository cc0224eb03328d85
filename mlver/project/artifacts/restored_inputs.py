"""Restores a version's params and metrics files: what is to be written, and what must not be lost.

Their bytes come from commits, and only values that are the record's are taken from there.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command, summarise_names
from mlver.git.trees import committed_files
from mlver.git.working_form import read_working_form
from mlver.project.artifacts import overwritten_inputs, storing
from mlver.project.artifacts.endangered import SHOWN_FILES
from mlver.project.artifacts.input_sources import InputSource
from mlver.project.artifacts.version_inputs import compare_groups
from mlver.project.history.lost_code import list_fetches
from mlver.project.project import Project
from mlver.project.worktree.input_files import ForeignFile
from mlver.records.artifact import WHOLE_FILE, Artifact
from mlver.records.code_references import name_code_reference
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True)
class RestoredFile:
    """A file to write; its bytes are as git would check them out."""

    path: str
    data: bytes
    is_executable: bool

    def describe_artifact(self) -> Artifact:
        """Describe the file as a checkout puts files in place; no record says this."""
        executable = (WHOLE_FILE,) if self.is_executable else ()
        return Artifact(
            path=self.path,
            digest=Digest.of_bytes(self.data),
            size=len(self.data),
            files=1,
            stored=True,
            executable=executable,
        )


@dataclass(frozen=True, slots=True)
class RestoredInputs:
    """The files to write.

    `kept` are the raw digests of the files that they replace, which may be lost. `unfiled` are the
    values of the version, such as `params.lr`, that no file has then.
    """

    files: tuple[RestoredFile, ...] = ()
    kept: frozenset[bytes] = frozenset()
    unfiled: tuple[str, ...] = ()

    def put_in_store(self, project: Project, *, dry_run: bool) -> tuple[Artifact, ...]:
        """Keep the bytes as objects, from which files are put in place."""
        if self.files and not dry_run:
            with storing.open_store(project).open_deposit() as deposit:
                for file in self.files:
                    deposit.put_object(io.BytesIO(file.data))
        return tuple(file.describe_artifact() for file in self.files)


def plan_inputs(
    project: Project, record: VersionRecord, into: Path | None, *, force: bool
) -> RestoredInputs:
    """Find what to write below `into` (the work tree if None); nothing is changed.

    Raise MlverError where a file of the version cannot be had from any commit, where a folder is in
    its place, or, without `force`, where one that no commit holds would be overwritten.
    """
    files: list[RestoredFile] = []
    unfiled: list[str] = []
    lost: list[str] = []
    for group in compare_groups(project, record, into):
        unfiled += group.unfiled
        for foreign in group.foreign:
            if foreign.source is None:
                lost.append(f"{foreign.path}: {_explain_loss(project, record, group.source)}")
            else:
                files.append(_read_restored(project, foreign, foreign.source))
    if lost:
        raise _build_lost_error(project, record, lost)
    present = overwritten_inputs.read_present(
        into or project.top_folder, [file.path for file in files]
    )
    if present.folders:
        raise overwritten_inputs.build_folder_error(record, present.folders)
    if not force:
        uncommitted = overwritten_inputs.find_uncommitted(project, present.contents)
        if uncommitted or present.unreadable:
            raise overwritten_inputs.build_overwrite_error(project, uncommitted, present.unreadable)
    kept = frozenset(bytes.fromhex(Digest.of_bytes(data).hex) for data in present.contents.values())
    return RestoredInputs(tuple(files), kept, tuple(unfiled))


def _read_restored(project: Project, foreign: ForeignFile, commit: str) -> RestoredFile:
    entries = committed_files(project.repository, commit, foreign.path)
    data = read_working_form(project.repository, commit, foreign.path)
    return RestoredFile(foreign.path, data, entries[foreign.path].is_executable)


def _explain_loss(project: Project, record: VersionRecord, source: InputSource | None) -> str:
    if source is not None:
        return "the version had no such file; move it away"
    commit = record.code.commit
    if commit is not None and not project.repository.has_commit(commit):
        return f"the commit {commit[:10]} is not in this clone, and no other has its values"
    return "no commit here has it with the values of the version"


def _build_lost_error(project: Project, record: VersionRecord, lost: list[str]) -> MlverError:
    hints: tuple[str, ...] = ()
    commit = record.code.commit
    if commit is not None and not project.repository.has_commit(commit):
        reference = name_code_reference(record.model, record.version)
        hints = list_fetches(project, reference)
    show_record = shell_command("mlver", "show", f"{record.model}@{record.version}")
    return MlverError(
        f"nothing was changed, for these files of {record.model} {record.version} cannot be"
        f" restored; what its record has of them can be written by hand:\n"
        f"{summarise_names(lost, SHOWN_FILES)}",
        hints=hints or (show_record,),
    )
