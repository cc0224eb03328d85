"""Where records are read from: the work tree here, what git holds in `project.held`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlver import paths
from mlver.errors import MlverError, command

_MAX_RECORD = 16 << 20


class Source(Protocol):
    def read(self, path: str) -> bytes | None:
        """A file's bytes, never through a symlink; None where there is none."""

    def listed(self, folder: str) -> list[str]:
        """The names in a folder, in no order; none where there is no such folder."""


@dataclass(frozen=True, slots=True)
class WorkTree:
    """The files below `top`."""

    top: Path

    def read(self, path: str) -> bytes | None:
        where = paths.inside(self.top, path)
        try:
            with where.open("rb") as file:
                return file.read(_MAX_RECORD + 1 if path.endswith(".yaml") else -1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise MlverError(f"{path} cannot be read: {error.strerror}", hint=command("ls", "-l", path)) from None

    def listed(self, folder: str) -> list[str]:
        try:
            return os.listdir(paths.inside(self.top, folder))
        except (FileNotFoundError, NotADirectoryError):
            return []
