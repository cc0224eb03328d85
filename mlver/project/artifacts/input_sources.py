"""Finds the commit that holds params and metrics files with the values of a version's record.

The code commit of a version need not: such files may be registered first and committed later. What
tells is the values, so any commit that has them will do, on whatever branch it lies.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from mlver.git import objects
from mlver.project.project import Project
from mlver.project.worktree.input_files import InputGroup, compare_contents
from mlver.project.worktree.value_files import BYTE_LIMIT

# So many commits are looked at before the search is given up.
_SEARCHED = 4096


@dataclass(frozen=True, slots=True)
class InputSource:
    """A commit and the bytes of the files in it; None where it has no such file."""

    commit: str
    contents: dict[str, bytes | None]


def read_code_source(project: Project, group: InputGroup, commit: str | None) -> InputSource | None:
    """Read the files of a version's code commit; None without the commit."""
    if commit is None or not group.files or not project.repository.has_commit(commit):
        return None
    (source,) = _read_sources(
        project, group, {commit: [f"{commit}:{path}" for path in group.files]}
    )
    return source


def find_source(
    project: Project, group: InputGroup, code: InputSource | None
) -> InputSource | None:
    """Find a commit whose files have the values of the record, and no others.

    A value of the record may be in none of the files of its `code` commit: then it was given on the
    command line, unless a commit has it in a file.
    """
    partial = None
    if code is not None:
        compared = compare_contents(group, code.contents)
        if compared.belongs and compared.owners:
            if not compared.absent:
                return code
            partial = code
    distinct = _list_distinct(project, group)
    with closing(_read_sources(project, group, distinct)) as sources:
        for source in sources:
            compared = compare_contents(group, source.contents)
            if compared.belongs and compared.owners and not compared.absent:
                return source
    return partial


def _list_distinct(project: Project, group: InputGroup) -> dict[str, list[str]]:
    """List the newest commit for each set of files that commits have, with what to read of it."""
    commits = _list_commits(project, group)
    specs = [f"{commit}:{path}" for commit in commits for path in group.files]
    identified = objects.identify_objects(project.repository.process, specs)
    distinct: dict[str, list[str]] = {}
    known: set[tuple[str, ...]] = set()
    for commit in commits:
        object_ids = tuple(islice(identified, len(group.files)))
        # most commits on other branches have the same files
        if object_ids not in known and any(object_ids):
            known.add(object_ids)
            distinct[commit] = list(object_ids)
    return distinct


def _list_commits(project: Project, group: InputGroup) -> Sequence[str]:
    """List the commits of any branch or tag that changed one of the files, the newest first."""
    options = [f"--max-count={_SEARCHED}", "--format=%H", "--full-history", "--all"]
    listing = project.repository.process.read(["log", *options, "--", *group.files])
    return listing.decode().split()


def _read_sources(
    project: Project, group: InputGroup, wanted: dict[str, list[str]]
) -> Generator[InputSource, None, None]:
    """Read the files of one commit after the other: no others are in memory with them."""
    requests: list[tuple[str, int]] = []
    for names in wanted.values():
        requests += [(name, BYTE_LIMIT + 1) for name in names]
    blobs = objects.read_beginnings(project.repository.process, requests)
    for commit in wanted:
        contents = dict(zip(group.files, islice(blobs, len(group.files)), strict=True))
        yield InputSource(commit, contents)
    # a failure of git is raised at the end
    next(blobs, None)
