"""Where records are read from: the work tree here, what git holds in `CommittedRecords`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlver import paths
from mlver.errors import MlverError, shell_command
from mlver.records import layout
from mlver.system.regular import read_regular


class RecordSource(Protocol):
    def read_file(self, path: str) -> bytes | None:
        """A file's bytes, never through a symlink; None where there is none."""

    def list_names(self, folder: str) -> list[str]:
        """The names in a folder, in no order; none where there is no such folder."""


@dataclass(frozen=True, slots=True)
class WorkTree:
    """The files below `top`."""

    top: Path

    def read_file(self, path: str) -> bytes | None:
        where = paths.join_inside(self.top, path)
        try:
            data = read_regular(where, layout.find_byte_limit(path) + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise MlverError(
                f"{path} cannot be read: {error.strerror}", hint=shell_command("ls", "-l", path)
            ) from None
        layout.check_length(path, data)
        return data

    def list_names(self, folder: str) -> list[str]:
        try:
            return os.listdir(paths.join_inside(self.top, folder))
        except (FileNotFoundError, NotADirectoryError):
            return []
