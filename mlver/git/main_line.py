"""When files landed on a branch: by the commits of its first parents, each never older than those
before it.

A committer's date says what the committer's clock said, so a commit counts as no older than the
oldest commit that it can be: the latest of all before it on the branch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from mlver.git.landing_dates import find_latest_dates
from mlver.git.repository import GitRepository


@dataclass(frozen=True, slots=True)
class MainLine:
    """The first parents of a branch's tip.

    `landings` is when each file below a folder got its present contents there, `latest` the latest
    date of all; both in seconds since 1970.
    """

    landings: Mapping[str, int]
    latest: int


def read_main_line(repository: GitRepository, tip: str, folder: str) -> MainLine:
    """Read when the files below a folder landed on the first parents of `tip`."""
    dates = find_latest_dates(repository, tip)
    latest = max(dates.values(), default=0)
    landings: dict[str, int] = {}
    commit = ""
    command = ["log", "--first-parent", "--no-renames", "--format=%H", "--raw", "-m", "-z", tip]
    fields = iter(repository.process.read([*command, "--", folder]).split(b"\0"))
    for field in fields:
        text = field.strip(b"\n")
        if text.startswith(b":"):
            # Newest first: what came later counts.
            landings.setdefault(os.fsdecode(next(fields)), dates.get(commit, latest))
        elif text:
            commit = text.decode()
    return MainLine(landings, latest)
