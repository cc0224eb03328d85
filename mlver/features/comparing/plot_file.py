"""Where a picture of `mlver plot` goes: to stdout, or into a file that is named."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlver.errors import MlverError, UsageError, refusal_error, shell_command
from mlver.features.comparing.plot import PlotResult
from mlver.features.comparing.plot_page import PAGE_START, SVG_START, build_page, build_svg
from mlver.names import is_reserved_path
from mlver.project.artifacts.measuring import collect_own_paths
from mlver.project.project import Project
from mlver.records import layout
from mlver.system import durable
from mlver.system.regular import read_regular
from mlver.terminal.screen import TextScreen

PictureFormat = Literal["svg", "html"]
STDOUT = "-"
_SUFFIXES: dict[str, PictureFormat] = {".svg": "svg", ".html": "html", ".htm": "html"}
_BUILDERS: dict[PictureFormat, Callable[[PlotResult], str]] = {
    "svg": build_svg,
    "html": build_page,
}
_OWN_STARTS = (SVG_START.encode(), PAGE_START.encode())
_MOST_READ = max(map(len, _OWN_STARTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRequest:
    """What was asked for. `given` is the format; None means the one that the file's name ends in.

    `file` is None or `-` for stdout.
    """

    file: str | None
    given: PictureFormat | None
    force: bool
    model: str | None
    metrics: Sequence[str]
    limit: int | None

    @property
    def options(self) -> list[str]:
        """The words behind `mlver plot` that ask for the same."""
        words = [] if self.model is None else [self.model]
        for metric in self.metrics:
            words += ["--metric", metric]
        for option, value in (("--limit", self.limit), ("-o", self.file), ("--as", self.given)):
            if value is not None:
                words += [option, str(value)]
        return words


def choose_drawing(
    project: Project, request: PictureRequest
) -> Callable[[PlotResult, TextScreen], None]:
    """A drawing that prints a picture, or writes it to a file and names that.

    At no time does the file hold half of a picture. Raise UsageError where no format is given and
    for what is no place for a picture, and without `force` MlverError for a file that git tracks or
    that `plot` did not write.
    """
    file = request.file
    build = _BUILDERS[request.given or _find_format(file)]
    path = None
    if file is not None and file != STDOUT:
        path = _find_place(project, file)
        if not request.force:
            _refuse_others(project, path, request)

    def draw_result(result: PlotResult, screen: TextScreen) -> None:
        picture = build(result)
        if path is None:
            screen.write_page(picture)
            return
        try:
            durable.write_file(path, picture.encode())
        except OSError as error:
            raise refusal_error(f"writing {path.name}", error) from error
        screen.draw_line("Wrote ", (str(file), "bold"))

    return draw_result


def _find_format(file: str | None) -> PictureFormat:
    """The format that a file's name ends in; raise UsageError where it says none."""
    if file is None or file == STDOUT:
        raise UsageError("-o - needs --as svg or --as html")
    found = _SUFFIXES.get(Path(file).suffix.lower())
    if found is None:
        raise UsageError(f"{file} ends neither in .svg nor in .html; --as says which it is to be")
    return found


def _find_place(project: Project, file: str) -> Path:
    typed = project.start / file
    # Folders on the way may be links; what is replaced is the name in the last of them.
    path = Path(os.path.realpath(typed.parent)) / typed.name
    if layout.ROOT in path.parts or is_reserved_path(path.parts):
        raise UsageError(f"{file} is where mlver and git keep their own files; name another one")
    _check_kind(path, file)
    _refuse_registered(project, path, file)
    return path


def _refuse_others(project: Project, path: Path, request: PictureRequest) -> None:
    """Raise MlverError for a file that git tracks or that `plot` did not write."""
    reason = None
    if _is_tracked(project, path):
        reason = "git tracks it"
    elif path.exists() and not _is_own_picture(path):
        reason = "it is not a picture that mlver plot wrote"
    if reason is not None:
        raise MlverError(
            f"{request.file} was not replaced: {reason}",
            hint=shell_command("mlver", "plot", *request.options, "--force"),
        )


def _check_kind(path: Path, file: str) -> None:
    """Raise MlverError for what is there and no regular file, and where there is no folder."""
    try:
        is_link = stat.S_ISLNK(path.lstat().st_mode)
        is_other = path.exists() and not path.is_file()
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise MlverError(f"there is no folder {path.parent} for {path.name}") from None
        return
    except OSError as error:
        raise refusal_error(f"looking at {file}", error) from error
    if is_other:
        raise UsageError(f"{file} is no file that a picture can be written to; -o - is stdout")
    if is_link:
        raise UsageError(f"{file} is a link; name the file that it leads to")


def _refuse_registered(project: Project, path: Path, file: str) -> None:
    """Raise UsageError for a path that is, or lies in, what a version is registered from."""
    registry = project.registry
    for model in registry.list_models():
        settings = registry.read_settings(model)
        if settings is None:
            continue
        for own in sorted(collect_own_paths(project, settings).files):
            # An artifact may be a link, or be reached by one.
            place = project.top_folder / own
            if not {place, Path(os.path.realpath(place))}.isdisjoint((path, *path.parents)):
                raise UsageError(f"{file} belongs to {own} of {model}; name another file")


def _is_tracked(project: Project, path: Path) -> bool:
    top = Path(os.path.realpath(project.top_folder))
    if not path.is_relative_to(top):
        return False
    relative = path.relative_to(top).as_posix()
    return relative in project.repository.tracked([relative])


def _is_own_picture(path: Path) -> bool:
    try:
        return read_regular(path, _MOST_READ).startswith(_OWN_STARTS)
    except OSError as error:
        raise refusal_error(f"looking at {path.name}", error) from error
