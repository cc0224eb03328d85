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
from mlver.features.releasing.pipelines.settings import FORGES, PIPELINES, Forge, PipelineSettings
from mlver.git.main_branch import find_main_branch
from mlver.project.project import Project
from mlver.project.remote.configured import list_remotes
from mlver.project.remote.places import find_trust_place
from mlver.project.transaction import writing_files
from mlver.records import layout
from mlver.storage.remote.open import BACK_ENDS, parse_address
from mlver.system import durable
from mlver.system.regular import read_regular

_PYTHON = "3.12"

PipelineState = Literal["written", "updated", "replaced", "unchanged", "kept"]


@dataclass(frozen=True, slots=True)
class WrittenPipeline:
    """A pipeline file, and what became of it.

    `replaced` was edited by somebody, `kept` is a person's own file.
    """

    path: str
    state: PipelineState


@dataclass(frozen=True, slots=True)
class SkippedPipeline:
    """A pipeline that was not made, and the options it needs."""

    pipeline: str
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CiResult:
    """`include` is the line that a kept file has to hold, and lacks."""

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
    """Write these pipelines.

    A file that was edited, or that mlver did not write, is refused unless with `force`.
    """
    pipeline_files = build_pipelines(project, forge, settings, version=version)
    complete = _add_remotes(project, settings)
    with nullcontext() if dry_run else writing_files(project, "ci"):
        # Under the lock, so that no other mlver changes a file between the look and the write.
        compared = [(file, _find_state(project, file)) for file in pipeline_files]
        if not force:
            _require_unedited(forge, compared)
        if not dry_run:
            _write_files(project, _select_due_files(compared))
    return CiResult(
        forge=forge,
        top=str(project.top_folder),
        files=tuple(WrittenPipeline(file.path, state) for file, state in compared),
        left_out=_list_skipped(complete),
        include=_find_missing_include(project, compared),
        dry_run=dry_run,
    )


def build_pipelines(
    project: Project, forge: str, settings: PipelineSettings, *, version: str
) -> tuple[PipelineFile, ...]:
    """The files as they would be written.

    They install this `version` of mlver where `settings` name nothing else.
    """
    known_forge = _find_forge(forge)
    branch_name = settings.branch or find_main_branch(project.repository).name
    complete_settings = replace(
        _add_remotes(project, settings),
        branch=branch_name,
        python=settings.python or _PYTHON,
        install=settings.install or f"mlver{_name_extras(project)}=={version}",
    )
    return tuple(
        render_pipelines(known_forge, complete_settings, settings.command_line(known_forge))
    )


def _add_remotes(project: Project, settings: PipelineSettings) -> PipelineSettings:
    """Let jobs use the remotes of the repository, as it names them now."""
    places: list[str] = []
    for remote in list_remotes(project):
        places.append(find_trust_place(project, remote).text)
    return settings.with_remotes(places) if places else settings


def _name_extras(project: Project) -> str:
    """What pip has to bring for the remotes of the repository, such as `[s3]`."""
    extras: set[str] = set()
    for remote in list_remotes(project):
        scheme = parse_address(remote.settings.url, {}).scheme
        back_end = BACK_ENDS.get(scheme)
        if back_end is not None and back_end.extra is not None:
            extras.add(back_end.extra)
    return f"[{','.join(sorted(extras))}]" if extras else ""


def _select_due_files(
    compared: Sequence[tuple[PipelineFile, PipelineState]],
) -> list[PipelineFile]:
    due: list[PipelineFile] = []
    for file, state in compared:
        if state not in ("unchanged", "kept"):
            due.append(file)
    return due


def _find_forge(name: str) -> Forge:
    for forge in FORGES:
        if forge == name:
            return forge
    raise UsageError(
        f"there are pipelines for {', '.join(FORGES)}, not for `{name}`", hint="mlver ci github"
    )


def _find_state(project: Project, file: PipelineFile) -> PipelineState:
    existing_text = _read_file(project, file.path)
    if existing_text is None:
        return "written"
    if existing_text == file.text:
        return "unchanged"
    if not is_edited(existing_text):
        return "updated"
    return "kept" if file.start else "replaced"


def _require_unedited(forge: str, compared: Sequence[tuple[PipelineFile, PipelineState]]) -> None:
    edited = [file.path for file, state in compared if state == "replaced"]
    if not edited:
        return
    were = "was" if len(edited) == 1 else "were"
    raise MlverError(
        f"{', '.join(edited)} {were} edited, or never written by mlver",
        hints=(
            shell_command("mlver", "ci", forge, "--stdout"),
            shell_command("mlver", "ci", forge, "--force"),
        ),
    )


def _read_file(project: Project, path: str) -> str | None:
    full_path = paths.join_inside(project.top_folder, path)
    try:
        return read_regular(full_path).decode(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refusal_error(f"reading {path}", error) from error


def _write_files(project: Project, due: Sequence[PipelineFile]) -> None:
    """Prepare all files in .mlver/, then give them their names.

    What a crash leaves in .mlver/, the next command removes.
    """
    folder = paths.join_inside(project.top_folder, layout.ROOT)
    prepared: list[tuple[Path, Path]] = []
    try:
        for pipeline_file in due:
            target = paths.join_inside(project.top_folder, pipeline_file.path)
            durable.make_directory(target.parent)
            temporary = durable.write_temporary(folder, pipeline_file.text.encode())
            prepared.append((temporary, target))
        durable.replace_group(prepared)
    except OSError as error:
        outcome = "what is written is whole, and the same command writes the rest"
        raise refusal_error("writing pipelines", error, outcome=outcome) from error
    finally:
        for temporary, _ in prepared:
            durable.discard_temporary(temporary)


def _list_skipped(settings: PipelineSettings) -> tuple[SkippedPipeline, ...]:
    # Somebody who lists pipelines knows which ones they left out.
    if settings.only:
        return ()
    skipped: list[SkippedPipeline] = []
    for pipeline in PIPELINES:
        missing = settings.missing_settings(pipeline)
        if missing:
            skipped.append(SkippedPipeline(pipeline, missing))
    return tuple(skipped)


def _find_missing_include(
    project: Project, compared: Sequence[tuple[PipelineFile, PipelineState]]
) -> str | None:
    """The line that names the other files, where a person's own file lacks it."""
    for pipeline_file, file_state in compared:
        if file_state != "kept":
            continue
        include_line = pipeline_file.text.splitlines()[-1].strip()
        own_text = _read_file(project, pipeline_file.path) or ""
        return None if include_line.removeprefix("- ") in own_text else include_line
    return None
