"""What the folder of a version holds, every byte read: nothing that lies there is trusted."""

from __future__ import annotations

import os
import stat
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass

from mlver.project.reporter import Reporter
from mlver.project.serving.version_files import IDENTITY, DeployedFiles
from mlver.system.folders import FolderTree
from mlver.system.parallel import hash_descriptor
from mlver.system.regular import open_regular


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderState:
    """How a folder differs from the version that it is to hold; paths are below the folder.

    `lacking` are files that are missing or have other bytes, and `foreign` whatever else is there.
    """

    lacking: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        return not self.lacking and not self.foreign


def prove_folder(
    tree: FolderTree,
    folder: str,
    files: DeployedFiles,
    reporter: Reporter,
    beside: Container[str] = (),
) -> FolderState:
    """Read all that a folder holds, and compare it with the digests of the record.

    Files `beside` those of the version are of the layout, and are judged elsewhere.

    Raise OSError where something cannot be read.
    """
    reporter.begin_work(f"proving {files.name}", None)
    try:
        return _compare_folder(tree, folder, files, reporter, beside)
    finally:
        reporter.end_work()


def _compare_folder(
    tree: FolderTree,
    folder: str,
    files: DeployedFiles,
    reporter: Reporter,
    beside: Container[str],
) -> FolderState:
    wanted = files.served.files
    parents = _list_parents(wanted)
    proven: set[str] = set()
    foreign: list[str] = []
    for path, is_folder in _walk(tree, folder, parents):
        if is_folder:
            if path not in parents:
                foreign.append(path)
        elif path in beside or (path == IDENTITY and files.weights is not None):
            continue
        elif path not in wanted or not _is_regular(tree, f"{tree.top}/{folder}/{path}"):
            foreign.append(path)
        elif _hash_file(tree, f"{tree.top}/{folder}/{path}", reporter) == wanted[path].hex:
            proven.add(path)
    lacking = tuple(path for path in wanted if path not in proven)
    return FolderState(lacking=lacking, foreign=tuple(foreign))


def _list_parents(paths: Iterable[str]) -> frozenset[str]:
    """List every folder that files at these paths need."""
    parents: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in parents:
            parents.add(folder)
            folder = folder.rpartition("/")[0]
    return frozenset(parents)


def _walk(tree: FolderTree, folder: str, parents: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """Yield what is below a folder, with whether it is a folder; only those needed are entered."""
    waiting = [""]
    while waiting:
        inner = waiting.pop()
        whole = "/".join(filter(None, (tree.top, folder, inner)))
        for name, is_folder in sorted(tree.list_folder(whole)):
            path = f"{inner}/{name}" if inner else name
            yield path, is_folder
            if is_folder and path in parents:
                waiting.append(path)


def _is_regular(tree: FolderTree, path: str) -> bool:
    return stat.S_ISREG(tree.read_mode(path))


def _hash_file(tree: FolderTree, path: str, reporter: Reporter) -> str:
    descriptor = open_regular(path, opener=lambda given, flags: tree.open_file(path, flags))
    try:
        hexadecimal, _ = hash_descriptor(descriptor, None, reporter.advance_work)
    finally:
        os.close(descriptor)
    return hexadecimal
