"""Finds the commit that holds params and metrics files with the values of a version's record.

The code commit of a version need not: such files may be registered first and committed later. What
tells is the values, so any commit that has them will do, on whatever branch it lies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from mlver.git import objects
from mlver.project.project import Project
from mlver.project.worktree.input_files import ComparedValues, InputGroup, compare_contents
from mlver.project.worktree.value_files import BYTE_LIMIT

# So many commits' files are in memory together, and so many are read before the search is given up.
_BATCH = 32
_SEARCHED = 4096


@dataclass(frozen=True, slots=True)
class InputSource:
    """A commit and the bytes of the files in it; None where it has no such file."""

    commit: str
    contents: dict[str, bytes | None]


def compare_code(project: Project, group: InputGroup, commit: str | None) -> ComparedValues | None:
    """Compare the files of a version's code commit with its record; None without the commit."""
    if commit is None or not group.files or not project.repository.has_commit(commit):
        return None
    (source,) = _read_sources(project, group, [commit])
    return compare_contents(group, source.contents)


def find_source(project: Project, group: InputGroup, commit: str | None) -> InputSource | None:
    """Find a commit whose files have the values of the record, and no others.

    A value of the record may be in none of the files of its code commit: then it was given on the
    command line, unless a commit has it in a file.
    """
    partial = None
    if commit is not None:
        for source in _read_sources(project, group, [commit]):
            compared = compare_contents(group, source.contents)
            if not compared.belongs or not compared.owners:
                continue
            if not compared.absent:
                return source
            partial = source
    for source in _read_sources(project, group, _list_commits(project, group)):
        compared = compare_contents(group, source.contents)
        if compared.belongs and compared.owners and not compared.absent:
            return source
    return partial


def _list_commits(project: Project, group: InputGroup) -> Sequence[str]:
    """List the commits of any branch or tag that changed one of the files, the newest first."""
    options = [f"--max-count={_SEARCHED}", "--format=%H", "--full-history", "--all"]
    listing = project.repository.process.read(["log", *options, "--", *group.files])
    return listing.decode().split()


def _read_sources(
    project: Project, group: InputGroup, commits: Sequence[str]
) -> Iterator[InputSource]:
    remaining = iter(commits)
    while batch := list(islice(remaining, _BATCH)):
        wanted: list[tuple[str, int]] = []
        for commit in batch:
            wanted += [(f"{commit}:{path}", BYTE_LIMIT + 1) for path in group.files]
        blobs = list(objects.read_beginnings(project.repository.process, wanted))
        for number, commit in enumerate(batch):
            start = number * len(group.files)
            contents = zip(group.files, blobs[start : start + len(group.files)], strict=True)
            yield InputSource(commit, dict(contents))
