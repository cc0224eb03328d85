"""Proves artifacts: whether every byte that versions pin is still here or kept elsewhere."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from mlver.digest import Digest
from mlver.errors import MlverError, printable_name
from mlver.findings import Finding
from mlver.project.artifacts.elsewhere.find import ExternalCopies, MissingContents
from mlver.project.artifacts.measuring import measure_at, pinned_files
from mlver.project.artifacts.storing import open_store
from mlver.project.project import Project
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet
from mlver.storage.store import StoreProblem

_SHOWN = 10
_REPAIR = ("mlver doctor --fix",)


@dataclass(frozen=True, slots=True)
class ObjectUser:
    """The first artifact that needs an object, its path, and the file's name below that."""

    subject: str
    artifact_path: str
    name: bytes


@dataclass(frozen=True, slots=True)
class DamageReport:
    """Broken links below some versions.

    `lost` are those that keep a version from being had whole; `copies` are unsound.
    """

    broken: tuple[Finding, ...]
    lost: tuple[Finding, ...]
    copies: frozenset[Digest]


@dataclass(frozen=True, slots=True)
class _PinReader:
    """Reads once what records pin, and keeps what is wrong with anything but objects.

    It does not keep which record needs which object: that would take ten times the memory.
    """

    project: Project
    records: Sequence[VersionRecord]
    broken: list[Finding] = field(default_factory=list)

    def read_digests(self) -> Iterator[bytes]:
        """The raw digests of all objects that the records need."""
        for record in self.records:
            for name, artifact in record.named_artifacts().items():
                yield from self._read_artifact(record, name, artifact)

    def _read_artifact(
        self, record: VersionRecord, name: str, artifact: Artifact
    ) -> Iterator[bytes]:
        subject = name_artifact(record, name)
        try:
            entries = pinned_files(self.project, artifact)
        except MlverError as error:
            self.broken.append(Finding("manifest", subject, error.message, error.hints))
            return
        if artifact.stored:
            for _, hexadecimal in entries:
                yield bytes.fromhex(hexadecimal)
        elif name == "weights":
            link = _check_unstored(self.project, subject, artifact, record.code.commit)
            if link is not None:
                self.broken.append(link)


def find_damage(
    project: Project, records: Iterable[VersionRecord], *, everything: bool = False
) -> DamageReport:
    """What is wrong below these records: manifests, objects, and weights that are kept elsewhere.

    Each byte is read and hashed. With `everything`, the whole object store is read, whether or
    not a record needs it.
    """
    reader = _PinReader(project, list(records))
    digests = DigestSet.from_raw(reader.read_digests())
    problems = verify_objects(project, digests, everything=everything)
    affected = {problem.digest for problem in problems if problem.digest in digests}
    users = find_users(project, reader.records, affected)
    links = []
    lost = []
    unsound = set()
    for problem in sort_problems(problems, users):
        link = _describe_object(users, problem)
        links.append(link)
        if problem.lost and problem.digest in digests:
            lost.append(link)
        if problem.digest and problem.path:
            unsound.add(problem.digest)
    return DamageReport((*reader.broken, *links), (*reader.broken, *lost), frozenset(unsound))


def find_unread(project: Project, records: Iterable[VersionRecord]) -> list[Finding]:
    """The data sets that mlver keeps no copy of, and whose bytes are nowhere here to be read."""
    findings: list[Finding] = []
    for record in records:
        for name in record.unkept_data_sets:
            artifact = record.data[name]
            subject = name_artifact(record, name)
            link = _check_unstored(project, subject, artifact, record.code.commit)
            if link is not None:
                findings.append(link)
    return findings


def verify_objects(
    project: Project, digests: Collection[Digest], *, everything: bool = False
) -> list[StoreProblem]:
    """What is wrong with these objects, in their order. Every byte is read.

    With `everything`, what is wrong with the rest of the store comes after that.
    """
    problems = list(_read_problems(project, None if everything else digests))
    reported = {problem.digest for problem in problems}
    if everything:
        for digest in sorted(open_store(project).find_missing(digests) - reported):
            problems.append(StoreProblem(digest, None, "is missing", lost=True))
            reported.add(digest)
    else:
        problems = [problem for problem in problems if problem.digest in digests]
    return sort_problems(problems, filter(reported.__contains__, digests))


def find_lost(project: Project, digests: DigestSet) -> DigestSet:
    """Those of these objects of which no sound copy is left. Every byte is read."""
    return DigestSet.from_raw(_read_lost(project, digests))


def _read_lost(project: Project, digests: DigestSet) -> Iterator[bytes]:
    for problem in _read_problems(project, digests):
        if problem.lost and problem.digest is not None:
            yield bytes.fromhex(problem.digest.hex)


