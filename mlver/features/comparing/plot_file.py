"""Where a picture of `mlver plot` goes: to stdout, or into a file that is named."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from mlver.errors import MlverError, UsageError, refusal_error
from mlver.features.comparing.plot import PlotResult
from mlver.records import layout
from mlver.system import durable
from mlver.terminal.screen import TextScreen

STDOUT = "-"


def draw_picture(
    build: Callable[[PlotResult], str], file: str, folder: Path
) -> Callable[[PlotResult, TextScreen], None]:
    """A drawing that writes a picture where `file` says, and names the file.

    A file that is there is replaced, as by the shell's `>`; at no time is it half of one. Raise
    UsageError for what is no place for a picture.
    """
    path = None if file == STDOUT else _find_place(file, folder)

    def draw_result(result: PlotResult, screen: TextScreen) -> None:
        picture = build(result)
        if path is None:
            screen.write_page(picture)
            return
        write_picture(path, picture)
        screen.draw_line("Wrote ", (file, "bold"))

    return draw_result


def write_picture(path: Path, picture: str) -> None:
    """Put a picture at a path; raise MlverError where the system refuses it."""
    try:
        durable.write_file(path, picture.encode())
    except OSError as error:
        raise refusal_error(f"writing {path.name}", error) from error


def _find_place(file: str, folder: Path) -> Path:
    # `>` would follow a link, too.
    path = Path(os.path.realpath(folder / file))
    if layout.ROOT in path.parts or ".git" in path.parts:
        raise UsageError(f"{file} is where mlver and git keep their own files; name another one")
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise MlverError(f"there is no folder {path.parent} for {path.name}") from None
        return path
    except OSError as error:
        raise refusal_error(f"looking at {file}", error) from error
    if not stat.S_ISREG(mode):
        raise UsageError(f"{file} is no file that a picture could be written to; - is for stdout")
    return path
