"""Objects that are missing or damaged, and getting them back from working files that still hold their bytes.

A damaged copy is set aside, never deleted and never served; what is stored anew is hashed on the way in.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError, printable_name
from mlver.project.artifacts import damage, measuring, storing
from mlver.project.project import Project


@dataclass(frozen=True, slots=True)
class Loss:
    """An object that cannot be read. `path` is where the version that needs it had the file, relative to the top."""

    digest: Digest
    subject: str
    path: str
    message: str


def find_losses(project: Project) -> list[Loss]:
    """Every object some version pins that is missing or damaged; reads and hashes all of them."""
    needed: dict[Digest, tuple[str, str]] = {}
    for model in project.registry.list_models():
        for number in project.registry.list_versions(model):
            with suppress(
                MlverError
            ):  # a record or manifest that cannot be read is for `verify` to name
                record, _ = project.registry.read_version(model, number)
                for name, artifact in record.named_artifacts().items():
                    if artifact.stored:
                        for file, hexadecimal in measuring.pinned_files(project, artifact):
                            path = f"{artifact.path}/{os.fsdecode(file)}" if file else artifact.path
                            needed.setdefault(
                                Digest(hexadecimal), (f"{model} {number} {name}", path)
                            )
    return [
        Loss(
            problem.digest,
            *needed[problem.digest],
            f"{printable_name(needed[problem.digest][1])} {problem.message}",
        )
        for problem in damage.verify_objects(project, needed)
        if problem.digest
    ]


def is_at_hand(project: Project, loss: Loss) -> bool:
    """Whether the working file still holds the bytes."""
    return _find_working_copy(project, loss) is not None


def restore_objects(project: Project, losses: Sequence[Loss]) -> None:
    """Set damaged copies aside and store anew what working files still hold; hold the lock when you call this."""
    kept = storing.open_store(project)
    for loss in losses:
        kept.quarantine_damaged(loss.digest)
    with kept.open_deposit() as deposit:
        for loss in losses:
            where = _find_working_copy(project, loss)
            if where is not None:
                with where.open("rb") as source:
                    deposit.put_object(source)


def count_quarantined(project: Project) -> int:
    """How many copies were set aside."""
    try:
        return len(os.listdir(project.state_directory / "quarantine"))
    except FileNotFoundError:
        return 0


def _find_working_copy(project: Project, loss: Loss) -> Path | None:
    try:
        where = paths.join_inside(project.top_folder, loss.path, link_last=True)
        if where.is_file() and measuring.measure_path(where).digest == loss.digest:
            return where
    except (MlverError, OSError):
        return None
    return None
