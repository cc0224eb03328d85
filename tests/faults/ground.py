"""The surroundings of a campaign.

They are sealed; repositories lie on a memory disk, prepared once and copied.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path

from tests.faults.run import ChildRun, run_in_process

# Memory, where there is a disk of it: a campaign makes thousands of small repositories.
MEMORY = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
# The folder of what was prepared, beside the repositories that are worked in.
PREPARED = "prepared"
NOW = "2026-01-02T03:04:05Z"
_SEALED = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_DATE": NOW,
    "GIT_COMMITTER_DATE": NOW,
    "SOURCE_DATE_EPOCH": "1767323045",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "TERM": "dumb",
    "COLUMNS": "120",
    "PYTHONHASHSEED": "0",
    "MLVER_TRUST_REMOTES": "all",
}
_NEEDED = frozenset("PATH PYTHONPATH PYTHONDONTWRITEBYTECODE TMPDIR LD_LIBRARY_PATH".split())
_GIT_CONFIG = """\
[user]
	name = Kim
	email = kim@example.org
[init]
	defaultBranch = main
	templateDir =
[gc]
	auto = 0
[protocol "file"]
	allow = always
"""


@dataclass(frozen=True, slots=True)
class WorkPlace:
    """A git work tree, and what a person types in it.

    Commands that are to succeed raise where they don't.
    """

    path: Path

    @property
    def mlver_directory(self) -> Path:
        return self.path / ".git" / "mlver"

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.path, capture_output=True, check=False)
        if done.returncode:
            raise AssertionError(
                f"git {' '.join(arguments)}: {done.stderr.decode(errors='replace')}"
            )
        return done.stdout.decode(errors="surrogateescape")

    def write(self, name: str, content: str | bytes) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, message: str = "More work") -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def mlver(self, *argv: str) -> ChildRun:
        done = run_in_process(self.path, argv)
        if done.code != 0:
            raise AssertionError(f"mlver {' '.join(argv)} exited {done.code}: {done.err}{done.out}")
        return done


def seal_environment(root: Path) -> None:
    """Make this process's surroundings the campaign's own.

    `root` gets a home and a training environment.
    """
    home, environment = root / "home", root / "environment"
    home.mkdir(parents=True)
    (environment / "lib/python3.11/site-packages").mkdir(parents=True)
    (environment / "pyvenv.cfg").write_text("version = 3.11.7\n")
    (home / ".gitconfig").write_text(_GIT_CONFIG)
    # each git that is started is given all of them
    for name in os.environ.keys() - _NEEDED:
        del os.environ[name]
    os.environ.update(
        _SEALED, HOME=os.fspath(home), GIT_CONFIG_GLOBAL=os.fspath(home / ".gitconfig")
    )
    os.environ["VIRTUAL_ENV"] = os.fspath(environment)


def new_place(path: Path) -> WorkPlace:
    """A repository without a commit."""
    path.mkdir(parents=True)
    place = WorkPlace(path)
    place.git("init", "--quiet")
    return place


def prepare_place(path: Path, prepare: Callable[[WorkPlace], object]) -> WorkPlace:
    """A repository prepared by a function that has a name, or a copy of what it made before."""
    name = getattr(prepare, "__qualname__", "<partial>")
    kept = path.parent / PREPARED / name
    if kept.exists():
        return copy_place(kept, path)
    place = new_place(path)
    prepare(place)
    if "<" not in name:
        kept.parent.mkdir(exist_ok=True)
        copy_place(path, kept.with_name(f"{name}.part")).path.rename(kept)
    return place


def copy_place(
    source: Path, target: Path, *, share: bool = False, only: Container[int] | None = None
) -> WorkPlace:
    """A repository's copy, every byte its own; with `share`, all but those of read-only files.

    Stored objects are such files, git's and ours: nothing ever writes into one. `only` these inodes
    are shared, where some command may still be writing others.
    """

    def is_shared(found: os.stat_result) -> bool:
        return share and is_read_only(found) and (only is None or found.st_ino in only)

    _copy_entry(os.fspath(source), os.fspath(target), is_shared)
    return WorkPlace(target)


def is_read_only(found: os.stat_result) -> bool:
    return not found.st_mode & _WRITABLE


def _copy_entry(source: str, target: str, is_shared: Callable[[os.stat_result], bool]) -> None:
    os.mkdir(target, stat.S_IMODE(os.stat(source).st_mode))  # noqa: PTH102, PTH116
    with os.scandir(source) as entries:
        for entry in entries:
            to = f"{target}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                _copy_entry(entry.path, to, is_shared)
            elif entry.is_symlink():
                Path(to).symlink_to(Path(entry.path).readlink())
            else:
                _copy_file(entry, to, is_shared)


def _copy_file(
    entry: os.DirEntry[str], to: str, is_shared: Callable[[os.stat_result], bool]
) -> None:
    found = entry.stat()
    if is_shared(found):
        os.link(entry.path, to)
        return
    source = os.open(entry.path, os.O_RDONLY)
    target = os.open(to, os.O_WRONLY | os.O_CREAT, stat.S_IMODE(found.st_mode))
    try:
        offset = 0
        while sent := os.sendfile(target, source, offset, 1 << 30):
            offset += sent
        os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
    finally:
        os.close(source)
        os.close(target)


def clear_directory(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
