"""Restores a version's params and metrics files: what is to be written, and what must not be lost.

Their bytes come from commits, and only values that are the record's are taken from there.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command, summarise_names
from mlver.git.working_form import holds_file, read_working_form
from mlver.project.artifacts import damage, storing
from mlver.project.artifacts.input_sources import InputSource
from mlver.project.artifacts.version_inputs import compare_groups
from mlver.project.history.lost_code import list_fetches
from mlver.project.project import Project
from mlver.project.worktree.value_files import read_value_file
from mlver.records.code_references import name_code_reference
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class RestoredInputs:
    """The bytes of the files to write, by path.

    `kept` are the raw digests of the files that they replace, which may be lost.
    """

    contents: Mapping[str, bytes] = field(default_factory=dict)
    kept: frozenset[bytes] = frozenset()

    def put_in_store(self, project: Project, *, dry_run: bool) -> dict[str, Digest]:
        """Keep the bytes as objects, from which files are put in place; return their digests."""
        if dry_run or not self.contents:
            return {path: Digest.of_bytes(data) for path, data in self.contents.items()}
        digests: dict[str, Digest] = {}
        with storing.open_store(project).open_deposit() as deposit:
            for path, data in self.contents.items():
                digests[path] = deposit.put_object(io.BytesIO(data))
        return digests


def plan_inputs(
    project: Project, record: VersionRecord, into: Path | None, *, force: bool
) -> RestoredInputs:
    """Find what to write below `into` (the work tree if None); nothing is changed.

    Raise MlverError where a file of the version cannot be had from any commit, or, without `force`,
    where one that no commit holds would be overwritten.
    """
    contents: dict[str, bytes] = {}
    lost: list[str] = []
    for found in compare_groups(project, record, into):
        for file in found.foreign:
            if file.source is None:
                lost.append(f"{file.path}: {_explain_loss(project, record, found.source)}")
                continue
            contents[file.path] = read_working_form(project.repository, file.source, file.path)
    if lost:
        raise _build_lost_error(project, record, lost)
    present, unreadable = _read_present(into or project.top_folder, contents)
    if not force:
        endangered = [*unreadable, *_find_uncommitted(project, present)]
        if endangered:
            raise _build_overwrite_error(project, endangered)
    kept = frozenset(bytes.fromhex(Digest.of_bytes(data).hex) for data in present.values())
    return RestoredInputs(contents, kept)


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
        f"{summarise_names(lost, _SHOWN)}",
        hints=hints or (show_record,),
    )


# -- what would be overwritten ---------------------------------------------------------------------


def _read_present(root: Path, contents: Mapping[str, bytes]) -> tuple[dict[str, bytes], list[str]]:
    """Read the files that are to be replaced by other bytes; and name what cannot be read."""
    present: dict[str, bytes] = {}
    unreadable: list[str] = []
    for path, data in contents.items():
        try:
            current = read_value_file(root, path)
        except MlverError:
            unreadable.append(path)
            continue
        if current is not None and current != data:
            present[path] = current
    return present, unreadable


def _find_uncommitted(project: Project, present: Mapping[str, bytes]) -> list[str]:
    """Find the files whose bytes neither a commit, as git takes them in, nor the store holds."""
    raw_digests: dict[str, bytes] = {}
    for path, data in present.items():
        if not holds_file(project.repository, path, data):
            raw_digests[path] = bytes.fromhex(Digest.of_bytes(data).hex)
    lost = damage.find_lost(project, DigestSet.from_raw(raw_digests.values()))
    return [path for path, digest in raw_digests.items() if lost.find_rank(digest) is not None]


def _build_overwrite_error(project: Project, endangered: list[str]) -> MlverError:
    names = summarise_names(endangered, _SHOWN)
    add = shell_command("git", "add", "--force", "--", *endangered)
    commit = shell_command("git", "commit", "-m", "WHY", "--", *endangered)
    hints: tuple[str, ...] = (commit,)
    if project.repository.tracked(endangered) != set(endangered):
        hints = (add, commit)
    return MlverError(
        "these files hold values that no commit has, and would be overwritten;"
        f" commit them to keep them, or use --force to lose them:\n{names}",
        hints=hints,
    )
