"""Stored contents to working files: proved, prepared beside their targets, flushed together, then named."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, Protocol

from mlver.digest import Digest
from mlver.errors import refusal_error
from mlver.storage.catalogue import Located, ObjectCatalogue, ObjectLocation, open_location
from mlver.storage.digests import RAW, DigestSet
from mlver.system import durable
from mlver.system.durable import AnyPath
from mlver.system.parallel import copy_hashed, hash_descriptor, spread_batches

BATCH_FILES, BATCH_BYTES = 512, 8 << 20
# From here on a file is copied by two threads of this process; below, many by each worker.
LARGE = 1 << 20
ExportProgress = Callable[[int], None]


class Wanted(Protocol):
    """Digests and the paths their contents go to: counted, and gone through several times, always in one order."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[tuple[Digest, AnyPath]]: ...


class _ExportTask(NamedTuple):
    """One file to prepare: from `place`, at the temporary `prepared`."""

    digest: str
    place: ObjectLocation
    prepared: str


_NONE = (1 << 32) - 1


class _Temporaries:
    """The prepared files of an export: each waits in the folder of its target, or the nearest one that is there.

    They are known by their number among the wanted: four bytes each, where their names would take a hundred.
    """

    def __init__(self, parents: Sequence[str], staging: Sequence[str], folders: array[int]) -> None:
        self.parents = parents
        self._staging = staging
        self._folders = folders
        self._prefix = f"{durable.TEMPORARY}{secrets.token_hex(6)}-"

    @classmethod
    def of(cls, wanted: Wanted) -> _Temporaries:
        numbers: dict[str, int] = {}
        folders = array("I")
        for _, target in wanted:
            parent = os.fspath(target).rpartition("/")[0]
            folders.append(numbers.setdefault(parent, len(numbers)))
        return cls(list(numbers), list(map(_find_staging_directory, numbers)), folders)

    def __len__(self) -> int:
        return len(self._folders)

    def __iter__(self) -> Iterator[str]:
        return map(self.name, range(len(self)))

    def name(self, number: int) -> str:
        return f"{self._staging[self._folders[number]]}/{self._prefix}{number}"


def export_objects(
    store: ObjectCatalogue, wanted: Wanted, progress: ExportProgress, make_way: Callable[[], None]
) -> None:
    """See LocalStore.export."""
    digests = DigestSet.of(bytes.fromhex(digest.hex) for digest, _ in wanted)
    located = store.locate_all(digests)
    absent = located.missing()
    if absent:
        raise store.missing_objects_error(absent)
    outcome = "no file was replaced"
    temporaries: Iterable[str] = ()
    try:
        temporaries = prepared = _Temporaries.of(wanted)
        bad = _prepare_files(
            store, _tasks(store, located, wanted, prepared), len(prepared), progress
        )
        if bad:
            raise store.damaged_objects_error(
                [(Digest(task.digest), Path(task.place.path)) for task in bad]
            )
        durable.sync_files(prepared)
        outcome = "each file is as it was, as it should be or out of the way: run the same command again to finish"
        make_way()
        made = _make_directories(map(Path, prepared.parents))
        pairs = zip(prepared, (target for _, target in wanted), strict=True)
        durable.replace_group(pairs, also=made)
    except BaseException as error:
        for path in temporaries:
            durable.discard_temporary(path)
        if isinstance(error, OSError):
            raise refusal_error("writing the files", error, outcome=outcome) from error
        raise


def _tasks(
    store: ObjectCatalogue, located: Located, wanted: Wanted, prepared: _Temporaries
) -> Iterator[_ExportTask]:
    """One task for each file, in the order of the stored bytes, so that packs are read from front to back."""
    first, following = _numbers_by_rank(located.wanted, wanted)
    for copies in (*located.packs, located.loose):
        for offset, size, rank in copies.in_order():
            number = first[rank]
            if number == _NONE:  # another copy of it serves already
                continue
            first[rank] = _NONE
            digest = located.wanted.at(rank).hex()
            path = copies.path if copies.pack else os.fspath(store.loose_path(digest))
            place = ObjectLocation(path, offset, size, copies.pack)
            while number != _NONE:
                yield _ExportTask(digest, place, prepared.name(number))
                number = following[number]


