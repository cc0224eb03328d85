"""Lock files that a killed git left behind, so that nobody has to delete one by hand.

The git processes of an interrupted mlver are gone once its lock could be taken: they held it too.
What is still locked is theirs, then, unless a git of the person's own is at work here: mlver waits
for that one and never removes its lock.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from mlver.errors import MlverError, shell_command
from mlver.git.process import READING
from mlver.git.repository import GitRepository

_PATIENCE_S = 5.0
_POLL_S = 0.05
_READING = "\0".join((*READING, "")).encode()


def clear_locks(repository: GitRepository, refs: Iterable[str], since: float) -> list[Path]:
    """Remove the locks of a git killed since then (seconds since the epoch); return their paths.

    Hold mlver's lock when you call this. Raise MlverError while another git is at work in the
    repository.
    """
    # file times are up to a tick of the clock behind the time the intent was read at
    earliest = since - 0.1
    stale = [path for path in _list_locks(repository, refs) if _modified_time(path) >= earliest]
    return _remove_stale(repository, stale)


def _remove_stale(repository: GitRepository, stale: list[Path]) -> list[Path]:
    """Remove locks once no git is at work that may hold them; return those that were removed."""
    deadline = time.monotonic() + _PATIENCE_S
    while stale and (worker := _find_worker(repository)):
        if time.monotonic() >= deadline:
            raise MlverError(
                f"another git is at work here ({worker}), and holds {stale[0]};"
                " let it finish, then run the command again"
            )
        time.sleep(_POLL_S)
        stale = [path for path in stale if path.exists()]
    for path in stale:
        path.unlink(missing_ok=True)
    return stale


def clear_reference(repository: GitRepository, reference: str) -> None:
    """Remove the lock of one reference, such as one that a killed `git push` left.

    Nobody has to hold mlver's lock for that: git holds this one for an instant only. Raise
    MlverError while another git is at work in the repository.
    """
    path = repository.common_dir / f"{reference}.lock"
    if path.exists():
        _remove_stale(repository, [path])


def clear_references(repository: GitRepository, folder: str) -> None:
    """Remove the locks of all references below a folder, as `clear_reference` does."""
    locks = sorted((repository.common_dir / folder).rglob("*.lock"))
    if locks:
        _remove_stale(repository, locks)


def wait_for_index(repository: GitRepository) -> None:
    """Give another git the time to finish with the index; raise MlverError if it does not."""
    path = repository.git_dir / "index.lock"
    deadline = time.monotonic() + _PATIENCE_S
    while path.exists():
        if time.monotonic() >= deadline:
            raise _locked_index(repository, path)
        time.sleep(_POLL_S)


def _locked_index(repository: GitRepository, path: Path) -> MlverError:
    worker = _find_worker(repository)
    if worker is None:
        message = f"git's index is locked by a git that is gone ({path})"
        return MlverError(message, hint=shell_command("rm", path))
    return MlverError(
        f"git's index is locked by {worker} ({path}); let it finish, then run the command again"
    )


def _list_locks(repository: GitRepository, refs: Iterable[str]) -> Iterator[Path]:
    own, common = repository.git_dir, repository.common_dir
    yield own / "index.lock"
    yield own / "HEAD.lock"
    # Newer versions of git lock this one when they delete it, after a commit.
    yield own / "AUTO_MERGE.lock"
    yield common / "packed-refs.lock"
    yield from own.glob("next-index-*.lock")
    for ref in refs:
        yield common / f"{ref}.lock"


def _modified_time(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0


def _find_worker(repository: GitRepository) -> str | None:
    """Find a git process that may hold a lock of this repository, as `process 123`; None without.

    An editor or a hook may hold a `git commit` up for hours with no lock file open, so what counts
    is where it runs.
    """
    processes = Path("/proc")
    if not (processes / "self" / "cwd").exists():
        return "a process that this system does not show"
    places = (repository.top, repository.common_dir, repository.git_dir)
    # the `git` of `git mlver` waits for us
    ancestors = _list_ancestors()
    for name in os.listdir(processes):
        if not name.isdigit() or int(name) in ancestors:
            continue
        if _runs_git_in(processes / name, places):
            return f"process {name}"
    return None


def _list_ancestors() -> set[int]:
    """List this process, and those that started it."""
    ancestors: set[int] = set()
    process = os.getpid()
    while process > 1:
        ancestors.add(process)
        try:
            status = Path(f"/proc/{process}/stat").read_text()
        except OSError:
            break
        # the program's name, in brackets, may hold anything; the parent is the second word after it
        process = int(status.rpartition(")")[2].split()[1])
    return ancestors


def _runs_git_in(process: Path, places: tuple[Path, ...]) -> bool:
    try:
        program = (process / "comm").read_text()
        directory = (process / "cwd").readlink()
    except OSError:
        # it ended, or is somebody else's, whose locks are not ours to judge either
        return False
    if not program.startswith("git"):
        return False
    if not any(directory.is_relative_to(place) for place in places):
        return False
    return not _is_only_reading(process)


def _is_only_reading(process: Path) -> bool:
    """Say whether mlver started a git to ask it something: it may be kept for long."""
    with suppress(OSError):
        return (process / "cmdline").read_bytes().startswith(_READING)
    return False
