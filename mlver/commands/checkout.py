"""`mlver checkout`: put a version's artifacts in place."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from mlver.project import materialise, seals
from mlver.project.materialise import Materialised
from mlver.project.project import Project
from mlver.project.transaction import editing


@dataclass(frozen=True, slots=True)
class CheckoutResult:
    model: str
    version: str
    files: Materialised
    dry_run: bool


def checkout(
    project: Project, ref: str | None, *, to: str | None = None, force: bool = False, dry_run: bool = False
) -> CheckoutResult:
    """Materialise the version `ref` names, below `to` (a folder) or in the work tree.

    Raise MlverError, with every file as it was, when bytes stored nowhere would be lost (unless `force`), or when an
    object is missing or damaged.
    """
    into = Path(os.path.normpath(project.start / to)) if to else None
    with nullcontext() if dry_run else editing(project, f"checkout {ref or ''}".strip()):
        record, _ = seals.vouched(project, ref)
        done = materialise.checkout(project, record, into=into, force=force, dry_run=dry_run)
    return CheckoutResult(record.model, record.version, done, dry_run)
