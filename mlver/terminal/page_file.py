"""Where a page goes that a command writes: to stdout, or into a file that is named."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mlver.errors import MlverError, UsageError, refusal_error
from mlver.names import is_reserved_path
from mlver.project.project import Project
from mlver.records import layout
from mlver.system import durable
from mlver.system.regular import read_regular
from mlver.terminal.screen import TextScreen

Result = TypeVar("Result")
_STDOUT = "-"


def choose_page(
    project: Project, file: str | None, build: Callable[[Result], str], *, mark: str
) -> Callable[[Result, TextScreen], None]:
    """A drawing that prints what `build` makes of a result, or writes it to a file and names that.

    `mark` is what every such page begins with. Raise UsageError for what is no place for one, and
    MlverError for a file that is there and does not begin with it.
    """
    path = None if file in (None, _STDOUT) else _find_place(project, str(file), mark)

    def draw_page(result: Result, screen: TextScreen) -> None:
        page = build(result)
        if path is None:
            screen.write_page(page)
            return
        try:
            durable.write_file(path, page.encode())
        except OSError as error:
            raise refusal_error(f"writing {path.name}", error) from error
        screen.draw_line("Wrote ", (str(file), "bold"))

    return draw_page


def _find_place(project: Project, file: str, mark: str) -> Path:
    typed = project.start / file
    path = Path(os.path.realpath(typed.parent)) / typed.name
    if layout.ROOT in path.parts or is_reserved_path(path.parts):
        raise UsageError(f"{file} is where mlver and git keep their own files; name another one")
    if not path.parent.is_dir():
        raise MlverError(f"there is no folder {path.parent} for {path.name}")
    if not os.path.lexists(path):
        return path
    try:
        beginning = read_regular(path, len(mark))
    except OSError as error:
        raise refusal_error(f"looking at {path.name}", error) from error
    if beginning != mark.encode():
        raise MlverError(f"{file} was not replaced: mlver did not write it")
    return path
