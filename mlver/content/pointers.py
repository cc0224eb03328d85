"""Files that stand in place of content which somebody else keeps: of git-lfs, git-annex and DVC.

Each is a small text, so larger files are never looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlver.content.lfs_pointer import parse_lfs_pointer
from mlver.errors import shell_command

BYTE_LIMIT = 1024
_BEGINNINGS = (b"version https://git-lfs", b"/annex/objects/", b"outs:", b"md5:")
# https://git-annex.branchable.com/internals/pointer_file/
_ANNEX = re.compile(rb"/annex/objects/[A-Z0-9_]+(?:-s([0-9]{1,18}))?[^\n/]*--[^\n/]+\n?")
# https://dvc.org/doc/user-guide/project-structure/dvc-files
_DVC = re.compile(rb"^(?:outs|md5):.*^(?:- |  )(?:md5|path): \S+", re.DOTALL | re.MULTILINE)
_DVC_SIZE = re.compile(rb"^  size: ([0-9]{1,18})$", re.MULTILINE)
# The folder of a repository in Hugging Face's cache, into which it links the files of a snapshot.
_HUB_FOLDER = re.compile(r"(models|datasets|spaces)--([\w.-]+?)--([\w.-]+?)(?=[/\s]|$)")
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


@dataclass(frozen=True, slots=True)
class ContentPointer:
    """What a file is instead of its content, in words, and the command that fetches that."""

    description: str
    hint: str


def may_be_pointer(data: bytes) -> bool:
    """Whether a file's contents are worth a closer look; this is asked of every small file."""
    return len(data) <= BYTE_LIMIT and data.startswith(_BEGINNINGS)


def find_pointer(path: str, data: bytes) -> ContentPointer | None:
    """Find the pointer that a file's whole contents are; None for any other file."""
    if not may_be_pointer(data):
        return None
    lfs_pointer = parse_lfs_pointer(data)
    if lfs_pointer is not None:
        return _build_pointer("git-lfs", str(lfs_pointer.size), "git lfs pull")
    annexed = _ANNEX.match(data)
    if annexed is not None:
        size = None if annexed[1] is None else annexed[1].decode()
        return _build_pointer("git-annex", size, shell_command("git", "annex", "get", "--", path))
    if path.endswith(".dvc") and _DVC.search(data):
        sizes = _DVC_SIZE.search(data)
        size = None if sizes is None else sizes[1].decode()
        return _build_pointer("DVC", size, shell_command("dvc", "pull", path))
    return None


def find_hub_command(text: str) -> str | None:
    """Find the command that fetches what a path into Hugging Face's cache leads to."""
    match = _HUB_FOLDER.search(text)
    if match is None:
        return None
    kind, owner, name = match.groups()
    words = ["hf", "download", f"{owner}/{name}"]
    if kind != "models":
        words += ["--repo-type", kind.removesuffix("s")]
    return shell_command(*words)


def _build_pointer(holder: str, size: str | None, command: str) -> ContentPointer:
    content = "content that is not here"
    if size is not None:
        content = f"{_describe_size(int(size))} that are not here"
    return ContentPointer(f"a {holder} pointer to {content}", command)


def _describe_size(size: int) -> str:
    amount = float(size)
    for unit in _UNITS:
        if amount < 1000 or unit == _UNITS[-1]:
            break
        amount /= 1000
    return f"{amount:.3g} {unit}"
