"""A version's artifacts in this repository: measured, stored, and proven byte by byte."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from mlver import paths
from mlver.digest import Digest
from mlver.errors import MlverError, plain
from mlver.hashing.cache import StatCache
from mlver.hashing.measure import Measured, measure
from mlver.hashing.walk import walk
from mlver.manifest import Entry, Manifest
from mlver.policy.trust import Broken
from mlver.project import layout
from mlver.project.holdings import Holdings, MissingContents
from mlver.project.project import Project
from mlver.records.artifact import Artifact
from mlver.records.model import ModelSettings
from mlver.records.version import VersionRecord
from mlver.storage.local import LocalStore
from mlver.storage.store import Problem

__all__ = [
    "Measured",
    "OwnPaths",
    "contents",
    "damage",
    "is_hollow",
    "measure_at",
    "measure_path",
    "measuring",
    "own_paths",
    "prove",
    "store",
]


def store(project: Project) -> LocalStore:
    """The object store beside git's own."""
    return LocalStore(project.directory)


# -- what belongs to a version ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwnPaths:
    """The paths a record pins itself; changes to them are the reason to register, not dirt."""

    files: frozenset[str]

    def covers(self, path: str) -> bool:
        """Whether a path is pinned by the record or mlver's own."""
        path = path.rstrip("/")
        return any(path == own or path.startswith(f"{own}/") for own in self.files)

    def reach_into(self, path: str) -> bool:
        """Whether a folder git does not know holds something of ours: it is not unknown to the person, then."""
        return any(own.startswith(path) for own in self.files)


def own_paths(settings: ModelSettings) -> OwnPaths:
    found = [artifact.path for artifact in settings.data.values()]
    if settings.weights is not None:
        found.append(settings.weights.path)
    return OwnPaths(frozenset([*found, *settings.params, *settings.metrics, layout.ROOT]))


# -- measuring -------------------------------------------------------------------------------------------------------


@contextmanager
def measuring(project: Project, *, store: bool) -> Iterator[Callable[..., Measured]]:
    """Yields `measure(path, store=…)`. What it stores is there, all of it durably, once the block has ended."""
    deposit = LocalStore(project.directory).deposit() if store else None
    with deposit or nullcontext():

        def measured(path: str, *, store: bool) -> Measured:
            where = paths.inside(project.top, path, link_last=True)
            project.reporter.begin(f"hashing {path}", _size_of(where))
            try:
                found = measure(
                    where,
                    key=path,
                    cache=_cache(project),
                    sink=deposit if store else None,
                    progress=project.reporter.advance,
                )
            finally:
                project.reporter.end()
            _refuse_ambiguous(project, path, found)
            return found

        yield measured


def measure_at(project: Project, path: str, *, fresh: bool = False, keep_manifest: bool = True) -> Measured | None:
    """The working file or directory at `path`; None where there is none, or one without any file.

    `fresh` reads every byte, cache or not.
    """
    where = paths.inside(project.top, path, link_last=True)
    if is_hollow(where):
        return None
    cache = None if fresh else _cache(project)
    project.reporter.begin(f"hashing {path}", _size_of(where))
    try:
        return measure(where, key=path, cache=cache, progress=project.reporter.advance, keep_manifest=keep_manifest)
    finally:
        project.reporter.end()


def _size_of(where: Path) -> int | None:
    """Of a file, in bytes; that of a directory is known only once it has been walked."""
    try:
        found = where.stat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def is_hollow(where: Path) -> bool:
    """Whether nothing is there, or a directory without any file: neither can be an artifact."""
    if not where.is_dir():
        return not where.exists()
    faults: list[str] = []
    return next(walk(os.fsencode(where), faults), None) is None and not faults


def measure_path(where: Path) -> Measured:
    """A file or directory anywhere, every byte read."""
    return measure(where, key=os.fspath(where))


def _cache(project: Project) -> StatCache:
    return StatCache(project.state, project.repository.own)


def _refuse_ambiguous(project: Project, path: str, found: Measured) -> None:
    """A file that is a manifest kept here would be taken for the directory that manifest describes."""
    if found.manifest is None and project.registry.read(layout.manifest(found.digest)) is not None:
        raise MlverError(
            f"{path} holds exactly the manifest of a directory registered here, and would be taken for it",
            hint="register the directory itself",
        )


# -- what a record pins ----------------------------------------------------------------------------------------------


def contents(project: Project, artifact: Artifact) -> tuple[Entry, ...]:
    """The files of an artifact, each path relative to it with the 64 digits of its digest; a file's own path is empty.

    Raise MlverError where its manifest is missing or damaged.
    """
    manifest = project.registry.manifest(artifact.digest)
    if manifest is not None:
        return manifest.entries
    if artifact.files != 1:
        path = layout.manifest(artifact.digest)
        raise MlverError(
            f"{path} is missing: it lists the files of {plain(artifact.path)}", hint=f"git checkout -- {path}"
        )
    return ((b"", artifact.digest.hex),)


def compare(project: Project, artifact: Artifact, found: Measured) -> tuple[Manifest, Manifest]:
    """What an artifact pins and what was measured, as manifests that can be compared."""
    there = Manifest.parse(found.manifest, artifact.path).entries if found.manifest else ((b"", found.digest.hex),)
    return Manifest(contents(project, artifact)), Manifest(there)


