"""The files of a directory artifact, and those in it that `.mlverignore` leaves out.

`.mlverignore` is at the top of the work tree, beside `.gitignore`, and its patterns judge paths
below the top. Without it nothing is left out: a digest must not depend on the mlver that computes
it. They judge what lies in an artifact. The artifact itself was named by somebody, and is kept
whatever they say. Where files are compared with those of a version, nothing that it pins is left
out, as git ignores no file that it tracks.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache

from mlver.errors import MlverError, printable_name, shell_command
from mlver.hashing.walk import IgnoreTest
from mlver.project.artifacts.file_list import join_name
from mlver.project.project import Project
from mlver.system.regular import read_regular

IGNORE_FILE = ".mlverignore"
# What a person writes by hand is smaller, however many patterns they have.
MOST_BYTES = 64 * 1024
_SHOWN = 3


def read_ignore_file(project: Project) -> bytes:
    """Read the working file; empty where there is none.

    Raise MlverError where it cannot be read, or is no file of its own, such as a symlink.
    """
    try:
        return read_regular(project.top_folder / IGNORE_FILE, MOST_BYTES + 1)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise MlverError(
            f"{IGNORE_FILE} cannot be read: {error.strerror}",
            hint=shell_command("ls", "-ld", "--", IGNORE_FILE),
        ) from None


@lru_cache(maxsize=4)
def parse_ignore_file(data: bytes) -> IgnoreTest | None:
    """Parse the bytes of the file; None where it leaves out nothing.

    Raise MlverError where it cannot be used.
    """
    if not data:
        return None
    if len(data) > MOST_BYTES:
        raise _build_unusable_error(f"it is larger than {MOST_BYTES:,} bytes")
    # imported here: few repositories have the file
    from mlver.document.ignore_patterns import IgnoreRefused, parse_patterns

    try:
        return parse_patterns(data)
    except IgnoreRefused as error:
        raise _build_unusable_error(str(error)) from None


def _build_unusable_error(reason: str) -> MlverError:
    return MlverError(
        f"{IGNORE_FILE} cannot be used: {reason}",
        hint=shell_command("cat", "-n", "--", IGNORE_FILE),
    )


@dataclass(frozen=True, slots=True)
class IgnoredFiles:
    """Tells what is left out of one artifact, whose path with a slash is `prefix`.

    `list_pinned` lists what is never left out, in the order of a manifest. `found` are the paths
    below the artifact that were left out, that of a folder with a slash.
    """

    prefix: bytes
    matches: IgnoreTest
    list_pinned: Callable[[], Sequence[bytes]] = tuple
    found: set[bytes] = field(default_factory=set)
    _pinned: list[Sequence[bytes]] = field(default_factory=list)
    # Folders that match and hold something pinned: all else in them is left out.
    _entered: set[bytes] = field(default_factory=set)

    def leaves_out(self, path: bytes) -> bool:
        """Whether a path below the artifact is left out; it is the IgnoreTest of a walk."""
        folder = path.rstrip(b"/").rpartition(b"/")[0]
        if folder not in self._entered and not self.matches(self.prefix + path):
            return False
        if self._is_pinned(path):
            self._entered.add(path.rstrip(b"/"))
            return False
        self.found.add(path)
        return True

    def list_found(self, artifact_path: str) -> tuple[str, ...]:
        """List the paths that were left out so far, each behind the path of the artifact."""
        return tuple(join_name(artifact_path, name) for name in sorted(self.found))

    def leaves_out_one_of(self, names: Iterable[bytes]) -> bool:
        """Whether one of these files would be left out, by itself or with a folder above it."""
        checked: set[bytes] = set()
        for name in names:
            above = {b"%b/" % folder for folder in _list_above(name)[1:]}
            new_paths = {name, *above} - checked
            checked |= above
            if any(self.matches(self.prefix + path) for path in new_paths):
                return True
        return False

    def _is_pinned(self, path: bytes) -> bool:
        if not self._pinned:
            # only now: where nothing matches, nobody needs the manifest
            self._pinned.append(self.list_pinned())
        names = self._pinned[0]
        place = bisect_left(names, path)
        if place == len(names):
            return False
        return names[place] == path or (path.endswith(b"/") and names[place].startswith(path))

    def require_way(self, artifact_path: str, wanted: Iterable[bytes]) -> None:
        """Raise MlverError where something that is left out stands in the way of files to write.

        It stands where a folder above them belongs, or in a folder where one of them belongs.
        """
        if not self.found:
            return
        names = set(wanted)
        obstacles = sorted(self._find_obstacles(names))
        if not obstacles:
            return
        shown = [join_name(artifact_path, name.rstrip(b"/")) for name in obstacles[:_SHOWN]]
        listed = ", ".join(map(printable_name, shown))
        verb = "stand" if len(obstacles) > 1 else "stands"
        if len(obstacles) > _SHOWN:
            listed += f" and {len(obstacles) - _SHOWN} more"
        raise MlverError(
            f"{listed} {verb} where the version has a file or a folder, and mlver removes nothing"
            f" that {IGNORE_FILE} names; move that away, then run the same command again",
            hint=shell_command("ls", "-ld", "--", *shown[:1]),
        )

    def _find_obstacles(self, wanted: Set[bytes]) -> set[bytes]:
        folders: set[bytes] = set()
        for name in wanted:
            folders.update(_list_above(name))
        obstacles = self.found & folders
        for name in self.found:
            if not wanted.isdisjoint([*_list_above(name), name.rstrip(b"/")]):
                obstacles.add(name)
        return obstacles


def _list_above(name: bytes) -> list[bytes]:
    """The folders above a path, the artifact itself (empty) first."""
    parts = name.rstrip(b"/").split(b"/")
    return [b"/".join(parts[:count]) for count in range(len(parts))]


def find_ignored(
    project: Project, path: str, list_pinned: Callable[[], Sequence[bytes]] = tuple
) -> IgnoredFiles | None:
    """What is left out of the artifact at a path; None where nothing can be.

    Raise MlverError where the ignore file cannot be used.
    """
    matches = parse_ignore_file(read_ignore_file(project))
    if matches is None:
        return None
    return IgnoredFiles(os.fsencode(path) + b"/", matches, list_pinned)


def is_left_out(matches: IgnoreTest | None, artifact_path: str, name: str) -> bool:
    """Whether these patterns leave a file below an artifact out of it.

    `name` is empty for the artifact itself, which is never left out.
    """
    if matches is None or not name:
        return False
    ignored = IgnoredFiles(os.fsencode(artifact_path) + b"/", matches)
    return ignored.leaves_out_one_of([os.fsencode(name)])
