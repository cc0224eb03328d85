"""Stored contents to working files.

They are proved, prepared beside their targets, flushed together, and only then named.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

from mlver.digest import Digest
from mlver.errors import ObjectDamaged, refusal_error
from mlver.storage.digests import DigestSet
from mlver.storage.local.catalogue import ObjectCatalogue
from mlver.storage.local.export_plan import (
    ExportTask,
    PreparedFiles,
    list_tasks,
)
from mlver.storage.local.locations import open_location, read_span
from mlver.storage.local.losses import damaged_objects_error, missing_objects_error
from mlver.storage.store import StoreProgress, WantedFiles
from mlver.system import copying, durable, parallel
from mlver.system.folders import FolderTree
from mlver.system.parallel import hash_descriptor, split_batches, spread_batches

BATCH_FILES = 512
BATCH_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What is to be written; `make_way` clears its way once every byte is on the disk."""

    wanted: WantedFiles
    tree: FolderTree
    progress: StoreProgress
    expect: StoreProgress
    make_way: Callable[[], None]
    executable: Container[str]


def export_objects(store: ObjectCatalogue, order: ExportOrder) -> None:
    """See RepositoryStore."""
    wanted = order.wanted
    tree = order.tree
    digests = DigestSet.from_raw(bytes.fromhex(digest.hex) for digest, _ in wanted)
    located = store.locate_with_repair(digests)
    missing = located.list_missing()
    if missing:
        raise missing_objects_error(store, missing)
    # A content that several files have is written as often, and was counted once.
    order.expect(located.total)
    outcome = "no file was replaced"
    prepared: PreparedFiles | None = None
    try:
        prepared = PreparedFiles.plan_for(wanted, tree, order.executable)
        tasks = list_tasks(located, wanted, prepared)
        _prepare_files(store, order, tasks)
        durable.sync_files(prepared, access=tree)
        outcome = (
            "each file is as it was, as it should be or out of the way: "
            "run the same command again to finish"
        )
        order.make_way()
        # A folder that was replaced meanwhile is not written to.
        tree.forget_folders()
        changed: list[str] = []
        for parent in sorted(prepared.parents):
            changed += tree.make_folder(parent)
        targets = (target for _, target in wanted)
        pairs = zip(prepared, targets, strict=True)
        durable.replace_group(pairs, also=changed, access=tree)
        _require_in_place(tree, prepared.parents)
    except BaseException as error:
        for prepared_path in prepared or ():
            _discard_temporary(tree, prepared_path)
        if isinstance(error, OSError):
            raise refusal_error("writing the files", error, outcome=outcome) from error
        raise


def _require_in_place(tree: FolderTree, folders: Iterable[str]) -> None:
    """Raise OSError where a folder that was written to is not the one at its path any more."""
    tree.forget_folders()
    for folder in folders:
        if not tree.is_folder(folder):
            reason = "it was replaced while files were written to it"
            raise OSError(errno.ENOTDIR, reason, folder)


def _discard_temporary(tree: FolderTree, path: str) -> None:
    """Remove a temporary; one that cannot be removed does no harm and is swept later."""
    with suppress(OSError):
        tree.remove_file(path)


def _prepare_files(store: ObjectCatalogue, order: ExportOrder, tasks: Iterable[ExportTask]) -> None:
    """Write every temporary; raise ObjectDamaged if any file has no sound copy."""
    doubtful: list[ExportTask] = []
    large_tasks: list[ExportTask] = []
    workers = None if len(order.wanted) > BATCH_FILES else 1
    small_tasks = _select_small(tasks, large_tasks.append)
    batches = split_batches(
        small_tasks, BATCH_FILES, most_bytes=BATCH_BYTES, count_bytes=_count_bytes
    )
    write_batch = partial(_write_small_batch, order.tree)
    # Closed at once whatever happens here: no worker may still write when the caller cleans up.
    with closing(spread_batches(write_batch, batches, workers=workers)) as results:
        for failed_tasks, bytes_done in results:
            doubtful.extend(failed_tasks)
            order.progress(bytes_done)
    for export_task in large_tasks:
        if not _write_large_file(store, order, export_task):
            doubtful.append(export_task)
    if not doubtful:
        return
    failed_tasks = _prepare_from_others(store, order, doubtful)
    if failed_tasks:
        places: list[tuple[Digest, Path]] = []
        for export_task in failed_tasks:
            places.append((Digest(export_task.digest), Path(export_task.location.path)))
        raise damaged_objects_error(places)


