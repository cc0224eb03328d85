"""A bare repository for one exchange with a server, with the settings of the person's own one.

Nothing of what happens in it reaches the person's repository, and no hook of theirs runs. It is
removed at the end; the next exchange removes those of processes that were killed.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mlver.git.process import (
    READING,
    FinishedProcess,
    build_environment,
    memory_file,
    unstartable,
)
from mlver.git.repository import GitRepository

_PREFIX = "lfs-"
# Made a moment ago, and perhaps not locked yet.
_YOUNG_S = 60
_ENDING_S = 5
_SETTINGS = (
    "-c",
    f"core.hooksPath={os.devnull}",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
)


@dataclass(frozen=True, slots=True)
class ScratchRepository:
    """A folder that nobody else uses, with a bare repository in it; `storage` is git-lfs's."""

    place: Path

    @property
    def git_dir(self) -> Path:
        return self.place / "git"

    @property
    def storage(self) -> Path:
        return self.place / "storage"

    def run_git(self, arguments: Sequence[str], stdin: bytes = b"") -> FinishedProcess:
        """Run git in it to the end. It may ask the person for a password."""
        # What git-lfs says is read, so it has to be English.
        variables = {"GIT_DIR": os.fspath(self.git_dir), "LC_ALL": "C", "LANGUAGE": ""}
        environment = build_environment(variables)
        command = [*READING, *_SETTINGS, *arguments]
        with memory_file() as request, memory_file() as output, memory_file() as complaints:
            request.write(stdin)
            request.seek(0)
            code = _run_to_end(command, self.place, environment, (request, output, complaints))
            output.seek(0)
            complaints.seek(0)
            return FinishedProcess(code, output.read(), complaints.read())

    def empty_storage(self) -> None:
        """Remove what git-lfs keeps."""
        shutil.rmtree(self.storage, ignore_errors=True)
        self.storage.mkdir(exist_ok=True)


@contextmanager
def open_scratch(repository: GitRepository, folder: Path) -> Iterator[ScratchRepository]:
    """Make such a repository below `folder`, for the block."""
    _sweep_scratch(folder)
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"{_PREFIX}{secrets.token_hex(8)}"
    place.mkdir(mode=0o700)
    lock = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        scratch = ScratchRepository(place)
        _make_repository(scratch, repository)
        yield scratch
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(lock)


def _make_repository(scratch: ScratchRepository, repository: GitRepository) -> None:
    for folder in (scratch.git_dir / "objects", scratch.git_dir / "refs", scratch.storage):
        folder.mkdir(parents=True)
    (scratch.git_dir / "HEAD").write_text("ref: refs/heads/wanted\n")
    lines = []
    for source in (repository.common_dir / "config", repository.git_dir / "config.worktree"):
        lines.append(f"[include]\n\tpath = {_quote_value(os.fspath(source))}\n")
    lines.append("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
    settings = "".join(lines)
    (scratch.git_dir / "config").write_bytes(os.fsencode(settings))


def _quote_value(text: str) -> str:
    """A value as the files of `git config` have it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _run_to_end(
    command: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    files: tuple[IO[bytes], IO[bytes], IO[bytes]],
) -> int:
    """Run a command in this process's own group.

    Whatever ends the wait ends the command: git passes SIGTERM on to git-lfs.
    """
    stdin, output, complaints = files
    try:
        process = subprocess.Popen(
            command, cwd=directory, stdin=stdin, stdout=output, stderr=complaints, env=environment
        )
    except FileNotFoundError:
        raise unstartable(directory) from None
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_ENDING_S)
            process.kill()
            process.wait()


def _sweep_scratch(folder: Path) -> None:
    """Remove what exchanges left that were killed: nobody holds the lock of such a folder."""
    with suppress(FileNotFoundError):
        for name in os.listdir(folder):
            if name.startswith(_PREFIX):
                with suppress(OSError):
                    _remove_abandoned(folder / name)


def _remove_abandoned(place: Path) -> None:
    lock = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if time.time() - os.fstat(lock).st_mtime > _YOUNG_S:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(place, ignore_errors=True)
    finally:
        os.close(lock)
