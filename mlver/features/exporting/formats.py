"""What a format of `mlver export` is. `mlver.features.exporting.export` lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

from mlver.project.project import Project
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord


class PlannedExport(NamedTuple):
    """What is to be written where: `data` are the record's bytes, as its seal names them.

    `what` is the command as it was typed, and `target` a new or an empty folder. The lock is held
    unless it is a `dry_run`.
    """

    project: Project
    what: str
    record: VersionRecord
    data: bytes
    target: Path
    only: tuple[str, ...]
    dry_run: bool

    @property
    def artifacts(self) -> Mapping[str, Artifact]:
        """The artifacts that are written: those asked for whose bytes are here."""
        chosen = self.record.select_artifacts(self.only)
        return {name: artifact for name, artifact in chosen.items() if artifact.is_plain}


class Exported(NamedTuple):
    """How many files of artifacts were written, and their size in bytes; None on a dry run."""

    files: int
    size: int | None


# Writes all of it durably, or nothing; raises MlverError.
ExportFormat: TypeAlias = Callable[[PlannedExport], Exported]
