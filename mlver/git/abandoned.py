"""Lock files that a killed git left behind, so that nobody has to delete one by hand.

The git processes of an interrupted mlver are gone once its lock could be taken: they held it too. What is still locked
is theirs, then, unless a git of the person's own is at work here: that one is waited for, and never robbed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlver.errors import MlverError, shell_command
from mlver.git.repository import Repository

_PATIENCE_S = 5.0
_POLL_S = 0.05


def clear_locks(repository: Repository, refs: Iterable[str], since: float) -> list[Path]:
    """Remove what a git killed since then (seconds since the epoch) left locked; return the paths removed.

    Hold mlver's lock when you call this. Raise MlverError while another git is at work in the repository.
    """
    # file times are up to a tick of the clock behind the time the intent was read at
    left = [path for path in _locks(repository, refs) if _made(path) >= since - 0.1]
    until = time.monotonic() + _PATIENCE_S
    while left and (worker := _at_work(repository)):
        if time.monotonic() >= until:
            raise MlverError(
                f"another git is at work here ({worker}), and holds {left[0]}",
                hint="let it finish, then run the command again",
            )
        time.sleep(_POLL_S)
        left = [path for path in left if path.exists()]
    for path in left:
        path.unlink(missing_ok=True)
    return left


def wait_for_index(repository: Repository) -> None:
    """Give another git the time to finish with the index; raise MlverError if it does not."""
    path = repository.git_dir / "index.lock"
    until = time.monotonic() + _PATIENCE_S
    while path.exists():
        if time.monotonic() >= until:
            worker = _at_work(repository)
            raise MlverError(
                f"git's index is locked by {worker or 'a git that is gone'} ({path})",
                hint="let it finish, then run the command again"
                if worker
                else shell_command("rm", path),
            )
        time.sleep(_POLL_S)


def _locks(repository: Repository, refs: Iterable[str]) -> Iterator[Path]:
    own, common = repository.git_dir, repository.common_dir
    yield own / "index.lock"
    yield own / "HEAD.lock"
    yield common / "packed-refs.lock"
    yield from own.glob("next-index-*.lock")
    for ref in refs:
        yield common / f"{ref}.lock"


def _made(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


def _at_work(repository: Repository) -> str | None:
    """A git process that runs in this repository, as `process 123`; None where there is none.

    An editor or a hook may hold a `git commit` up for hours with no lock file open, so what counts is where it runs.
    """
    processes = Path("/proc")
    if not (processes / "self" / "cwd").exists():
        return "a process that this system does not show"
    places = (repository.top, repository.common_dir, repository.git_dir)
    ours = _ancestors()  # the `git` of `git mlver` waits for us
    for name in os.listdir(processes):
        if name.isdigit() and int(name) not in ours and _is_git_in(processes / name, places):
            return f"process {name}"
    return None


def _ancestors() -> set[int]:
    found: set[int] = set()
    process = os.getpid()
    while process > 1:
        found.add(process)
        try:
            told = Path(f"/proc/{process}/stat").read_text()
        except OSError:
            break
        process = int(told.rpartition(")")[2].split()[1])
    return found


def _is_git_in(process: Path, places: tuple[Path, ...]) -> bool:
    try:
        if not (process / "comm").read_text().startswith("git"):
            return False
        where = (process / "cwd").readlink()
    except OSError:
        return False  # it ended, or is somebody else's, whose locks are not ours to judge either
    return any(where.is_relative_to(place) for place in places)
