"""Contents that the checkouts of one host share: a folder with a file for each, named by digest.

    objects/<2>/<62>   contents, never written again
    quarantine/        those that no longer hash to their name: never served
    tmp/               contents on their way in

Several users may use it at once, without a lock: a content appears whole, by a rename, and
everybody would give the name to the same bytes. Nobody believes the others: every content is hashed
each time it is used. Therefore nothing is flushed to the disk either, and the folder may be removed
at any time. Below it, no symlink is followed.

Whoever owns a file may change it after it was hashed, and so may whoever is allowed to write to it.
So a file is only shared by a hard link if it is our own and nobody else's to write; the blocks of
any other are shared, or copied.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol, cast

from mlver.digest import Digest
from mlver.errors import refusal_error
from mlver.storage.digests import DigestSet
from mlver.system import copying
from mlver.system.durable import temporary_name
from mlver.system.parallel import LARGE, hash_descriptor, ignore_progress
from mlver.system.regular import open_regular
from mlver.system.shared_folders import (
    FOLDER_FLAGS,
    make_folder,
    open_below,
    remove_name,
    sweep_old,
)

_OBJECTS = "objects"
_QUARANTINE = "quarantine"
_TEMPORARIES = "tmp"
# So many bytes of small contents are in memory at once.
_TOGETHER_BYTES = 32 << 20
# What an attempt left that was cut off is removed after a day.
_LEFT_S = 24 * 3600


class CacheSource(Protocol):
    """Where contents are read from, proven. `RepositoryStore` says what each of these does."""

    def read_small(self, digests: DigestSet, limit: int) -> Iterator[tuple[Digest, bytes]]: ...

    def open_object(self, digest: Digest) -> int | None: ...

    def copy_object(self, digest: Digest, out: BinaryIO) -> int: ...


class CacheIntake(Protocol):
    """Where contents are put. `ObjectDeposit` says what each of these does."""

    def put_proven(self, contents: Sequence[tuple[Digest, bytes]]) -> None: ...

    def link_proven(self, digest: Digest, descriptor: int) -> bool: ...

    def copy_unproven(self, digest: Digest, descriptor: int) -> bool: ...


class BroughtContents(NamedTuple):
    """What a cache gave, and the contents in it that are damaged; they are not served."""

    brought: frozenset[Digest]
    damaged: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class SharedCache:
    """A cache in `directory`; `mode` are the permissions of that folder where it is made."""

    directory: Path
    mode: int

    def find_present(self, digests: Collection[Digest]) -> set[Digest]:
        """Those of the contents that have a file here; whether it is right is not known."""
        present: set[Digest] = set()
        with suppress(OSError), self._open_top() as top, open_below(top, _OBJECTS) as objects:
            for digest, folder in _walk_folders(objects, digests):
                with suppress(OSError):
                    os.stat(digest.hex[2:], dir_fd=folder, follow_symlinks=False)
                    present.add(digest)
        return present

    def is_writable(self) -> bool:
        """Whether this user may add to it, as it is now."""
        for folder in (self.directory / _OBJECTS, self.directory):
            # os.path: it answers where this user may not look.
            if os.path.lexists(folder):
                return os.access(folder, os.R_OK | os.W_OK | os.X_OK)
        return False

    def count_damaged(self) -> int:
        """How many contents were set aside."""
        with suppress(OSError):
            return len(os.listdir(self.directory / _QUARANTINE))
        return 0

    def bring_contents(self, digests: Collection[Digest], intake: CacheIntake) -> BroughtContents:
        """Hand over those of the contents that are here and right; damaged ones are set aside.

        What cannot be read here is left out. Raises MlverError about the intake only.
        """
        taking = _Taking(intake)
        damaged: list[Digest] = []
        with (
            suppress(FileNotFoundError, NotADirectoryError, PermissionError),
            self._open_top() as top,
            open_below(top, _OBJECTS) as objects,
        ):
            for digest, folder in _walk_folders(objects, digests):
                if _take_content(folder, digest, taking) is False:
                    damaged.append(digest)
                    _set_aside(top, folder, digest)
        taking.hand_over()
        return BroughtContents(frozenset(taking.taken), tuple(damaged))

    def add_contents(self, source: CacheSource, digests: Collection[Digest]) -> int:
        """Add those of the contents that are not here; return how many. Raises MlverError.

        A cache that this user may only read stays as it is.
        """
        try:
            self._make_top()
            if not self.is_writable():
                return 0
            missing = sorted(set(digests) - self.find_present(digests), key=_get_hex)
            if not missing:
                return 0
            with self._open_top() as top:
                return _Adding.begin_in(top).add_all(source, missing)
        except OSError as error:
            raise refusal_error(f"adding to the shared cache {self.directory}", error) from error

    def _make_top(self) -> None:
        """Make the folder with its permissions, so that nobody sees it without them."""
        if self.directory.is_dir():
            return
        if os.path.lexists(self.directory):
            raise NotADirectoryError(errno.ENOTDIR, "not a folder", os.fspath(self.directory))
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        prepared = self.directory.parent / temporary_name()
        prepared.mkdir(mode=0o700)
        try:
            prepared.chmod(self.mode)
            # One that another process has made meanwhile, and that has files by now, stays.
            with suppress(OSError):
                prepared.rename(self.directory)
        finally:
            with suppress(OSError):
                prepared.rmdir()

    @contextmanager
    def _open_top(self) -> Iterator[int]:
        # The person names this folder, who may well use a symlink for that.
        top = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield top
        finally:
            os.close(top)


def _get_hex(digest: Digest) -> str:
    return digest.hex


def _walk_folders(objects: int, digests: Collection[Digest]) -> Iterator[tuple[Digest, int]]:
    """Each digest with the open folder that would hold it, if there is such a folder."""
    by_folder: dict[str, list[Digest]] = {}
    for digest in digests:
        by_folder.setdefault(digest.hex[:2], []).append(digest)
    for name in sorted(by_folder):
        try:
            folder = os.open(name, FOLDER_FLAGS, dir_fd=objects)
        except OSError:
            continue
        try:
            for digest in by_folder[name]:
                yield digest, folder
        finally:
            os.close(folder)


# -- out of the cache


class _Taking:
    """Hands contents over, small ones many at a time."""

    def __init__(self, intake: CacheIntake) -> None:
        self.intake = intake
        self.taken: set[Digest] = set()
        self._small: list[tuple[Digest, bytes]] = []
        self._bytes = 0

    def take_small(self, digest: Digest, data: bytes) -> None:
        self._small.append((digest, data))
        self._bytes += len(data)
        self.taken.add(digest)
        if self._bytes >= _TOGETHER_BYTES:
            self.hand_over()

    def hand_over(self) -> None:
        self.intake.put_proven(self._small)
        self._small = []
        self._bytes = 0


def _take_content(folder: int, digest: Digest, taking: _Taking) -> bool | None:
    """Hand a content over: None where it is not here or cannot be read, False if it is damaged."""
    name = digest.hex[2:]
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except OSError:
        return None
    if not stat.S_ISREG(mode):
        return False
    try:
        opener = cast(Callable[..., int], partial(os.open, dir_fd=folder))
        descriptor = open_regular(name, opener=opener)
    except OSError:
        # Nobody said that this user may read all of it.
        return None
    try:
        state = os.fstat(descriptor)
        if state.st_size < LARGE:
            data = os.pread(descriptor, LARGE, 0)
            if Digest.of_bytes(data) != digest:
                return False
            taking.take_small(digest, data)
            return True
        if not _take_large(descriptor, state, digest, taking.intake):
            return False
        taking.taken.add(digest)
        return True
    finally:
        os.close(descriptor)


def _take_large(
    descriptor: int, state: os.stat_result, digest: Digest, intake: CacheIntake
) -> bool:
    """Hand a large content over; False if it is damaged."""
    if _is_ours_alone(state):
        hexadecimal, _ = hash_descriptor(descriptor, None, ignore_progress)
        if hexadecimal != digest.hex:
            return False
        if intake.link_proven(digest, descriptor):
            return True
        os.lseek(descriptor, 0, os.SEEK_SET)
    return intake.copy_unproven(digest, descriptor)


def _is_ours_alone(state: os.stat_result) -> bool:
    """Whether only this user can write to a file, or let others do that."""
    is_read_only = not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return state.st_uid == os.geteuid() and is_read_only


def _set_aside(top: int, folder: int, digest: Digest) -> None:
    """Take a content out of service, if this user may; others notice for themselves."""
    with suppress(OSError):
        make_folder(top, _QUARANTINE)
        with open_below(top, _QUARANTINE) as quarantine:
            name = f"{digest.hex}-{secrets.token_hex(4)}"
            os.rename(digest.hex[2:], name, src_dir_fd=folder, dst_dir_fd=quarantine)


# -- into the cache


@dataclass(frozen=True, slots=True)
class _Adding:
    """Puts contents into a cache, whose folder `top` is open."""

    top: int

    @classmethod
    def begin_in(cls, top: int) -> _Adding:
        for name in (_OBJECTS, _TEMPORARIES):
            make_folder(top, name)
        with open_below(top, _TEMPORARIES) as temporaries:
            sweep_old(temporaries, _LEFT_S)
        return cls(top)

    def add_all(self, source: CacheSource, digests: Sequence[Digest]) -> int:
        wanted = DigestSet.from_raw(bytes.fromhex(digest.hex) for digest in digests)
        added: set[Digest] = set()
        with (
            open_below(self.top, _OBJECTS) as objects,
            open_below(self.top, _TEMPORARIES) as temporaries,
        ):
            for digest, data in source.read_small(wanted, LARGE):
                with self._new_content(temporaries, objects, digest) as out:
                    out.write(data)
                added.add(digest)
            for digest in digests:
                if digest not in added:
                    self._add_large(source, temporaries, objects, digest)
                    added.add(digest)
        return len(added)

    def _add_large(
        self, source: CacheSource, temporaries: int, objects: int, digest: Digest
    ) -> None:
        descriptor = source.open_object(digest)
        try:
            if descriptor is not None and self._link_large(
                descriptor, temporaries, objects, digest
            ):
                return
            with self._new_content(temporaries, objects, digest) as out:
                if descriptor is None or not _clone_proven(descriptor, out, digest):
                    source.copy_object(digest, out)
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _link_large(self, descriptor: int, temporaries: int, objects: int, digest: Digest) -> bool:
        """Make an object of our own store an object here as well, if that can be done safely."""
        state = os.fstat(descriptor)
        needed = self._file_mode()
        if state.st_gid != os.fstat(self.top).st_gid and needed & 0o040:
            # Its group stays what it is, so those of the cache's group read it as others.
            needed |= 0o004
        if not _is_ours_alone(state) or needed & ~state.st_mode:
            return False
        if hash_descriptor(descriptor, None, ignore_progress)[0] != digest.hex:
            return False
        name = temporary_name()
        if not copying.link_descriptor(descriptor, name, temporaries):
            os.lseek(descriptor, 0, os.SEEK_SET)
            return False
        self._give_name(temporaries, name, objects, digest)
        return True

    @contextmanager
    def _new_content(self, temporaries: int, objects: int, digest: Digest) -> Iterator[BinaryIO]:
        """A file that gets its name at the end of the block, or is removed."""
        name = temporary_name()
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(name, flags, 0o600, dir_fd=temporaries), "w+b") as out:
            try:
                yield out
                out.flush()
                os.fchmod(out.fileno(), self._file_mode())
            except BaseException:
                remove_name(temporaries, name)
                raise
        self._give_name(temporaries, name, objects, digest)

    def _give_name(self, temporaries: int, name: str, objects: int, digest: Digest) -> None:
        folder_name = digest.hex[:2]
        try:
            make_folder(objects, folder_name, self.top)
            with open_below(objects, folder_name) as folder:
                os.rename(name, digest.hex[2:], src_dir_fd=temporaries, dst_dir_fd=folder)
        except BaseException:
            remove_name(temporaries, name)
            raise

    def _file_mode(self) -> int:
        """Whoever may read the cache's folder may read the files in it; nobody writes to them."""
        return 0o400 | (os.fstat(self.top).st_mode & 0o044)


def _clone_proven(source: int, out: BinaryIO, digest: Digest) -> bool:
    """Share the blocks of an open file with an empty one; False where the result is not right."""
    os.lseek(source, 0, os.SEEK_SET)
    if not copying.clone_blocks(source, out.fileno()):
        return False
    if hash_descriptor(out.fileno(), None, ignore_progress)[0] == digest.hex:
        return True
    out.seek(0)
    out.truncate()
    return False
