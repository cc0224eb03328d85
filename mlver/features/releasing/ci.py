"""`mlver ci`: write the pipelines of a forge into the repository."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mlver import paths
from mlver.errors import MlverError, UsageError, refusal_error, shell_command
from mlver.features.releasing.pipelines.emit import PipelineFile, is_edited, render_pipelines
from mlver.features.releasing.pipelines.settings import FORGES, PIPELINES, PipelineSettings
from mlver.project.project import Project
from mlver.project.transaction import editing
from mlver.records import layout
from mlver.system import durable

_PYTHON = "3.12"

PipelineState = Literal["written", "updated", "replaced", "unchanged", "kept"]


@dataclass(frozen=True, slots=True)
class WrittenPipeline:
    """A pipeline file, and what became of it: `replaced` was somebody's edit, `kept` is their own."""

    path: str
    state: PipelineState


@dataclass(frozen=True, slots=True)
class SkippedPipeline:
    """A pipeline that was not made, and the options it needs."""

    pipeline: str
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CiResult:
    """`include` is what a kept file has to name itself."""

    forge: str
    top: str
    files: tuple[WrittenPipeline, ...]
    left_out: tuple[SkippedPipeline, ...]
    include: str | None
    dry_run: bool


def write_pipelines(
    project: Project,
    forge: str,
    settings: PipelineSettings,
    *,
    version: str,
    force: bool = False,
    dry_run: bool = False,
) -> CiResult:
    """Write these pipelines; a file that was edited, or is not mlver's, is refused unless with `force`."""
    wanted = build_pipelines(project, forge, settings, version=version)
    with nullcontext() if dry_run else editing(project, "ci"):
        found = [(file, _find_state(project, file)) for file in wanted]
        edited = [file.path for file, state in found if state == "replaced"]
        if edited and not force:
            raise MlverError(
                f"{', '.join(edited)} {'was' if len(edited) == 1 else 'were'} edited, or never written by mlver",
                hints=(
                    shell_command("mlver", "ci", forge, "--stdout"),
                    shell_command("mlver", "ci", forge, "--force"),
                ),
            )
        if not dry_run:
            _write_files(
                project, [file for file, state in found if state not in ("unchanged", "kept")]
            )
    left_out = (
        ()
        if settings.only
        else tuple(
            SkippedPipeline(one, lacking)
            for one in PIPELINES
            if (lacking := settings.missing_settings(one))
        )
    )
    written = tuple(WrittenPipeline(file.path, state) for file, state in found)
    return CiResult(
        forge,
        str(project.top_folder),
        written,
        left_out,
        _find_missing_include(project, found),
        dry_run,
    )


def build_pipelines(
    project: Project, forge: str, settings: PipelineSettings, *, version: str
) -> tuple[PipelineFile, ...]:
    """The files as they would be written, to install this `version` of mlver where `settings` say nothing else."""
    known = next((one for one in FORGES if one == forge), None)
    if known is None:
        raise UsageError(
            f"there are pipelines for {', '.join(FORGES)}, not for `{forge}`",
            hint="mlver ci github",
        )
    whole = replace(
        settings,
        branch=settings.branch or project.repository.default_branch(),
        python=settings.python or _PYTHON,
        install=settings.install or f"mlver=={version}",
    )
    return tuple(render_pipelines(known, whole, settings.command_line(known)))


def _find_state(project: Project, file: PipelineFile) -> PipelineState:
    there = _read_file(project, file.path)
    if there is None:
        return "written"
    if there == file.text:
        return "unchanged"
    if is_edited(there):
        return "kept" if file.start else "replaced"
    return "updated"


def _read_file(project: Project, path: str) -> str | None:
    where = paths.join_inside(project.top_folder, path)
    try:
        return where.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refusal_error(f"reading {path}", error) from error


def _write_files(project: Project, due: Sequence[PipelineFile]) -> None:
    """All of them are prepared in .mlver/, where the next command sweeps what a crash leaves, and named at last."""
    prepared: list[tuple[Path, Path]] = []
    try:
        for file in due:
            where = paths.join_inside(project.top_folder, file.path)
            durable.make_directory(where.parent)
            prepared.append(
                (
                    durable.write_temporary(
                        paths.join_inside(project.top_folder, layout.ROOT), file.text.encode()
                    ),
                    where,
                )
            )
        durable.replace_group(prepared)
    except OSError as error:
        outcome = "what is written is whole, and the same command writes the rest"
        raise refusal_error("writing pipelines", error, outcome=outcome) from error
    finally:
        for temporary, _ in prepared:
            durable.discard_temporary(temporary)


def _find_missing_include(
    project: Project, found: Sequence[tuple[PipelineFile, PipelineState]]
) -> str | None:
    """What a person's own file lacks of the one that would have been written: the line that names the others."""
    for file, state in found:
        if state == "kept":
            line = file.text.splitlines()[-1].strip()
            return (
                None if line.removeprefix("- ") in (_read_file(project, file.path) or "") else line
            )
    return None
