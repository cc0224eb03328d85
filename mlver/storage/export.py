"""Stored contents to working files: proved, prepared beside their targets, flushed together, then named."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from mlver.digest import Digest
from mlver.errors import refusal_error
from mlver.storage.catalogue import ObjectCatalogue, ObjectLocation, open_location
from mlver.system import durable
from mlver.system.durable import AnyPath
from mlver.system.parallel import hash_descriptor, spread_batches

BATCH_FILES, BATCH_BYTES = 512, 8 << 20
# From here on a file is copied by two threads of this process; below, many by each worker.
LARGE = 1 << 20
ExportProgress = Callable[[int], None]


class _ExportTask(NamedTuple):
    """One file to prepare: from `places`, any of which will do, at the temporary `prepared`."""

    digest: str
    places: list[ObjectLocation]
    prepared: str


def export_objects(
    store: ObjectCatalogue,
    wanted: Sequence[tuple[Digest, AnyPath]],
    progress: ExportProgress,
    make_way: Callable[[], None],
) -> None:
    """See LocalStore.export."""
    places = store.find_locations_with_repair({digest.hex for digest, _ in wanted})
    absent = list(dict.fromkeys(digest for digest, _ in wanted if digest.hex not in places))
    if absent:
        raise store.missing_objects_error(absent)
    prefix = f"{durable.TEMPORARY}{secrets.token_hex(6)}-"
    # From here on paths are text: of 50,000 files, pathlib would take longer than the system.
    targets = [os.fspath(target) for _, target in wanted]
    parents = [target.rpartition("/")[0] for target in targets]
    tasks: list[_ExportTask] = []
    outcome = "no file was replaced"
    try:
        staging = {parent: _find_staging_directory(parent) for parent in set(parents)}
        tasks += [
            _ExportTask(digest.hex, places[digest.hex], f"{staging[parent]}/{prefix}{number}")
            for number, ((digest, _), parent) in enumerate(zip(wanted, parents, strict=True))
        ]
        bad = _prepare_files(tasks, progress)
        if bad:
            raise store.damaged_objects_error(
                [(Digest(task.digest), Path(task.places[-1].path)) for task in bad]
            )
        durable.sync_files([task.prepared for task in tasks])
        outcome = "each file is as it was, as it should be or out of the way: run the same command again to finish"
        make_way()
        made = _make_directories({Path(parent) for parent in staging})
        durable.replace_group(
            [(task.prepared, target) for task, target in zip(tasks, targets, strict=True)],
            also=made,
        )
    except BaseException as error:
        for task in tasks:
            durable.discard_temporary(task.prepared)
        if isinstance(error, OSError):
            raise refusal_error("writing the files", error, outcome=outcome) from error
        raise


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


def _prepare_files(tasks: Sequence[_ExportTask], progress: ExportProgress) -> list[_ExportTask]:
    """Write every temporary; return the tasks for which no copy is sound."""
    bad = []
    small = [task for task in tasks if task.places[0].size < LARGE]
    # Closed at once whatever happens here, so that no worker still writes when the caller cleans up.
    with closing(
        spread_batches(
            _write_small_batch,
            _split_batches(small),
            workers=None if len(small) > BATCH_FILES else 1,
        )
    ) as results:
        for failed, done in results:
            bad.extend(failed)
            progress(done)
    for task in tasks:
        if task.places[0].size >= LARGE and not any(
            _write_large_file(task, place, progress) for place in task.places
        ):
            bad.append(task)
    return bad


def _split_batches(tasks: Sequence[_ExportTask]) -> Iterator[list[_ExportTask]]:
    """In the order of the stored bytes, so that packs are read from front to back."""
    batch: list[_ExportTask] = []
    size = 0
    for task in sorted(tasks, key=lambda task: task.places[0]):
        batch.append(task)
        size += task.places[0].size
        if len(batch) >= BATCH_FILES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _write_small_batch(tasks: list[_ExportTask]) -> tuple[list[_ExportTask], int]:
    """In a worker process: prepare a batch; return the tasks that failed and the bytes done."""
    bad: list[_ExportTask] = []
    done = 0
    for _, group in groupby(tasks, key=lambda task: task.places[0].path):
        together = list(group)
        try:
            with open_location(together[0].places[0]) as source:
                for task in together:
                    done += _write_small_file(
                        task, os.pread(source, task.places[0].size, task.places[0].offset), bad
                    )
        except OSError as error:
            if error.filename != together[0].places[0].path:
                raise
            # The file can't be read as a whole: what isn't written yet may have a copy elsewhere.
            for task in together:
                if not Path(task.prepared).exists():
                    done += _write_small_file(task, b"", bad)
    return bad, done


def _write_small_file(task: _ExportTask, data: bytes, bad: list[_ExportTask]) -> int:
    others = iter(task.places[1:])
    while hashlib.sha256(data).hexdigest() != task.digest:
        place = next(others, None)
        if place is None:
            bad.append(task)
            return 0
        with suppress(OSError), open_location(place) as source:
            data = os.pread(source, place.size, place.offset)
    descriptor = os.open(task.prepared, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        durable.write_all(descriptor, data)
    except OSError as error:
        error.filename = task.prepared
        raise
    finally:
        os.close(descriptor)
    return len(data)


def _write_large_file(task: _ExportTask, place: ObjectLocation, progress: ExportProgress) -> bool:
    """Prepare one large file from this copy; False, and no file, if the copy isn't sound."""
    descriptor = os.open(task.prepared, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with open_location(place) as source:
            if durable.clone_blocks(source, descriptor):
                found, _ = hash_descriptor(descriptor, None, progress)
            else:
                found, _ = hash_descriptor(
                    source, durable.FlushingWriter(descriptor, task.prepared).write, progress
                )
    except OSError as error:
        if error.filename != place.path:
            raise
        found = ""
    finally:
        os.close(descriptor)
    if found != task.digest:
        durable.discard_temporary(Path(task.prepared))
        return False
    return True
