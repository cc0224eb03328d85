"""Where git finds the repository that a folder is in."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from mlver.errors import MlverError, shell_command
from mlver.git.process import OLDEST, GitFailed, Process

_ABSOLUTE = "--path-format=absolute"


def places(process: Process, asked: Sequence[str]) -> list[Path]:
    """What `git rev-parse` answers to options such as `--show-toplevel`; raise MlverError outside any repository."""
    found = _told(process, asked).split("\n")
    if len(found) != len(asked):  # a newline in a folder's name
        found = [_told(process, [one]) for one in asked]
    return list(map(Path, found))


def _told(process: Process, asked: Sequence[str]) -> str:
    done = process.try_read(["rev-parse", _ABSOLUTE, *asked])
    if done.code != 0:
        raise _not_a_work_tree(process.directory, done.err.decode(errors="replace"))
    answer = os.fsdecode(done.out).removesuffix("\n")
    # A git that does not know the option prints it; no absolute path begins like that.
    if answer.startswith(_ABSOLUTE):
        raise _too_old(process)
    return answer


def _too_old(process: Process) -> MlverError:
    version = (
        process.read(["--version"]).decode(errors="replace").strip().removeprefix("git version ")
    )
    return MlverError(
        f"git {version} is too old: mlver needs git {OLDEST} or newer",
        hint="https://git-scm.com/downloads   (upgrade git, then run the command again)",
    )


def _not_a_work_tree(start: Path, said: str) -> MlverError:
    if "must be run in a work tree" in said:
        return MlverError(
            f"{start} is a bare repository, which has no files to register",
            hint="run mlver in a clone of it",
        )
    if "not a git repository" in said:
        return MlverError(f"{start} is not in a git repository", hint="git init")
    owned = re.search(r"dubious ownership in repository at '(.+)'", said)
    trust = (
        shell_command("git", "config", "--global", "--add", "safe.directory", owned[1])
        if owned
        else None
    )
    return GitFailed(
        "open the repository", said, hint=f"{trust}   (if you trust whose it is)" if trust else None
    )
