"""Proves artifacts: whether every byte that versions pin is still here or kept elsewhere."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from mlver.digest import Digest
from mlver.errors import MlverError, summarise_error, summarise_names
from mlver.findings import Finding
from mlver.project.artifacts.bringing import has_remotes
from mlver.project.artifacts.elsewhere.find import ExternalCopies
from mlver.project.artifacts.elsewhere.holding import UnstoredArtifact, judge_unstored
from mlver.project.artifacts.empty_store import has_empty_store
from mlver.project.artifacts.encrypted_damage import judge_encrypted
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.listed import find_listing_faults
from mlver.project.artifacts.measuring import stored_files
from mlver.project.artifacts.remedies import RESTORE, LossRemedies, describe_absence
from mlver.project.artifacts.storing import open_store
from mlver.project.project import Project
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet
from mlver.storage.store import StoreProblem

_SHOWN = 10
_REPAIR: tuple[str, ...] = (RESTORE,)
_NO_DIGESTS = DigestSet.from_raw(())


@dataclass(frozen=True, slots=True)
class ObjectUser:
    """The first artifact that needs an object, its path, and the file's name below that.

    `ref` names its version.
    """

    ref: str
    subject: str
    artifact_path: str
    name: bytes


@dataclass(frozen=True, slots=True)
class DamageReport:
    """What is wrong below some versions.

    `broken` is damage. `notes` are bytes that were never brought into this clone, or that only the
    work tree has. `lost` keeps a version from being had whole, be it damage or not. `copies` are
    unsound. `unstored` are artifacts that mlver keeps no copy of. `absence` says how many of the
    objects were never brought here, if some were not: these are `absent`.
    """

    broken: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    lost: tuple[Finding, ...]
    copies: frozenset[Digest]
    unstored: tuple[UnstoredArtifact, ...]
    absence: Finding | None
    absent: frozenset[Digest] = frozenset()

    def list_unkept(self) -> list[Finding]:
        """Artifacts that neither mlver nor git, git-lfs or DVC keeps here."""
        held = ("kept", "remote")
        return [artifact.finding for artifact in self.unstored if artifact.state not in held]

    def list_unread(self) -> list[Finding]:
        """Objects that were never brought here, and other artifacts that could not be read."""
        unread = [artifact.finding for artifact in self.unstored if not artifact.was_read]
        if self.absence is not None:
            unread.insert(0, self.absence)
        return unread


@dataclass(frozen=True, slots=True)
class _PinReader:
    """Reads once what records pin, and keeps what is wrong with anything but objects.

    It does not keep which record needs which object: that would take ten times the memory.
    """

    project: Project
    records: Sequence[VersionRecord]
    copies: ExternalCopies
    left_out: DigestSet
    broken: list[Finding] = field(default_factory=list)
    unstored: list[UnstoredArtifact] = field(default_factory=list)

    def read_digests(self) -> Iterator[bytes]:
        """The raw digests of all objects that the records need, without those left out."""
        for record in self.records:
            for name, artifact in record.named_artifacts().items():
                yield from self._read_artifact(record, name, artifact)

    def _read_artifact(
        self, record: VersionRecord, name: str, artifact: Artifact
    ) -> Iterator[bytes]:
        subject = name_artifact(record, name)
        if artifact.listing is not None:
            self.broken.extend(find_listing_faults(self.project, subject, artifact))
        try:
            entries = stored_files(self.project, artifact)
        except MlverError as error:
            message = summarise_error(error, subject)
            self.broken.append(Finding("manifest", subject, message, error.hints))
            return
        if artifact.stored:
            for _, hexadecimal in entries:
                raw_digest = bytes.fromhex(hexadecimal)
                if self.left_out.find_rank(raw_digest) is None:
                    yield raw_digest
            return
        unstored = judge_unstored(self.copies, record, name, artifact)
        self.unstored.append(unstored)


def find_damage(
    project: Project,
    records: Iterable[VersionRecord],
    *,
    everything: bool = False,
    left_out: DigestSet = _NO_DIGESTS,
) -> DamageReport:
    """What is wrong below these records: manifests, objects, and artifacts kept elsewhere.

    Each byte is read and hashed. With `everything`, the whole object store is read, whether or
    not a record needs it. Objects `left_out` are proven by who asks.
    """
    copies = ExternalCopies(project, proven=True)
    reader = _PinReader(project, list(records), copies, left_out)
    digests = DigestSet.from_raw(reader.read_digests())
    problems = verify_objects(project, digests, everything=everything)
    affected = {problem.digest for problem in problems if problem.digest in digests}
    users = find_users(project, reader.records, affected)
    damaged = _sort_objects(project, digests, users, sort_problems(problems, users))
    faults, remarks, unread = _sort_unstored(reader.unstored)
    encryption = judge_encrypted(project, reader.records, affected)
    reader.broken.extend(encryption.altered)
    remarks.extend(encryption.unproven)
    absence = None
    links = [*damaged.needed, *damaged.unneeded]
    # A clone brings records and no objects: where none is here, nothing was lost here either. Where
    # a remote keeps them, a clone has those that somebody asked for.
    if damaged.missing and (_is_new_clone(project, damaged, digests) or has_remotes(project)):
        absence = describe_absence(len(digests), damaged.absent)
        remarks.insert(0, absence)
        links = [link for link in links if link not in damaged.absent]
    return DamageReport(
        broken=(*reader.broken, *faults, *links),
        notes=tuple(remarks),
        lost=(*reader.broken, *unread, *damaged.lost),
        copies=damaged.unsound,
        unstored=tuple(reader.unstored),
        absence=absence,
        absent=frozenset() if absence is None else damaged.missing,
    )


@dataclass(frozen=True, slots=True)
class _DamagedObjects:
    """What is wrong with objects: those that records need, of them those `lost`, and others.

    `unsound` are copies that are here. `missing` are the needed ones of which there is none, and
    `absent` what is said of them.
    """

    needed: list[Finding]
    lost: list[Finding]
    unneeded: list[Finding]
    absent: list[Finding]
    unsound: frozenset[Digest]
    missing: frozenset[Digest]


def _is_new_clone(project: Project, damaged: _DamagedObjects, digests: DigestSet) -> bool:
    """Whether none of the objects was ever here."""
    return len(damaged.missing) == len(digests) and has_empty_store(project)


def _sort_objects(
    project: Project,
    digests: DigestSet,
    users: Mapping[Digest, ObjectUser],
    problems: Sequence[StoreProblem],
) -> _DamagedObjects:
    remedies = LossRemedies.open_for(project)
    needed: list[Finding] = []
    lost: list[Finding] = []
    unneeded: list[Finding] = []
    absent: list[Finding] = []
    missing: set[Digest] = set()
    for problem in problems:
        link = _describe_object(remedies, users, problem)
        if problem.digest not in digests:
            unneeded.append(link)
            continue
        needed.append(link)
        if problem.lost:
            lost.append(link)
            if problem.path is None and problem.digest is not None:
                missing.add(problem.digest)
                absent.append(link)
    copies = frozenset(problem.digest for problem in problems if problem.digest and problem.path)
    return _DamagedObjects(needed, lost, unneeded, absent, copies, frozenset(missing))


def _sort_unstored(
    artifacts: Iterable[UnstoredArtifact],
) -> tuple[list[Finding], list[Finding], list[Finding]]:
    """What is damage, what is worth knowing, and what keeps weights from being read here."""
    faults: list[Finding] = []
    remarks: list[Finding] = []
    unread: list[Finding] = []
    for artifact in artifacts:
        is_weights = artifact.name == "weights"
        if artifact.state in ("absent", "working", "remote"):
            remarks.append(artifact.finding)
        # Data sets that nobody keeps here may be kept where mlver cannot look.
        elif artifact.state == "damaged" or (artifact.state == "lost" and is_weights):
            faults.append(artifact.finding)
        if is_weights and not artifact.was_read:
            unread.append(artifact.finding)
    return faults, remarks, unread


def verify_objects(
    project: Project, digests: Collection[Digest], *, everything: bool = False
) -> list[StoreProblem]:
    """What is wrong with these objects, in their order. Every byte is read.

    With `everything`, what is wrong with the rest of the store comes after that.
    """
    problems = list(_read_problems(project, None if everything else digests))
    reported = {problem.digest for problem in problems}
    if everything:
        # What nothing in service has may lie in the trash, which is read for that alone.
        absent = open_store(project).select_missing(DigestSet.from_digests(digests))
        for problem in _read_problems(project, absent) if absent else ():
            if problem.digest in absent and problem.digest not in reported:
                problems.append(problem)
        reported = {problem.digest for problem in problems}
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
            ref = f"{record.model}@{record.version}"
            # a manifest that cannot be read is reported already
            with suppress(MlverError):
                for name, hexadecimal in stored_files(project, artifact):
                    digest = Digest(hexadecimal)
                    if digest in digests:
                        user = ObjectUser(ref, subject, artifact.path, name)
                        users.setdefault(digest, user)
    return users


def name_artifact(record: VersionRecord, name: str) -> str:
    return f"{record.model} {record.version} {name}"


def _describe_object(
    remedies: LossRemedies, users: Mapping[Digest, ObjectUser], problem: StoreProblem
) -> Finding:
    user = users.get(problem.digest) if problem.digest else None
    if user is None or problem.digest is None:
        subject = str(problem.path or problem.digest)
        return Finding("object", subject, problem.message, _REPAIR)
    subject = user.subject
    if user.name:
        subject += f"/{os.fsdecode(user.name)}"
    location = str(problem.digest)
    if problem.path:
        location += f", {problem.path}"
    path = join_name(user.artifact_path, user.name)
    hints = remedies.suggest_recovery(path, problem, user.ref)
    return Finding("object", subject, f"{problem.message} ({location})", hints)


@dataclass(frozen=True, slots=True)
class ProvenVersion:
    """How many bytes of a version were read and are right, and the data sets that were not read."""

    size: int
    unread: tuple[str, ...]

    @classmethod
    def of_record(cls, record: VersionRecord, unread: tuple[str, ...] = ()) -> ProvenVersion:
        """All of a version but the artifacts `unread`."""
        size = 0
        for name, artifact in record.named_artifacts().items():
            if name not in unread:
                size += artifact.size
        return cls(size, unread)


def require_whole(
    project: Project,
    record: VersionRecord,
    *,
    repairing: bool = False,
    left_out: DigestSet = _NO_DIGESTS,
) -> ProvenVersion:
    """Prove a version whole; who asks proves the objects `left_out`.

    Raise MlverError naming what is not. With `repairing`, damaged copies are set aside: hold the
    lock then.
    """
    report = find_damage(project, [record], left_out=left_out)
    if repairing:
        quarantine_damage(project, report)
    if report.lost:
        lines = summarise_names([f"{lost.subject}: {lost.message}" for lost in report.lost], _SHOWN)
        raise MlverError(
            f"{record.model} {record.version} cannot be had whole:\n{lines}",
            hints=report.lost[0].hints or ("mlver verify --all",),
            findings=report.lost,
        )
    unread = tuple(artifact.name for artifact in report.unstored if not artifact.was_read)
    return ProvenVersion.of_record(record, unread)
