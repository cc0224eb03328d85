"""Files that a command is to write: whether they are new since it began."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlver.errors import MlverError, printable_name, shell_command
from mlver.system.regular import read_regular

_FileState = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class AwaitedFile:
    """A file that a command is to write, as it was before, under the `name` that a person knows.

    `mark` is a time just before that, by the clock that dates files.
    """

    name: str
    path: Path
    state: _FileState | None
    mark: int

    @classmethod
    def before(cls, name: str, path: Path, mark: int) -> AwaitedFile:
        return cls(printable_name(name), path, _read_state(path), mark)

    def is_new(self) -> bool:
        """Whether it was written since, and is not an older file that was put there."""
        state = _read_state(self.path)
        return state is not None and state != self.state and state[0] >= self.mark

    def read_new(self, noun: str, limit: int) -> bytes:
        """Read what the command wrote; raise MlverError where it wrote nothing new.

        Of more than `limit` bytes, one more than that is returned.
        """
        if not self.is_new():
            raise self._build_stale_error(noun)
        try:
            return read_regular(self.path, limit + 1, follow=True)
        except OSError as error:
            raise MlverError(
                f"the {noun} in {self.name} cannot be read: {error.strerror}",
                hint=shell_command("ls", "-ld", "--", self.path),
            ) from None

    def _build_stale_error(self, noun: str) -> MlverError:
        if _read_state(self.path) is None:
            return MlverError(
                f"the command ended well, but wrote no {noun}: {self.name} is not there"
            )
        return MlverError(
            f"the command ended well, but wrote no {noun}: {self.name} is older than its start",
            hint=shell_command("ls", "-l", "--", self.path),
        )


def _read_state(path: Path) -> _FileState | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns


def mark_time(folder: Path) -> int:
    """The time now, in nanoseconds, by the clock that dates the files in a folder."""
    mark = folder / "mark"
    mark.touch()
    moment = mark.stat().st_mtime_ns
    mark.unlink()
    return moment
