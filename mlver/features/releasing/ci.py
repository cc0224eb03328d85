"""`mlver ci`: write the pipelines of a forge into the repository."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mlver import paths
from mlver.errors import MlverError, UsageError, command, refused
from mlver.features.releasing.pipelines.emit import File, files, is_edited
from mlver.features.releasing.pipelines.settings import FORGES, PIPELINES, Settings
from mlver.project.project import Project
from mlver.project.transaction import editing
from mlver.records import layout
from mlver.system import durable

_PYTHON = "3.12"

State = Literal["written", "updated", "replaced", "unchanged", "kept"]


@dataclass(frozen=True, slots=True)
class Written:
    """A pipeline file, and what became of it: `replaced` was somebody's edit, `kept` is their own."""

    path: str
    state: State


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A pipeline that was not made, and the options it needs."""

    pipeline: str
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CiResult:
    """`include` is what a kept file has to name itself."""

    forge: str
    top: str
    files: tuple[Written, ...]
    left_out: tuple[LeftOut, ...]
    include: str | None
    dry_run: bool


def ci(
    project: Project, forge: str, settings: Settings, *, version: str, force: bool = False, dry_run: bool = False
) -> CiResult:
    """Write these pipelines; a file that was edited, or is not mlver's, is refused unless with `force`."""
    wanted = pipelines(project, forge, settings, version=version)
    with nullcontext() if dry_run else editing(project, "ci"):
        found = [(file, _state(project, file)) for file in wanted]
        edited = [file.path for file, state in found if state == "replaced"]
        if edited and not force:
            raise MlverError(
                f"{', '.join(edited)} {'was' if len(edited) == 1 else 'were'} edited, or never written by mlver",
                hint=f"{command('mlver', 'ci', forge, '--stdout')}   (to compare; --force writes over it)",
            )
        if not dry_run:
            _write(project, [file for file, state in found if state not in ("unchanged", "kept")])
    left_out = (
        () if settings.only else tuple(LeftOut(one, lacking) for one in PIPELINES if (lacking := settings.lacking(one)))
    )
    written = tuple(Written(file.path, state) for file, state in found)
    return CiResult(forge, str(project.top), written, left_out, _include(project, found), dry_run)


def pipelines(project: Project, forge: str, settings: Settings, *, version: str) -> tuple[File, ...]:
    """The files as they would be written, to install this `version` of mlver where `settings` say nothing else."""
    known = next((one for one in FORGES if one == forge), None)
    if known is None:
        raise UsageError(f"there are pipelines for {', '.join(FORGES)}, not for `{forge}`", hint="mlver ci github")
    whole = replace(
        settings,
        branch=settings.branch or project.repository.default_branch(),
        python=settings.python or _PYTHON,
        install=settings.install or f"mlver=={version}",
    )
    return tuple(files(known, whole, settings.command_line(known)))


def _state(project: Project, file: File) -> State:
    there = _read(project, file.path)
    if there is None:
        return "written"
    if there == file.text:
        return "unchanged"
    if is_edited(there):
        return "kept" if file.start else "replaced"
    return "updated"


def _read(project: Project, path: str) -> str | None:
    where = paths.inside(project.top, path)
    try:
        return where.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refused(f"reading {path}", error) from error


def _write(project: Project, due: Sequence[File]) -> None:
    """All of them are prepared in .mlver/, where the next command sweeps what a crash leaves, and named at last."""
    prepared: list[tuple[Path, Path]] = []
    try:
        for file in due:
            where = paths.inside(project.top, file.path)
            durable.make_directory(where.parent)
            prepared.append((durable.temporary(paths.inside(project.top, layout.ROOT), file.text.encode()), where))
        durable.replace_group(prepared)
    except OSError as error:
        outcome = "what is written is whole, and the same command writes the rest"
        raise refused("writing pipelines", error, outcome=outcome) from error
    finally:
        for temporary, _ in prepared:
            durable.discard(temporary)


def _include(project: Project, found: Sequence[tuple[File, State]]) -> str | None:
    """What a person's own file lacks of the one that would have been written: the line that names the others."""
    for file, state in found:
        if state == "kept":
            line = file.text.splitlines()[-1].strip()
            return None if line.removeprefix("- ") in (_read(project, file.path) or "") else line
    return None
