"""When files landed on a branch: by the commits of its first parents, each never older than those
before it.

A committer's date says what the committer's clock said, so a commit counts as no older than the
oldest commit that it can be: the latest of all before it on the branch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

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
    latest = 0
    dates: dict[str, int] = {}
    for line in reversed(_read_log(repository, tip).decode().splitlines()):
        commit, _, date = line.partition(" ")
        latest = max(latest, int(date or 0))
        dates[commit] = latest
    landings: dict[str, int] = {}
    commit = ""
    fields = iter(_read_log(repository, tip, "--raw", "-m", "-z", "--", folder).split(b"\0"))
    for field in fields:
        text = field.strip(b"\n")
        if text.startswith(b":"):
            # Newest first: what came later counts.
            landings.setdefault(os.fsdecode(next(fields)), dates.get(commit, latest))
        elif text:
            commit = text.decode().partition(" ")[0]
    return MainLine(landings, latest)


def _read_log(repository: GitRepository, tip: str, *options: str) -> bytes:
    command = ["log", "--first-parent", "--no-renames", "--format=%H %ct", *options]
    # The tip goes before the paths.
    place = command.index("--") if "--" in command else len(command)
    return repository.process.read([*command[:place], tip, *command[place:]])