def differing(project: Project, artifact: Artifact) -> list[str]:
    """The working files of an artifact that are not as it pins them, or not there, or not of it."""
    found = measure_at(project, artifact.path)
    if found is None:
        return [artifact.path]
    pinned, there = compare(project, artifact, found)
    names = {path for path, _ in set(pinned.entries) ^ set(there.entries)}
    return [f"{artifact.path}/{os.fsdecode(name)}" if name else artifact.path for name in sorted(names)]


# -- proving it ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Held:
    """Where an object is used, for saying what its loss means."""

    subject: str
    path: bytes


@dataclass(frozen=True, slots=True)
class Damage:
    """Broken links below some versions; `lost` of them keep a version from being had whole, `copies` are unsound."""

    broken: tuple[Broken, ...]
    lost: tuple[Broken, ...]
    copies: frozenset[Digest]


def damage(project: Project, records: Iterable[VersionRecord], *, everything: bool = False) -> Damage:
    """What is wrong below these records: manifests, objects (each byte read and hashed), weights kept elsewhere.

    With `everything`, the whole object store is read, whatever refers to it.
    """
    users: dict[Digest, _Held] = {}
    broken: list[Broken] = []
    for record in records:
        for name, artifact in record.artifacts().items():
            subject = f"{record.model} {record.version} {name}"
            try:
                entries = contents(project, artifact)
            except MlverError as error:
                broken.append(Broken("manifest", subject, error.message, error.hint))
                continue
            if artifact.stored:
                for path, hexadecimal in entries:
                    users.setdefault(Digest(hexadecimal), _Held(subject, path))
            elif name == "weights":
                broken += _unstored(project, subject, artifact, record.code.commit)
    problems = verified_store(project, users, everything=everything)
    objects = [(problem, _of_object(users, problem)) for problem in problems]
    lost = [link for problem, link in objects if problem.lost and problem.digest in users]
    unsound = frozenset(problem.digest for problem in problems if problem.digest and problem.path)
    return Damage((*broken, *(link for _, link in objects)), (*broken, *lost), unsound)


def verified_store(project: Project, digests: Collection[Digest], *, everything: bool = False) -> list[Problem]:
    """What is wrong with these objects, in their order, and else with `everything`; every byte is read."""
    kept = store(project)
    reporter = project.reporter

    def expect(total: int) -> None:
        reporter.begin("checking objects", total)

    try:
        found = list(kept.verify(None if everything else digests, progress=reporter.advance, expect=expect))
    finally:
        reporter.end()
    if everything:
        told = {problem.digest for problem in found}
        found += [Problem(digest, None, "is missing", lost=True) for digest in sorted(kept.missing(digests) - told)]
    else:
        found = [problem for problem in found if problem.digest in digests]
    place = {digest: number for number, digest in enumerate(digests)}
    return sorted(found, key=lambda problem: place.get(problem.digest, len(place)) if problem.digest else len(place))


def set_aside(project: Project, damaged: Damage) -> None:
    """Take unsound copies out of service, so that good bytes can be stored again; hold the lock when you call this."""
    kept = store(project)
    for digest in damaged.copies:
        for path in kept.quarantine(digest):
            project.reporter.note(f"set a damaged copy of {digest} aside: {path}")


def _of_object(users: Mapping[Digest, _Held], problem: Problem) -> Broken:
    held = users.get(problem.digest) if problem.digest else None
    if held is None:
        subject = str(problem.path) if problem.path else str(problem.digest)
        return Broken("object", subject, problem.what, "mlver doctor --fix")
    file = f"/{os.fsdecode(held.path)}" if held.path else ""
    where = f"{problem.digest}, {problem.path}" if problem.path else str(problem.digest)
    return Broken("object", f"{held.subject}{file}", f"{problem.what} ({where})", "mlver doctor --fix")


def _unstored(project: Project, subject: str, artifact: Artifact, commit: str | None) -> list[Broken]:
    """Weights that mlver keeps no copy of: those at hand, or what git, git-lfs or DVC kept of the version's commit."""
    try:
        found = measure_at(project, artifact.path, fresh=True)
        said = "holds other bytes" if found else "is not there"
        message, hint = f"{artifact.path} {said}", f"put {artifact.path} back as it was, from wherever it is kept"
    except MlverError as error:  # what is there cannot be hashed
        found, message, hint = None, error.message, error.hint or ""
    if found is not None and found.digest == artifact.digest:
        return []
    if commit is not None:
        try:
            if Holdings(project, proven=True).at(commit, artifact.path).found.digest == artifact.digest:
                return []
        except MissingContents as error:
            message, hint = f"{message}, and {error.message}", error.hint or hint
        except MlverError:
            pass  # nobody else keeps it
    return [Broken("working", subject, f"is not stored by mlver, and {message}", hint)]


def prove(project: Project, record: VersionRecord, *, repairing: bool = False) -> int:
    """The number of bytes of a version, once each was read and found right.

    Raise MlverError naming what is not. With `repairing`, damaged copies are set aside: hold the lock, then.
    """
    found = damage(project, [record])
    if repairing:
        set_aside(project, found)
    if found.lost:
        raise MlverError(
            f"{record.model} {record.version} cannot be had whole:\n{_listed(found.lost)}",
            hint=found.lost[0].hint or "mlver verify --all",
        )
    return sum(artifact.size for artifact in record.artifacts().values() if artifact.stored)


def _listed(broken: Sequence[Broken], most: int = 10) -> str:
    shown = [f"  {plain(link.subject)}: {link.message}" for link in broken[:most]]
    return "\n".join(shown + ([f"  and {len(broken) - most} more"] if len(broken) > most else []))
