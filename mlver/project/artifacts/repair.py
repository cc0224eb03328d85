"""Finds objects that are missing or damaged, and restores them from working files.

A damaged copy is set aside; it is never deleted and never served. Bytes that are stored again are
hashed on the way in.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.errors import MlverError, printable_name
from mlver.findings import Finding
from mlver.project.artifacts import damage, measuring
from mlver.project.artifacts.bringing import has_remotes
from mlver.project.artifacts.empty_store import has_empty_store
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.remedies import RESTORE, LossRemedies, describe_absence
from mlver.project.project import Project
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet
from mlver.system.regular import reading_regular


@dataclass(frozen=True, slots=True)
class LostObject:
    """An object that cannot be read.

    `path` is where the version that needs it had the file, relative to the top.
    """

    digest: Digest
    path: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class LossSearch:
    """The objects that cannot be read.

    `absence` says how many others were never brought here, if some were not: a clone brings records
    and no objects. No working file holds any of them.
    """

    losses: tuple[LostObject, ...]
    absence: Finding | None


def find_losses(project: Project) -> LossSearch:
    """Every object some version pins that is missing or damaged; reads and hashes all of them."""
    records = _read_records(project)
    digests = DigestSet.from_raw(_read_digests(project, records))
    problems = damage.verify_objects(project, digests)
    # Asked of what is damaged only: kept for every object, it would take ten times the memory.
    users = damage.find_users(project, records, {problem.digest for problem in problems})
    remedies = LossRemedies.open_for(project)
    losses = []
    for problem in damage.sort_problems(problems, users):
        if problem.digest is None:
            continue
        user = users[problem.digest]
        path = join_name(user.artifact_path, user.name)
        hints = remedies.suggest_recovery(path, problem, user.ref)
        message = f"{printable_name(path)} {problem.message}"
        finding = Finding("object", user.subject, message, hints)
        losses.append(LostObject(problem.digest, path, finding))
    findings = [loss.finding for loss in losses]
    absence = None
    if has_remotes(project):
        absent = [loss for loss in losses if _is_elsewhere(loss.finding)]
        if absent:
            absence = describe_absence(len(digests), [loss.finding for loss in absent])
        losses = [loss for loss in losses if loss not in absent]
    elif len(losses) == len(digests) > 0 and has_empty_store(project):
        absence = describe_absence(len(losses), findings)
        if absence.hints == (RESTORE,):
            absence = None
        else:
            losses = []
    return LossSearch(tuple(losses), absence)


def _is_elsewhere(finding: Finding) -> bool:
    """Whether only a remote may have an object, of which nothing is here."""
    return len(finding.hints) == 1 and finding.hints != (RESTORE,)


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
                for _, hexadecimal in measuring.stored_files(project, artifact):
                    yield bytes.fromhex(hexadecimal)


def restore_objects(project: Project, losses: Sequence[LostObject]) -> None:
    """Set damaged copies aside, and store the bytes that working files still hold.

    Hold the lock when you call it.
    """
    remedies = LossRemedies.open_for(project)
    store = remedies.store
    for loss in losses:
        store.quarantine_damaged(loss.digest)
    with store.open_deposit() as deposit:
        for loss in losses:
            location = remedies.find_working_copy(loss.path, loss.digest)
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