def _prepare_from_others(
    store: ObjectCatalogue, order: ExportOrder, doubtful: list[ExportTask]
) -> list[ExportTask]:
    """Write files from other copies than those that failed; return the tasks that none served."""
    failed_tasks = []
    for doubtful_task in doubtful:
        for location in store.find_every_copy(doubtful_task.digest):
            if location == doubtful_task.location:
                continue
            if _write_large_file(store, order, doubtful_task._replace(location=location)):
                break
        else:
            failed_tasks.append(doubtful_task)
    return failed_tasks


def _select_small(
    tasks: Iterable[ExportTask], on_large: Callable[[ExportTask], None]
) -> Iterator[ExportTask]:
    """Yield the small ones, which workers take; two threads of this process copy each large one."""
    for export_task in tasks:
        location = export_task.location
        if location.size >= parallel.LARGE or location.is_recipe:
            on_large(export_task)
        else:
            yield export_task


def _count_bytes(task: ExportTask) -> int:
    return task.location.size


def _source_path(task: ExportTask) -> str:
    return task.location.path


def _write_small_batch(tree: FolderTree, tasks: list[ExportTask]) -> tuple[list[ExportTask], int]:
    """In a worker process: prepare a batch; return the tasks that failed and the bytes done."""
    failed_tasks: list[ExportTask] = []
    bytes_done = 0
    for source_path, group in groupby(tasks, key=_source_path):
        file_tasks = list(group)
        try:
            with open_location(file_tasks[0].location) as source:
                for export_task in file_tasks:
                    location = export_task.location
                    content = read_span(source, location.size, location.offset)
                    if hashlib.sha256(content).hexdigest() == export_task.digest:
                        _write_file(tree, export_task.prepared, content, export_task.mode)
                        bytes_done += len(content)
                    else:
                        failed_tasks.append(export_task)
        except OSError as error:
            if error.filename != source_path:
                raise
            # The file can't be read to its end: what isn't written yet may have a copy elsewhere.
            for export_task in file_tasks:
                if export_task not in failed_tasks and not tree.read_mode(export_task.prepared):
                    failed_tasks.append(export_task)
    return failed_tasks, bytes_done


def _write_file(tree: FolderTree, path: str, data: bytes, mode: int) -> None:
    """Write a new file, which is not flushed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    descriptor = tree.open_file(path, flags, mode)
    try:
        with durable.naming_errors(path):
            durable.write_all(descriptor, data)
    finally:
        os.close(descriptor)


def _write_large_file(store: ObjectCatalogue, order: ExportOrder, task: ExportTask) -> bool:
    """Prepare one file in constant memory; False, and no file, if its copy is not sound."""
    if task.location.pack:
        return _write_member(order, task)
    if task.location.is_recipe:
        return _write_rebuilt(store, order, task)
    copied_digest = ""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
    descriptor = order.tree.open_file(task.prepared, flags, task.mode)
    try:
        with open_location(task.location) as source:
            if copying.clone_blocks(source, descriptor):
                copied_digest, _ = hash_descriptor(descriptor, None, order.progress)
            else:
                target = copying.FlushingWriter(descriptor, task.prepared)
                copied_digest, _ = copying.copy_hashed(source, target, order.progress)
    except OSError as error:
        # A copy that can't be read is like a damaged one; a target that can't be written is fatal.
        if error.filename != task.location.path:
            raise
    finally:
        os.close(descriptor)
    if copied_digest != task.digest:
        _discard_temporary(order.tree, task.prepared)
        return False
    return True


def _write_rebuilt(store: ObjectCatalogue, order: ExportOrder, task: ExportTask) -> bool:
    """The same for a content that is put together from parts."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    descriptor = order.tree.open_file(task.prepared, flags, task.mode)
    target = copying.FlushingWriter(descriptor, task.prepared)

    def write(data: bytes) -> None:
        target.write(memoryview(data))
        order.progress(len(data))

    try:
        store.open_reader().rebuild(task.digest, write)
    except ObjectDamaged:
        _discard_temporary(order.tree, task.prepared)
        return False
    finally:
        os.close(descriptor)
    return True


def _write_member(order: ExportOrder, task: ExportTask) -> bool:
    """The same for a content in a pack, which is small."""
    failed, bytes_done = _write_small_batch(order.tree, [task])
    order.progress(bytes_done)
    return not failed