def _read_problems(project: Project, digests: Collection[Digest] | None) -> Iterator[StoreProblem]:
    """What the store finds wrong with these objects, or with all that it holds."""
    reporter = project.reporter

    def begin_checking(total: int) -> None:
        reporter.begin_work("checking objects", total)

    try:
        yield from open_store(project).verify_objects(
            digests, progress=reporter.advance_work, expect=begin_checking
        )
    finally:
        reporter.end_work()


def sort_problems(
    problems: Iterable[StoreProblem], digests: Iterable[Digest]
) -> list[StoreProblem]:
    """In the order of these digests; problems with anything else come last."""
    ranks = {digest: rank for rank, digest in enumerate(digests)}

    def find_rank(problem: StoreProblem) -> int:
        if problem.digest is None:
            return len(ranks)
        return ranks.get(problem.digest, len(ranks))

    return sorted(problems, key=find_rank)


def quarantine_damage(project: Project, damaged: DamageReport) -> None:
    """Take unsound copies out of service, so that good bytes can be stored again.

    Hold the lock when you call it.
    """
    store = open_store(project)
    for digest in damaged.copies:
        for path in store.quarantine_damaged(digest):
            project.reporter.show_note(f"set a damaged copy of {digest} aside: {path}")


def find_users(
    project: Project, records: Iterable[VersionRecord], digests: Collection[Digest | None]
) -> dict[Digest, ObjectUser]:
    """Who uses each of these digests first, in the order of the records."""
    users: dict[Digest, ObjectUser] = {}
    if not digests:
        return users
    for record in records:
        for artifact_name, artifact in record.named_artifacts().items():
            if not artifact.stored:
                continue
            subject = name_artifact(record, artifact_name)
            # a manifest that cannot be read is reported already
            with suppress(MlverError):
                for name, hexadecimal in pinned_files(project, artifact):
                    digest = Digest(hexadecimal)
                    if digest in digests:
                        users.setdefault(digest, ObjectUser(subject, artifact.path, name))
    return users


def name_artifact(record: VersionRecord, name: str) -> str:
    return f"{record.model} {record.version} {name}"


def _describe_object(users: Mapping[Digest, ObjectUser], problem: StoreProblem) -> Finding:
    user = users.get(problem.digest) if problem.digest else None
    if user is None:
        subject = str(problem.path or problem.digest)
        return Finding("object", subject, problem.message, _REPAIR)
    subject = user.subject
    if user.name:
        subject += f"/{os.fsdecode(user.name)}"
    location = str(problem.digest)
    if problem.path:
        location += f", {problem.path}"
    return Finding("object", subject, f"{problem.message} ({location})", _REPAIR)


def _check_unstored(
    project: Project, subject: str, artifact: Artifact, commit: str | None
) -> Finding | None:
    """Weights that mlver keeps no copy of.

    The working files may hold them, or what git, git-lfs or DVC kept of the version's commit.
    """
    hints: tuple[str, ...] = ()
    try:
        measured = measure_at(project, artifact.path, fresh=True, follow=True)
    except MlverError as error:  # the working file cannot be hashed
        message, hints = error.message, error.hints
    else:
        if measured is not None and measured.digest == artifact.digest:
            return None
        state = "holds other bytes" if measured else "is not there"
        message = f"{artifact.path} {state}"
    if commit is not None:
        try:
            copy = ExternalCopies(project, proven=True).find_copy(commit, artifact.path)
        except MissingContents as error:
            message = f"{message}, and {error.message}"
            hints = error.hints or hints
        except MlverError:
            pass  # nobody else keeps it
        else:
            if copy.found.digest == artifact.digest:
                return None
    if not hints:
        message = f"{message}; put it back as it was, from wherever it is kept"
    return Finding("working", subject, f"is not stored by mlver, and {message}", hints)


def require_whole(project: Project, record: VersionRecord, *, repairing: bool = False) -> int:
    """The number of bytes of a version, once each was read and is right.

    Raise MlverError naming what is not. With `repairing`, damaged copies are set aside: hold the
    lock then.
    """
    report = find_damage(project, [record])
    if repairing:
        quarantine_damage(project, report)
    if report.lost:
        raise MlverError(
            f"{record.model} {record.version} cannot be had whole:\n{_list_broken(report.lost)}",
            hints=report.lost[0].hints or ("mlver verify --all",),
            findings=report.lost,
        )
    size = 0
    for name, artifact in record.named_artifacts().items():
        # Weights that others keep were read there; data sets that others keep were not.
        if artifact.stored or name == "weights":
            size += artifact.size
    return size


def _list_broken(broken: Sequence[Finding]) -> str:
    lines = []
    for link in broken[:_SHOWN]:
        lines.append(f"  {printable_name(link.subject)}: {link.message}")
    if len(broken) > _SHOWN:
        lines.append(f"  and {len(broken) - _SHOWN} more")
    return "\n".join(lines)
