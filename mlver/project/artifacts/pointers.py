"""Refuses files that stand in place of content which git-lfs, git-annex or DVC keeps elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from mlver.content.pointers import BYTE_LIMIT, find_hub_command, find_pointer
from mlver.errors import MlverError, printable_name, shell_command
from mlver.hashing.measure import MeasuredArtifact
from mlver.hashing.read import PointerFile
from mlver.hashing.walk import OUTSIDE
from mlver.project.artifacts.file_list import join_name
from mlver.system.regular import read_regular

_SHOWN = 5


def check_content(key: str, root: bytes, path: bytes, data: bytes) -> PointerFile | None:
    """Say whether a file's whole contents only point to the content that it should have.

    `key` is the path of its artifact, which lies at `root`.
    """
    pointer = find_pointer(join_name(key, path), data)
    if pointer is None:
        return None
    if path.endswith(b".dvc") and Path(os.fsdecode(root + path[:-4])).exists():
        # DVC keeps its file beside the content, and here both are.
        return None
    return PointerFile(path, pointer.description, pointer.hint)


def refuse_pointers(path: str, measured: MeasuredArtifact) -> None:
    """Raise MlverError where a file to be registered is a pointer."""
    if measured.pointers:
        raise MlverError(describe_pointers(path, measured.pointers), hint=measured.pointers[0].hint)


def describe_pointers(path: str, pointers: Sequence[PointerFile]) -> str:
    """Describe which files of the artifact at a path are pointers, and to what."""
    lines: list[str] = []
    for pointer in pointers[:_SHOWN]:
        name = join_name(path, pointer.path)
        lines.append(f"{printable_name(name)} is {pointer.description}")
    if len(pointers) > _SHOWN:
        lines.append(f"and {len(pointers) - _SHOWN:,} more")
    return "; ".join(lines)


def find_fetch_command(root: Path, names: Iterable[str]) -> str | None:
    """Find the command that fetches the content of the first pointer among files below `root`."""
    for name in names:
        with suppress(OSError):
            pointer = find_pointer(name, read_regular(root / name, BYTE_LIMIT + 1))
            if pointer is not None:
                return pointer.hint
    return None


def explain_lost_links(location: Path, error: MlverError) -> MlverError:
    """Add the command that fetches, or copies, what links into Hugging Face's cache lead to."""
    try:
        target = os.path.realpath(location)
    except OSError:
        target = ""
    hint = find_hub_command(f"{target} {error.message}")
    if hint is None:
        return error
    if OUTSIDE in error.message:
        copy = shell_command("cp", "-RL", "--", location, f"{location}.copy")
        return MlverError(
            f"{error.message}\n(links into a Hugging Face cache, which others may empty: register a"
            " copy of what they lead to)",
            hint=copy,
        )
    return MlverError(
        f"{error.message}\n(links into a Hugging Face cache that lacks the files)", hint=hint
    )
