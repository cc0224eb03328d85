"""`mlver checkout`: put a version's artifacts in place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from mlver.errors import MlverError, printable_name, shell_command
from mlver.project.artifacts import working_files
from mlver.project.artifacts.working_files import CheckoutOutcome
from mlver.project.project import Project
from mlver.project.tags import seals
from mlver.project.transaction import open_edit
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True)
class CheckoutResult:
    model: str
    version: str
    files: CheckoutOutcome
    dry_run: bool


def check_out(
    project: Project,
    ref: str | None,
    *,
    to: str | None = None,
    force: bool = False,
    dry_run: bool = False,
) -> CheckoutResult:
    """Put the files of the version `ref` names in place, below `to` (a folder) or in the work tree.

    Raise MlverError, with every file as it was, when bytes stored nowhere would be lost (unless
    `force`), when an object is missing or damaged, or when a folder was named and the weights are
    stored elsewhere.
    """
    into = None
    if to:
        into = Path(os.path.normpath(project.start / to))
    what = f"checkout {ref or ''}".strip()
    with open_edit(project, what, dry_run=dry_run):
        record, _ = seals.read_vouched_record(project, ref)
        if into is not None:
            _require_weights(record)
        files = working_files.check_out_version(
            project, record, into=into, force=force, dry_run=dry_run
        )
    return CheckoutResult(record.model, record.version, files, dry_run)


def _require_weights(record: VersionRecord) -> None:
    """Raise MlverError without stored weights: a folder that is to be served must not be empty."""
    if not record.weights.stored:
        raise MlverError(
            f"the weights of {record.model} {record.version} are not stored by mlver, so "
            f"{printable_name(record.weights.path)} "
            "cannot be put there; take them from what keeps them (git, git-lfs, DVC), or register"
            " a version without --no-store",
            hint=shell_command("mlver", "show", f"{record.model}@{record.version}"),
        )
