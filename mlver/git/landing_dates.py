"""When files landed: by the dates of commits along the line of first parents.

Whoever makes a commit dates it. A commit on this line cannot be dated before one that it follows
without the later date counting.
"""

from __future__ import annotations

from collections.abc import Iterable

from mlver.git.listings import parse_differences
from mlver.git.repository import GitRepository

# So many paths fit into a command line on every system; of more, all that was added is listed.
_MOST_NAMED = 1_000


def find_landing_dates(
    repository: GitRepository, paths: Iterable[str], tip: str = "HEAD"
) -> dict[str, int]:
    """Find the latest date of a commit up to the one that brought each path, in seconds since 1970.

    Only first parents count. What a shallow clone begins with may have come at any time, so it is
    left out, as is what `tip` does not have. However many paths there are, git reads the history
    twice.
    """
    wanted = frozenset(paths)
    if not wanted:
        return {}
    latest = find_latest_dates(repository, tip)
    boundary = repository.boundary()
    named = sorted(wanted) if len(wanted) <= _MOST_NAMED else []
    listing = repository.process.read(
        [
            "log",
            *("--first-parent", "-m", "-z", "--format=%H", "--raw", "--no-renames"),
            *("--no-abbrev", "--diff-filter=A", tip, "--", *named),
        ]
    )
    landed: dict[str, int] = {}
    for commit, _, _, path in parse_differences(listing):
        # Newest first: a file that was removed and added again landed when it came the last time.
        if path in wanted and path not in landed and commit not in boundary:
            landed[path] = latest[commit]
    return landed


def find_latest_dates(repository: GitRepository, tip: str) -> dict[str, int]:
    """Find the latest date of each first parent and those before it, by the commit."""
    listing = repository.process.read(["rev-list", "--first-parent", "--timestamp", tip])
    latest: dict[str, int] = {}
    highest = 0
    for line in reversed(listing.decode().splitlines()):
        seconds, _, commit = line.partition(" ")
        highest = max(highest, int(seconds))
        latest[commit] = highest
    return latest
