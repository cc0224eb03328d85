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
from mlver.findings import Finding
from mlver.project.artifacts import damage, measuring, storing
from mlver.project.artifacts.file_list import join_name
from mlver.project.project import Project
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet
from mlver.storage.store import suggest_copying
from mlver.system.regular import reading_regular

# It stores what a working file still holds, and sets damaged copies aside in any case.
RESTORE = "mlver doctor --fix"


@dataclass(frozen=True, slots=True)
class LostObject:
    """An object that cannot be read.

    `path` is where the version that needs it had the file, relative to the top.
    """

    digest: Digest
    path: str
    finding: Finding


def find_losses(project: Project) -> list[LostObject]:
    """Every object some version pins that is missing or damaged; reads and hashes all of them."""
    records = _read_records(project)
    digests = DigestSet.from_raw(_read_digests(project, records))
    problems = damage.verify_objects(project, digests)
    # Asked of what is damaged only: kept for every object, it would take ten times the memory.
    users = damage.find_users(project, records, {problem.digest for problem in problems})
    losses = []
    for problem in damage.sort_problems(problems, users):
        if problem.digest is None:
            continue
        user = users[problem.digest]
        path = join_name(user.artifact_path, user.name)
        hints: tuple[str, ...] = (RESTORE,)
        if _find_working_copy(project, path, problem.digest) is None:
            hints = _suggest_copying(project, problem.digest, is_aside=problem.path is None)
        message = f"{printable_name(path)} {problem.message}"
        finding = Finding("object", user.subject, message, hints)
        losses.append(LostObject(problem.digest, path, finding))
    return losses


def _suggest_copying(project: Project, digest: Digest, *, is_aside: bool) -> tuple[str, ...]:
    """The commands that bring an object from a clone, to be typed in this order."""
    packs = storing.open_store(project).find_packs(digest)
    hints: tuple[str, ...] = ()
    if not is_aside:
        # What stands in its place would keep a good copy away.
        hints += (RESTORE,)
    hints += suggest_copying(project.state_directory, packs)
    return hints


def _read_records(project: Project) -> list[VersionRecord]:
    """The record of every version; one that cannot be read is for `verify` to name."""
    records: list[VersionRecord] = []
    for model in project.registry.list_models():
        for number in project.registry.list_versions(model):
            with suppress(MlverError):
                record, _ = project.registry.read_version(model, number)
                records.append(record)
    return records


def _read_digests(project: Project, records: Sequence[VersionRecord]) -> Iterator[bytes]:
    """The raw digest of each object that the versions need."""
    for record in records:
        for artifact in record.named_artifacts().values():
            if not artifact.stored:
                continue
            # a manifest that cannot be read is for `verify` to name, too
            with suppress(MlverError):
                for _, hexadecimal in measuring.pinned_files(project, artifact):
                    yield bytes.fromhex(hexadecimal)


def restore_objects(project: Project, losses: Sequence[LostObject]) -> None:
    """Set damaged copies aside, and store the bytes that working files still hold.

    Hold the lock when you call it.
    """
    store = storing.open_store(project)
    for loss in losses:
        store.quarantine_damaged(loss.digest)
    with store.open_deposit() as deposit:
        for loss in losses:
            location = _find_working_copy(project, loss.path, loss.digest)
            if location is None:
                continue
            with reading_regular(location, follow=True) as source:
                deposit.put_object(source)


def count_quarantined(project: Project) -> int:
    """How many copies were set aside."""
    try:
        names = os.listdir(project.state_directory / "quarantine")
    except FileNotFoundError:
        return 0
    # plans that were set aside stand there, too
    copies = [name for name in names if not name.startswith("intent-")]
    return len(copies)


def _find_working_copy(project: Project, path: str, digest: Digest) -> Path | None:
    """The working file at `path`, where it still holds the bytes."""
    try:
        location = paths.join_inside(project.top_folder, path, link_last=True)
        if location.is_file() and measuring.measure_path(location).digest == digest:
            return location
    except (MlverError, OSError):  # a file that cannot be read holds nothing for us
        return None
    return None
