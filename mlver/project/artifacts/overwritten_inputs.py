"""What lies in the place of params and metrics files that are to be restored, and may be lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError, shell_command, summarise_names
from mlver.git.working_form import holds_file
from mlver.project.artifacts import damage
from mlver.project.artifacts.endangered import SHOWN_FILES
from mlver.project.project import Project
from mlver.project.worktree.input_files import ForeignFile
from mlver.project.worktree.value_files import read_value_file
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet


@dataclass(frozen=True, slots=True)
class PresentInputs:
    """What lies at some paths: the bytes of files, folders, and what cannot be read."""

    contents: Mapping[str, bytes]
    folders: tuple[str, ...]
    unreadable: tuple[str, ...]


def read_present(root: Path, wanted: Iterable[str]) -> PresentInputs:
    """Read what lies at these paths below `root`; a link to a folder counts as one."""
    contents: dict[str, bytes] = {}
    folders: list[str] = []
    unreadable: list[str] = []
    for path in wanted:
        try:
            if paths.join_inside(root, path, link_last=True).is_dir():
                folders.append(path)
                continue
            current = read_value_file(root, path)
        except MlverError:
            unreadable.append(path)
            continue
        if current is not None:
            contents[path] = current
    return PresentInputs(contents, tuple(folders), tuple(unreadable))


def find_uncommitted(project: Project, contents: Mapping[str, bytes]) -> list[str]:
    """Find the files whose bytes neither a commit, as git takes them in, nor the store holds."""
    raw_digests: dict[str, bytes] = {}
    for path, data in contents.items():
        if not holds_file(project.repository, path, data):
            raw_digests[path] = bytes.fromhex(Digest.of_bytes(data).hex)
    lost = damage.find_lost(project, DigestSet.from_raw(raw_digests.values()))
    return [path for path, digest in raw_digests.items() if lost.find_rank(digest) is not None]


def build_folder_error(record: VersionRecord, folders: Sequence[str]) -> MlverError:
    names = summarise_names(folders, SHOWN_FILES)
    return MlverError(
        f"nothing was changed: {record.model} {record.version} has files where these folders are;"
        f" move them away:\n{names}",
        hint=_suggest_look(folders),
    )


def build_overwrite_error(
    project: Project, uncommitted: Sequence[str], unreadable: Sequence[str]
) -> MlverError:
    names = summarise_names([*unreadable, *uncommitted], SHOWN_FILES)
    hints: tuple[str, ...] = ()
    if unreadable:
        hints += (_suggest_look(unreadable),)
    if uncommitted:
        hints += _suggest_commit(project, uncommitted)
    return MlverError(
        "these files hold values that no commit has, and would be overwritten;"
        f" commit them to keep them, or use --force to lose them:\n{names}",
        hints=hints,
    )


def suggest_restoring(
    project: Project, record: VersionRecord, foreign: Sequence[ForeignFile]
) -> tuple[str, ...]:
    """Suggest the commands that restore files in the work tree, and lose nothing; none without a
    commit that has them.
    """
    if not foreign or any(file.source is None for file in foreign):
        return ()
    present = read_present(project.top_folder, [file.path for file in foreign])
    in_the_way = (*present.folders, *present.unreadable)
    if in_the_way:
        return (_suggest_look(in_the_way),)
    uncommitted = find_uncommitted(project, present.contents)
    restore = shell_command("mlver", "checkout", f"{record.model}@{record.version}", "--inputs")
    if not uncommitted:
        return (restore,)
    return (*_suggest_commit(project, uncommitted), restore)


def _suggest_look(places: Sequence[str]) -> str:
    return shell_command("ls", "-ld", "--", *places)


def _suggest_commit(project: Project, uncommitted: Sequence[str]) -> tuple[str, ...]:
    commit = shell_command("git", "commit", "-m", "WHY", "--", *uncommitted)
    if project.repository.tracked(uncommitted) == set(uncommitted):
        return (commit,)
    return shell_command("git", "add", "--force", "--", *uncommitted), commit
