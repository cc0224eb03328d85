"""Artifacts proven: whether every byte that versions pin can be had, here or wherever else it is kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.errors import MlverError, printable_name
from mlver.policy.chain import BrokenLink
from mlver.project.artifacts.elsewhere.find import ExternalCopies, MissingContents
from mlver.project.artifacts.measuring import measure_at, pinned_files
from mlver.project.artifacts.storing import open_store
from mlver.project.project import Project
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet
from mlver.storage.store import StoreProblem


@dataclass(frozen=True, slots=True)
class _ObjectUser:
    """Where an object is used, for saying what its loss means."""

    subject: str
    path: bytes


@dataclass(frozen=True, slots=True)
class DamageReport:
    """Broken links below some versions; `lost` of them keep a version from being had whole, `copies` are unsound."""

    broken: tuple[BrokenLink, ...]
    lost: tuple[BrokenLink, ...]
    copies: frozenset[Digest]


def find_damage(
    project: Project, records: Iterable[VersionRecord], *, everything: bool = False
) -> DamageReport:
    """What is wrong below these records: manifests, objects (each byte read and hashed), weights kept elsewhere.

    With `everything`, the whole object store is read, whatever refers to it.
    """
    checked = list(records)
    broken: list[BrokenLink] = []
    digests = DigestSet.from_raw(_pinned_raws(project, checked, broken.append))
    problems = verify_objects(project, digests, everything=everything)
    affected = {problem.digest for problem in problems if problem.digest in digests}
    users = _find_users(project, checked, {digest for digest in affected if digest})
    order = {digest: number for number, digest in enumerate(users)}
    problems.sort(
        key=lambda problem: order.get(problem.digest, len(order)) if problem.digest else len(order)
    )
    objects = [(problem, _describe_object(users, problem)) for problem in problems]
    lost = [link for problem, link in objects if problem.lost and problem.digest in digests]
    unsound = frozenset(problem.digest for problem in problems if problem.digest and problem.path)
    return DamageReport((*broken, *(link for _, link in objects)), (*broken, *lost), unsound)


def _pinned_raws(
    project: Project, records: Iterable[VersionRecord], report: Callable[[BrokenLink], None]
) -> Iterator[bytes]:
    """The raw digests of all objects that these records need; what is wrong with anything else is reported.

    Who uses which object is rarely asked, and would take ten times the memory.
    """
    for record in records:
        for name, artifact in record.named_artifacts().items():
            subject = f"{record.model} {record.version} {name}"
            try:
                entries = pinned_files(project, artifact)
            except MlverError as error:
                report(BrokenLink("manifest", subject, error.message, error.hint))
                continue
            if artifact.stored:
                yield from (bytes.fromhex(hexadecimal) for _, hexadecimal in entries)
            elif name == "weights":
                for link in _check_unstored(project, subject, artifact, record.code.commit):
                    report(link)


def verify_objects(
    project: Project, digests: Collection[Digest], *, everything: bool = False
) -> list[StoreProblem]:
    """What is wrong with these objects, in their order, and else with `everything`; every byte is read."""
    kept = open_store(project)
    reporter = project.reporter

    def begin_checking(total: int) -> None:
        reporter.begin_work("checking objects", total)

    try:
        found = list(
            kept.verify_objects(
                None if everything else digests,
                progress=reporter.advance_work,
                expect=begin_checking,
            )
        )
    finally:
        reporter.end_work()
    if everything:
        known = {problem.digest for problem in found}
        found += [
            StoreProblem(digest, None, "is missing", lost=True)
            for digest in sorted(kept.find_missing(digests) - known)
        ]
    else:
        found = [problem for problem in found if problem.digest in digests]
    told = {problem.digest for problem in found}
    place = {digest: number for number, digest in enumerate(digests) if digest in told}
    return sorted(
        found,
        key=lambda problem: place.get(problem.digest, len(place)) if problem.digest else len(place),
    )


def quarantine_damage(project: Project, damaged: DamageReport) -> None:
    """Take unsound copies out of service, so that good bytes can be stored again; hold the lock when you call this."""
    kept = open_store(project)
    for digest in damaged.copies:
        for path in kept.quarantine_damaged(digest):
            project.reporter.show_note(f"set a damaged copy of {digest} aside: {path}")


def _find_users(
    project: Project, records: Iterable[VersionRecord], digests: Collection[Digest]
) -> dict[Digest, _ObjectUser]:
    """Where each of these digests is first used."""
    found: dict[Digest, _ObjectUser] = {}
    pinned = (
        (record, name, artifact)
        for record in records
        for name, artifact in record.named_artifacts().items()
    )
    for record, name, artifact in pinned if digests else ():
        if artifact.stored:
            with suppress(MlverError):  # a manifest that cannot be read is named already
                for path, hexadecimal in pinned_files(project, artifact):
                    if (digest := Digest(hexadecimal)) in digests:
                        found.setdefault(
                            digest, _ObjectUser(f"{record.model} {record.version} {name}", path)
                        )
    return found


def _describe_object(users: Mapping[Digest, _ObjectUser], problem: StoreProblem) -> BrokenLink:
    held = users.get(problem.digest) if problem.digest else None
    if held is None:
        subject = str(problem.path) if problem.path else str(problem.digest)
        return BrokenLink("object", subject, problem.message, "mlver doctor --fix")
    file = f"/{os.fsdecode(held.path)}" if held.path else ""
    where = f"{problem.digest}, {problem.path}" if problem.path else str(problem.digest)
    return BrokenLink(
        "object", f"{held.subject}{file}", f"{problem.message} ({where})", "mlver doctor --fix"
    )


def _check_unstored(
    project: Project, subject: str, artifact: Artifact, commit: str | None
) -> list[BrokenLink]:
    """Weights that mlver keeps no copy of: those at hand, or what git, git-lfs or DVC kept of the version's commit."""
    try:
        found = measure_at(project, artifact.path, fresh=True)
        said = "holds other bytes" if found else "is not there"
        message, hint = (
            f"{artifact.path} {said}",
            f"put {artifact.path} back as it was, from wherever it is kept",
        )
    except MlverError as error:  # what is there cannot be hashed
        found, message, hint = None, error.message, error.hint or ""
    if found is not None and found.digest == artifact.digest:
        return []
    if commit is not None:
        try:
            if (
                ExternalCopies(project, proven=True).find_copy(commit, artifact.path).found.digest
                == artifact.digest
            ):
                return []
        except MissingContents as error:
            message, hint = f"{message}, and {error.message}", error.hint or hint
        except MlverError:
            pass  # nobody else keeps it
    return [BrokenLink("working", subject, f"is not stored by mlver, and {message}", hint)]


def require_whole(project: Project, record: VersionRecord, *, repairing: bool = False) -> int:
    """The number of bytes of a version, once each was read and found right.

    Raise MlverError naming what is not. With `repairing`, damaged copies are set aside: hold the lock, then.
    """
    found = find_damage(project, [record])
    if repairing:
        quarantine_damage(project, found)
    if found.lost:
        raise MlverError(
            f"{record.model} {record.version} cannot be had whole:\n{_list_broken(found.lost)}",
            hint=found.lost[0].hint or "mlver verify --all",
        )
    return sum(artifact.size for artifact in record.named_artifacts().values() if artifact.stored)


def _list_broken(broken: Sequence[BrokenLink], most: int = 10) -> str:
    shown = [f"  {printable_name(link.subject)}: {link.message}" for link in broken[:most]]
    return "\n".join(shown + ([f"  and {len(broken) - most} more"] if len(broken) > most else []))
