"""Working files whose bytes are stored nowhere, and that a checkout would overwrite."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import filterfalse
from pathlib import Path

from mlver.errors import MlverError, shell_command, summarise_names
from mlver.project.artifacts import damage
from mlver.project.artifacts.file_list import FileList
from mlver.project.artifacts.file_plan import FilePlan
from mlver.project.artifacts.pointers import find_fetch_command
from mlver.project.project import Project
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet

# A message that names every file would scroll the reason off the screen.
SHOWN_FILES = 8


def find_endangered(
    project: Project, plans: Sequence[FilePlan], kept: Collection[bytes]
) -> FileList:
    """Find the files that would be overwritten or removed and whose bytes no sound object holds.

    `kept` are the raw digests of files that are kept elsewhere, or that somebody else proves.
    """
    lists: list[FileList] = []
    for plan in plans:
        lists += (plan.replaced, plan.remove)
    leaving = FileList.join_lists(lists)
    if not leaving:
        return leaving
    # A copy may have been damaged since it was stored. Only reading it shows that.
    unproven = filterfalse(kept.__contains__, leaving.read_digests())
    lost = damage.find_lost(project, DigestSet.from_raw(unproven))
    return leaving.select_files(
        lost.find_rank(digest) is not None for digest in leaving.read_digests()
    )


def build_loss_error(
    record: VersionRecord, root: Path, endangered: FileList, *, follow: bool
) -> MlverError:
    """Build the error for a checkout to `root` that would overwrite these files.

    With `follow`, some may lie behind a link that is followed.
    """
    paths = list(endangered.read_paths())
    advice = "register them to keep them"
    words = ["mlver", "register", record.model, "--bump", "patch"]
    if follow:
        words.append("--follow")
    hint = shell_command(*words, "-m", "WHY")
    fetch = find_fetch_command(root, paths[:SHOWN_FILES])
    if fetch is not None:
        advice, hint = "fetch the content that they point to", fetch
    return MlverError(
        "these files hold bytes that are stored nowhere, and would be overwritten;"
        f" {advice}, or use --force to lose them:\n{summarise_names(paths, SHOWN_FILES)}",
        hint=hint,
    )
