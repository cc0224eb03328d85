"""`mlver export`: a version as plain files, for machines that have neither mlver nor git."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.features.exporting.directory import write_directory
from mlver.features.exporting.environment import write_environment
from mlver.features.exporting.formats import Exported, ExportFormat, PlannedExport
from mlver.project.artifacts import unstored
from mlver.project.artifacts.bringing import naming_remotes
from mlver.project.project import Project
from mlver.project.remote.fetching import FetchedAhead, fetch_versions
from mlver.project.remote.fetching_ahead import fetch_ahead
from mlver.project.remote.needed import list_needed
from mlver.project.tags import trust
from mlver.project.transaction import writing_files
from mlver.records import layout
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet

DEFAULT = "directory"
_ENVIRONMENT = "environment"
FORMATS: Mapping[str, ExportFormat] = {DEFAULT: write_directory, _ENVIRONMENT: write_environment}
# They write what a record says, and need no bytes of its artifacts.
_WITHOUT_ARTIFACTS = frozenset((_ENVIRONMENT,))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """`only` names the artifacts that are exported, all of them if it is empty."""

    format: str = DEFAULT
    only: tuple[str, ...] = ()
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportResult:
    """`files` and `size` (in bytes, None on a dry run) are those of the artifacts.

    `skipped` are artifacts that nobody keeps, and `record` is the digest that the seal names.
    """

    model: str
    version: str
    format: str
    path: str
    artifacts: tuple[str, ...]
    skipped: tuple[str, ...]
    files: int
    size: int | None
    record: str
    dry_run: bool


def export_version(
    project: Project, ref: str | None, folder: str, options: ExportOptions
) -> ExportResult:
    """Write the version that `ref` names into a new or empty folder: all of it, or nothing.

    Raise UsageError for a format or an artifact that there is not, MlverError where the folder is
    not empty, or where an object is missing or damaged.
    """
    write_format = _find_format(options.format)
    target = Path(os.path.normpath(project.start / folder))
    _refuse_reserved(project, target)
    what = f"export {ref or ''}".strip()
    writing: AbstractContextManager[object] = nullcontext()
    ahead = FetchedAhead()
    if not options.dry_run:
        ahead = fetch_ahead(project, what, partial(_find_needed, ref, target, options))
        writing = writing_files(project, what)
    with writing:
        # What was interrupted is settled by now.
        _require_free(target)
        record, digest = trust.read_vouched_record(project, ref)
        trust.show_retirement(project, record)
        _require_artifacts(record, options)
        data = project.registry.read_file(layout.version_path(record.model, record.version))
        assert data is not None
        planned = PlannedExport(project, what, record, data, target, options.only, options.dry_run)
        if options.format in _WITHOUT_ARTIFACTS:
            written = _Written(write_format(planned))
        else:
            written = _write_artifacts(planned, write_format, ahead)
        return _build_result(planned, digest, options, written)


def _find_needed(
    ref: str | None, target: Path, options: ExportOptions, project: Project
) -> DigestSet:
    _require_free(target)
    record, _ = trust.read_vouched_record(project, ref)
    _require_artifacts(record, options)
    if options.format in _WITHOUT_ARTIFACTS:
        return DigestSet.from_raw(())
    return list_needed(project, [record], options.only)


class _Written(NamedTuple):
    """What was written, and the artifacts that nobody here keeps."""

    exported: Exported
    artifacts: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


def _write_artifacts(
    planned: PlannedExport, write_format: ExportFormat, ahead: FetchedAhead
) -> _Written:
    """Bring the bytes of the artifacts here, and write them."""
    project, record = planned.project, planned.record
    if not planned.dry_run:
        fetch_versions(project, [record], planned.only, ahead=ahead)
    brought = unstored.bring_artifacts(
        project, record, only=planned.only, in_place=False, dry_run=planned.dry_run
    )
    # A dry run brings nothing, so it looks for what mlver stores itself.
    if not planned.dry_run:
        planned = planned._replace(record=brought.record)
    if brought.missing and not planned.artifacts:
        raise next(iter(brought.missing.values()))
    with naming_remotes(project, f"{record.model}@{record.version}"):
        exported = write_format(planned)
    return _Written(exported, tuple(planned.artifacts), tuple(brought.missing))


def _build_result(
    planned: PlannedExport, digest: Digest, options: ExportOptions, written: _Written
) -> ExportResult:
    return ExportResult(
        model=planned.record.model,
        version=planned.record.version,
        format=options.format,
        path=os.fspath(planned.target),
        artifacts=written.artifacts,
        skipped=written.skipped,
        files=written.exported.files,
        size=written.exported.size,
        record=str(digest),
        dry_run=options.dry_run,
    )


def _find_format(name: str) -> ExportFormat:
    if name not in FORMATS:
        raise UsageError(
            f"there is no format `{printable_name(name)}`; there are {', '.join(FORMATS)}",
            hint="mlver export --help",
        )
    return FORMATS[name]


def _refuse_reserved(project: Project, target: Path) -> None:
    owned = (project.top_folder / layout.ROOT, project.repository.common_dir)
    if target == project.top_folder or paths.is_reserved(target, *owned):
        raise UsageError(f"{target} belongs to git, mlver or your work; name a folder of your own")


def _require_free(target: Path) -> None:
    """Raise MlverError where something is there already."""
    if not os.path.lexists(target):
        return
    is_folder = target.is_dir() and not target.is_symlink()
    if not is_folder or any(target.iterdir()):
        raise MlverError(
            f"{target} is there already, and export only writes into a new or an empty folder",
            hint=shell_command("ls", "-la", "--", target),
        )


def _require_artifacts(record: VersionRecord, options: ExportOptions) -> None:
    if options.only and options.format in _WITHOUT_ARTIFACTS:
        raise UsageError(f"--only names artifacts, and --as {options.format} writes none")
    artifacts = record.named_artifacts()
    for name in options.only:
        if name not in artifacts:
            raise UsageError(
                f"{record.model} {record.version} has no artifact called {printable_name(name)};"
                f" --only takes {', '.join(artifacts)}",
                hint=shell_command("mlver", "show", f"{record.model}@{record.version}"),
            )
