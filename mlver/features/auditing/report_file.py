"""Where a report goes: to stdout, or into a file that is named."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from mlver.errors import MlverError, UsageError, refusal_error
from mlver.features.auditing.report import ReportResult
from mlver.features.auditing.report_page import BUILDERS, MARK
from mlver.names import is_reserved_path
from mlver.project.project import Project
from mlver.records import layout
from mlver.system import durable
from mlver.system.regular import read_regular
from mlver.terminal.screen import TextScreen

PageFormat = Literal["markdown", "html"]
_STDOUT = "-"


def choose_page(
    project: Project, file: str | None, given: PageFormat | None
) -> Callable[[ReportResult, TextScreen], None]:
    """A drawing that prints a report, or writes it to a file and names that.

    Raise UsageError for what is no place for one, and MlverError for a file that is there and that
    `mlver report` did not write.
    """
    is_page = file is not None and file.lower().endswith((".html", ".htm"))
    build = BUILDERS[given or ("html" if is_page else "markdown")]
    path = None if file in (None, _STDOUT) else _find_place(project, str(file))

    def draw_report(result: ReportResult, screen: TextScreen) -> None:
        page = build(result)
        if path is None:
            screen.write_page(page)
            return
        try:
            durable.write_file(path, page.encode())
        except OSError as error:
            raise refusal_error(f"writing {path.name}", error) from error
        screen.draw_line("Wrote ", (str(file), "bold"))

    return draw_report


def _find_place(project: Project, file: str) -> Path:
    typed = project.start / file
    path = Path(os.path.realpath(typed.parent)) / typed.name
    if layout.ROOT in path.parts or is_reserved_path(path.parts):
        raise UsageError(f"{file} is where mlver and git keep their own files; name another one")
    if not path.parent.is_dir():
        raise MlverError(f"there is no folder {path.parent} for {path.name}")
    if not os.path.lexists(path):
        return path
    try:
        beginning = read_regular(path, len(MARK))
    except OSError as error:
        raise refusal_error(f"looking at {path.name}", error) from error
    if beginning != MARK.encode():
        raise MlverError(f"{file} was not replaced: it is no report that mlver report wrote")
    return path
