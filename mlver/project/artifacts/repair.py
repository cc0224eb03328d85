"""Finds objects that are missing or damaged, and restores them from working files.

A damaged copy is set aside; it is never deleted and never served. Bytes that are stored again are
hashed on the way in.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError, printable_name
from mlver.project.artifacts import damage, measuring, storing
from mlver.project.artifacts.file_plan import join_name
from mlver.project.project import Project
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True)
class Loss:
    """An object that cannot be read.

    `path` is where the version that needs it had the file, relative to the top.
    """

    digest: Digest
    subject: str
    path: str
    message: str


def find_losses(project: Project) -> list[Loss]:
    """Every object some version pins that is missing or damaged; reads and hashes all of them."""
    needed: dict[Digest, tuple[str, str]] = {}
    for model in project.registry.list_models():
        for number in project.registry.list_versions(model):
            # a record or manifest that cannot be read is for `verify` to name
            with suppress(MlverError):
                record, _ = project.registry.read_version(model, number)
                for digest, subject, path in _list_needs(project, record):
                    needed.setdefault(digest, (subject, path))
    losses = []
    for problem in damage.verify_objects(project, needed):
        if problem.digest:
            subject, path = needed[problem.digest]
            message = f"{printable_name(path)} {problem.what}"
            losses.append(Loss(problem.digest, subject, path, message))
    return losses


def _list_needs(project: Project, record: VersionRecord) -> Iterator[tuple[Digest, str, str]]:
    """Each object a version needs: its digest, the artifact, and the path of the file."""
    for name, artifact in record.named_artifacts().items():
        if not artifact.stored:
            continue
        subject = f"{record.model} {record.version} {name}"
        for file_name, hexadecimal in measuring.pinned_files(project, artifact):
            yield Digest(hexadecimal), subject, join_name(artifact.path, file_name)


def is_at_hand(project: Project, loss: Loss) -> bool:
    """Whether the working file still holds the bytes."""
    return _find_working_copy(project, loss) is not None


def restore_objects(project: Project, losses: Sequence[Loss]) -> None:
    """Set damaged copies aside, and store the bytes that working files still hold.

    Hold the lock when you call it.
    """
    store = storing.open_store(project)
    for loss in losses:
        store.quarantine_damaged(loss.digest)
    with store.open_deposit() as deposit:
        for loss in losses:
            location = _find_working_copy(project, loss)
            if location is None:
                continue
            with location.open("rb") as source:
                deposit.put_object(source)


def count_quarantined(project: Project) -> int:
    """How many copies were set aside."""
    try:
        return len(os.listdir(project.state_directory / "quarantine"))
    except FileNotFoundError:
        return 0


def _find_working_copy(project: Project, loss: Loss) -> Path | None:
    try:
        location = paths.join_inside(project.top_folder, loss.path, link_last=True)
        if location.is_file() and measuring.measure_path(location).digest == loss.digest:
            return location
    except (MlverError, OSError):  # a file that cannot be read holds nothing for us
        return None
    return None
