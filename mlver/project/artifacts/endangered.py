"""Working files whose bytes are stored nowhere, and that a checkout would overwrite."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from itertools import filterfalse
from pathlib import Path

from mlver.errors import MlverError, printable_name, shell_command, summarise_names
from mlver.project.artifacts import damage
from mlver.project.artifacts.file_list import FileList
from mlver.project.artifacts.file_plan import FilePlan
from mlver.project.artifacts.ignoring import IGNORE_FILE, find_ignored
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
    project: Project, record: VersionRecord, root: Path, endangered: FileList, *, follow: bool
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
    left_out = _list_left_out(project, record, paths)
    if left_out:
        # The next version is without them.
        listed = ", ".join(map(printable_name, left_out[:SHOWN_FILES]))
        rest = "" if len(left_out) == len(paths) else f"{advice}, and "
        advice = f"{rest}copy away what {IGNORE_FILE} keeps out of the next version ({listed})"
        if not rest:
            hint = shell_command("cat", "-n", "--", IGNORE_FILE)
    fetch = find_fetch_command(root, paths[:SHOWN_FILES])
    if fetch is not None:
        advice, hint = "fetch the content that they point to", fetch
    return MlverError(
        "these files hold bytes that are stored nowhere, and would be overwritten;"
        f" {advice}, or use --force to lose them:\n{summarise_names(paths, SHOWN_FILES)}",
        hint=hint,
    )


def _list_left_out(project: Project, record: VersionRecord, paths: Sequence[str]) -> Sequence[str]:
    """List those of these files that no registration would keep."""
    left_out: list[str] = []
    for artifact in record.named_artifacts().values():
        ignored = find_ignored(project, artifact.path)
        if ignored is None:
            return ()
        folder = f"{artifact.path}/"
        for path in paths:
            name = os.fsencode(path.removeprefix(folder))
            if path.startswith(folder) and ignored.leaves_out_one_of([name]):
                left_out.append(path)
    return left_out
