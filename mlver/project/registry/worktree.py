"""Where records are read from: the work tree here, what git holds in `CommittedRecords`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlver import paths
from mlver.errors import MlverError, shell_command
from mlver.records import byte_limits
from mlver.system.regular import read_regular


class RecordSource(Protocol):
    def read_file(self, path: str) -> bytes | None:
        """A file's bytes, never through a symlink; None where there is none."""

    def read_files(self, paths_within: Iterable[str]) -> Iterator[bytes | MlverError]:
        """The bytes of each file, or why it cannot be read, in the same order."""

    def list_names(self, folder: str) -> list[str]:
        """The names in a folder, in no order; none where there is no such folder."""


@dataclass(frozen=True, slots=True)
class WorkTree:
    """The files below `top`."""

    top: Path

    def read_file(self, path: str) -> bytes | None:
        return self._read_at(paths.join_inside_as_text(self.top, path), path)

    def read_files(self, paths_within: Iterable[str]) -> Iterator[bytes | MlverError]:
        """Each folder is looked at once; no file is opened through a symlink."""
        checked: set[str] = set()
        for path in paths_within:
            try:
                where = paths.join_inside_as_text(self.top, path, link_last=True, checked=checked)
                yield require_file(self._read_at(where, path), path)
            except MlverError as error:
                yield error

    def _read_at(self, where: str, path: str) -> bytes | None:
        try:
            data = read_regular(where, byte_limits.find_byte_limit(path) + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise MlverError(
                f"{path} cannot be read: {error.strerror}", hint=shell_command("ls", "-l", path)
            ) from None
        byte_limits.check_length(path, data)
        return data

    def list_names(self, folder: str) -> list[str]:
        try:
            return os.listdir(paths.join_inside(self.top, folder))
        except (FileNotFoundError, NotADirectoryError):
            return []


def require_file(data: bytes | None, path: str) -> bytes:
    """The bytes that were read at a path; raise MlverError where there was no file."""
    if data is None:
        raise MlverError(f"{path} is missing", hint=shell_command("git", "status", path))
    return data
