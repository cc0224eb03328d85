"""Paths that others wrote: in a repository (`join_inside`) or on the command line
(`relative_to_root`).

What a repository names is never followed out of it: not by `..`, not by an absolute path, not
through a symlink.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Container
from pathlib import Path, PurePosixPath

from mlver.errors import MlverError, UsageError, shell_command
from mlver.names import find_path_fault, is_git_name, is_reserved_path


def join_inside(
    root: Path,
    relative: str | bytes,
    *,
    link_last: bool = False,
    going: Container[str] = (),
    checked: set[str] | None = None,
) -> Path:
    """Join a path that the repository supplies to `root`.

    Raise MlverError if it could lead anywhere else.

    See `join_inside_as_text`, which gives it as text: of 50,000 paths, pathlib takes longer than
    the system.
    """
    return Path(
        join_inside_as_text(root, relative, link_last=link_last, going=going, checked=checked)
    )


def join_inside_as_text(
    root: Path,
    relative: str | bytes,
    *,
    link_last: bool = False,
    going: Container[str] = (),
    checked: set[str] | None = None,
) -> str:
    """Join a path that the repository supplies to `root`.

    Raise MlverError if it could lead anywhere else.

    No component that exists below `root` may be a symlink; with `link_last` the last one may be,
    for a caller that replaces the link itself, and so may those in `going`, which the caller
    removes before it uses the path. `checked` remembers, between calls for many paths, the
    directories already looked at.
    """
    text = os.fsdecode(relative)
    fault = find_path_fault(text)
    if fault is not None:
        raise MlverError(
            f"the path {text!r} {fault}; paths in a repository are relative and stay inside it"
        )
    base = os.fspath(root)
    whole = f"{base}/{text}"
    looked: set[str] = checked if checked is not None else set()
    if link_last and text.rpartition("/")[0] in looked:
        return whole
    parts = text.split("/")
    for index in range(1, len(parts) + (not link_last)):
        part = "/".join(parts[:index])
        last = index == len(parts)
        if not last and part in looked:
            continue
        if part in going or not _exists_without_symlink(f"{base}/{part}", part, text):
            break
        if not last:
            looked.add(part)
    return whole


def _exists_without_symlink(path: str, part: str, whole: str) -> bool:
    """Whether this exists; raise MlverError if it is a symlink."""
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    if stat.S_ISLNK(mode):
        raise MlverError(
            f"the path {whole!r} passes through the symlink {part!r};"
            " replace that with what it points to, or use a path that does not contain it",
            hint=shell_command("ls", "-ld", "--", path),
        )
    return True


def relative_to_root(root: Path, cwd: Path, given: str | os.PathLike[str]) -> str:
    """A path typed by the user in `cwd`, as the repository at `root` names it.

    Symlinks within the repository are kept as typed; `root` and `cwd` themselves may be reached by
    any. Raises UsageError outside the repository, at its root, and within `.git` and `.mlver`.
    """
    text = os.fspath(given)
    if not text or "\0" in text:
        raise UsageError(f"{text!r} is not a path; name a file or a directory")
    parts = _components_below(root, cwd, text)
    if parts is None:
        raise UsageError(f"{text!r} is outside the repository {root}; move or copy it there")
    if not parts:
        raise UsageError(
            f"{text!r} is the whole repository;"
            " name a file or a directory inside it, such as models/weights"
        )
    if is_reserved_path(parts):
        raise UsageError(
            f"{text!r} belongs to git or mlver itself; name a file or a directory beside it"
        )
    return PurePosixPath(*parts).as_posix()


def find_nested_repository(root: Path, path: str) -> str | None:
    """The innermost folder on the way to `path`, itself included, that is a git repository of its
    own; else None.
    """
    parts = path.split("/")
    folders = ("/".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((folder for folder in folders if os.path.lexists(f"{root}/{folder}/.git")), None)


def check_own_directory(place: Path) -> Path:
    """A folder that mlver itself made, or will make.

    Raise MlverError where a symlink has taken its place.
    """
    if place.is_symlink():
        raise MlverError(
            f"{place} is a symlink, and mlver writes nowhere else than here;"
            " move the folder that it leads to into its place",
            hint=shell_command("ls", "-ld", place),
        )
    return place


def is_reserved(place: Path, *owned: Path) -> bool:
    """Whether a place, all links followed, belongs to git or lies in one of the folders `owned`."""
    real = _resolve_links(place)
    return any(is_git_name(part) for part in real.parts) or any(
        real.is_relative_to(_resolve_links(own)) for own in owned
    )


def _components_below(root: Path, cwd: Path, text: str) -> tuple[str, ...] | None:
    """The components of `text` below `root`, or None.

    Tried as typed first, then with root's and cwd's links solved.
    """
    real_root = Path(os.path.realpath(root))
    typed = Path(os.path.normpath(cwd / text))
    # `a/../b` is taken lexically, like the shell's own cd; a kernel would follow `a` first.
    for base, path in (
        (root, typed),
        (real_root, typed),
        (real_root, Path(os.path.normpath(_resolve_links(cwd) / text))),
    ):
        if path.is_relative_to(base):
            return path.relative_to(base).parts
    for parent in typed.parents:
        # /tmp/x/data where the root is known as /private/tmp/x: find which parent IS the root.
        if os.path.realpath(parent) == os.fspath(real_root):
            return typed.relative_to(parent).parts
    return () if os.path.realpath(typed) == os.fspath(real_root) else None


def _resolve_links(path: Path) -> Path:
    return Path(os.path.realpath(path))
