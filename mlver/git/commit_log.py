"""The commits that gave files their contents, and who made them, in one process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlver.git.repository import GitRepository

_SEPARATOR = "\x01"
_CO_AUTHORS = (
    f"%(trailers:key=Co-authored-by,valueonly=true,unfold=true,separator=%x{ord(_SEPARATOR):02x})"
)
HEADER_FIELDS = ("%H", "%P", "%an <%ae>", "%at", "%cn <%ce>", "%ct", _CO_AUTHORS)
HEADER_FORMAT = f"--format={'%x00'.join(HEADER_FIELDS)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitEntry:
    """A commit that gave files new contents.

    `contents` has the object id of each file that it changed, of a merge only what it took from no
    parent; None stands for a deletion. `parents` are the nearest commits in the same log. People
    are `Name <mail>`, times are seconds since 1970; None where git cannot read them.
    """

    commit: str
    parents: tuple[str, ...]
    author: str
    authored: int | None
    committer: str
    committed: int | None
    co_authors: tuple[str, ...]
    contents: Mapping[str, str | None]


def read_commit_log(
    repository: GitRepository,
    tip: str,
    under: Sequence[str],
    without: Sequence[str] = (),
    *,
    beside: Sequence[str] = (),
    first_parents: bool = False,
) -> list[CommitEntry]:
    """Read which commits of `tip`'s history changed files below `under`, children before parents.

    Merges that bring such changes together are among them, and the history of what is `beside` the
    tip. Commits that are reachable from `without` are left out. With `first_parents`, the contents
    of a merge are all in which it differs from its first parent.
    """
    options = ["-z", "--encoding=UTF-8", HEADER_FORMAT]
    options += ["--raw", "--no-renames", "--no-abbrev"]
    options += ["--diff-merges=first-parent" if first_parents else "-c"]
    options += ["--full-history", "--parents", "--topo-order"]
    reach = [tip, *beside]
    if without:
        reach += ["--not", *without, "--not"]
    listing = repository.process.read(["log", *options, *reach, "--", *under])
    return list(_parse_entries(listing))


def _parse_entries(listing: bytes) -> Iterator[CommitEntry]:
    for header, differences in split_commits(iter(listing.split(b"\0"))):
        contents = {path: _parse_object(line) for line, path in differences}
        yield build_entry(header, header[1].split(), contents)


def split_commits(fields: Iterator[bytes]) -> Iterator[tuple[list[str], list[tuple[str, str]]]]:
    """Split a log with our headers into the header of each commit and its raw differences.

    Each difference is what git says of it, and its path. A header is told as often as git tells it.
    """
    header: list[str] = []
    differences: list[tuple[str, str]] = []
    for field in fields:
        text = field.strip(b"\n")
        if text.startswith(b":"):
            path = os.fsdecode(next(fields))
            differences.append((text.decode(), path))
        elif text:
            if header:
                yield header, differences
            # Only its place says what a field of the header is: a name may hold any text.
            rest = [next(fields) for _ in HEADER_FIELDS[1:]]
            header = [part.decode(errors="replace").strip("\n") for part in (text, *rest)]
            differences = []
    if header:
        yield header, differences


def _parse_object(line: str) -> str | None:
    """Read the last object id of a raw difference, which has a colon for each parent."""
    words = line.lstrip(":").split(" ")
    parent_count = len(line) - len(line.lstrip(":"))
    object_id = words[2 * parent_count + 1]
    if not object_id.strip("0"):
        return None
    return object_id


def build_entry(
    header: Sequence[str], parents: Sequence[str], contents: Mapping[str, str | None]
) -> CommitEntry:
    """Build an entry from the header of a commit and its nearest parents in the same log."""
    commit, _, author, authored, committer, committed, co_authors = header
    return CommitEntry(
        commit=commit,
        parents=tuple(parents),
        author=author,
        authored=_parse_time(authored),
        committer=committer,
        committed=_parse_time(committed),
        co_authors=tuple(filter(None, co_authors.split(_SEPARATOR))),
        contents=contents,
    )


def _parse_time(text: str) -> int | None:
    # git writes nothing where a commit has no time that it can read
    return int(text) if text else None


def list_unreachable(
    repository: GitRepository, commits: Iterable[str], tips: Sequence[str]
) -> set[str]:
    """List those of these commits that the history of none of `tips` has."""
    wanted = set(commits)
    if not wanted:
        return set()
    lines = [*sorted(wanted), *(f"^{tip}" for tip in tips)]
    request = "".join(f"{line}\n" for line in lines)
    listing = repository.process.read(["rev-list", "--stdin"], stdin=request.encode())
    return wanted.intersection(listing.decode().split())