def _numbers_by_rank(digests: DigestSet, wanted: Wanted) -> tuple[array[int], array[int]]:
    """The number of the first of the wanted with each digest, and of the next one with the same as each."""
    pages = [bytearray() for _ in range(256)]
    for number, (digest, _) in enumerate(wanted):
        raw = bytes.fromhex(digest.hex)
        pages[raw[0]] += raw + number.to_bytes(4, "big")
    first = array("I", [_NONE]) * len(digests)
    following = array("I", [_NONE]) * sum(len(page) // (RAW + 4) for page in pages)
    for page in pages:
        for at in range(0, len(page), RAW + 4):
            rank = digests.rank_next(bytes(page[at : at + RAW]))
            assert rank is not None
            number = int.from_bytes(page[at + RAW : at + RAW + 4], "big")
            following[number] = first[rank]
            first[rank] = number
    return first, following


def _find_staging_directory(directory: str) -> str:
    """The folder nearest above that is there and no symlink: where files can wait until their own can be made."""
    while not stat.S_ISDIR(_file_mode(directory)):
        directory = directory.rpartition("/")[0] or "/"
    return directory


def _file_mode(path: str) -> int:
    try:
        return os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _make_directories(directories: Iterable[Path]) -> list[Path]:
    """Make those that are missing; return the ones that got a new entry and are to be flushed with the rest."""
    changed = []
    for directory in sorted(directories):
        missing = [directory]
        while not missing[-1].is_dir():
            missing.append(missing[-1].parent)
        for made in reversed(missing[:-1]):
            made.mkdir(exist_ok=True)
            changed.append(made.parent)
    return changed


def _prepare_files(
    store: ObjectCatalogue, tasks: Iterable[_ExportTask], count: int, progress: ExportProgress
) -> list[_ExportTask]:
    """Write every temporary; return the tasks for which no copy is sound."""
    doubtful: list[_ExportTask] = []
    large: list[_ExportTask] = []
    batches = _split_batches(tasks, large.append)
    # Closed at once whatever happens here, so that no worker still writes when the caller cleans up.
    with closing(
        spread_batches(_write_small_batch, batches, workers=None if count > BATCH_FILES else 1)
    ) as results:
        for failed, done in results:
            doubtful.extend(failed)
            progress(done)
    doubtful.extend(task for task in large if not _write_large_file(task, progress))
    places = store.find_locations({task.digest for task in doubtful}) if doubtful else {}
    bad = []
    for task in doubtful:
        others = [place for place in places.get(task.digest, ()) if place != task.place]
        if not any(_write_large_file(task._replace(place=place), progress) for place in others):
            bad.append(task)
    return bad


def _split_batches(
    tasks: Iterable[_ExportTask], large: Callable[[_ExportTask], None]
) -> Iterator[list[_ExportTask]]:
    """The small ones, many together; the large ones are handed over one by one."""
    batch: list[_ExportTask] = []
    size = 0
    for task in tasks:
        if task.place.size >= LARGE:
            large(task)
            continue
        batch.append(task)
        size += task.place.size
        if len(batch) >= BATCH_FILES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _write_small_batch(tasks: list[_ExportTask]) -> tuple[list[_ExportTask], int]:
    """In a worker process: prepare a batch; return the tasks that failed and the bytes done."""
    bad: list[_ExportTask] = []
    done = 0
    for path, group in groupby(tasks, key=lambda task: task.place.path):
        together = list(group)
        try:
            with open_location(together[0].place) as source:
                for task in together:
                    data = os.pread(source, task.place.size, task.place.offset)
                    if hashlib.sha256(data).hexdigest() == task.digest:
                        _write_file(task.prepared, data)
                        done += len(data)
                    else:
                        bad.append(task)
        except OSError as error:
            if error.filename != path:
                raise
            # The file can't be read as a whole: what isn't written yet may have a copy elsewhere.
            bad += [
                task for task in together if task not in bad and not Path(task.prepared).exists()
            ]
    return bad, done


def _write_file(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with durable.naming_errors(path):
            durable.write_all(descriptor, data)
    finally:
        os.close(descriptor)


def _write_large_file(task: _ExportTask, progress: ExportProgress) -> bool:
    """Prepare one file from its place, in constant memory; False, and no file, if the copy isn't sound."""
    if task.place.pack:
        return _write_member(task, progress)
    descriptor = os.open(task.prepared, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with open_location(task.place) as source:
            if durable.clone_blocks(source, descriptor):
                found, _ = hash_descriptor(descriptor, None, progress)
            else:
                found, _ = copy_hashed(
                    source, durable.FlushingWriter(descriptor, task.prepared), progress
                )
    except OSError as error:
        if error.filename != task.place.path:
            raise
        found = ""
    finally:
        os.close(descriptor)
    if found != task.digest:
        durable.discard_temporary(Path(task.prepared))
        return False
    return True


def _write_member(task: _ExportTask, progress: ExportProgress) -> bool:
    """The same for a content in a pack, which is small."""
    failed, done = _write_small_batch([task])
    progress(done)
    return not failed
