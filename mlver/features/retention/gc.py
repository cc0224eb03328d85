"""`mlver gc`: delete what nobody needs, here or on a remote."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from mlver.errors import MlverError, UsageError, printable_name
from mlver.policy.local_collection import LocalFate
from mlver.project.project import Project
from mlver.project.remote.configured import ConfiguredRemote
from mlver.project.remote.local_gc import LocalGcReport, collect_local, plan_local
from mlver.project.remote.opening import find_named, open_named, read_scheme
from mlver.project.remote.remote_gc import (
    RemoteGcOptions,
    RemoteGcReport,
    collect_remote,
    plan_remote,
)
from mlver.project.remote.repositories import (
    SharingRepository,
    forget_repositories,
    read_repositories,
    select_forgotten,
    select_others,
)
from mlver.project.remote.root_table import read_shared_roots
from mlver.project.transaction import writing_files
from mlver.storage.remote.blobs import BlobStore
from mlver.storage.remote.listing import renew_listing

# What cannot be collected, by scheme, and why.
_REFUSED = {
    "lfs": "git-lfs has no way to delete an object: whoever runs the server can",
    "https": "it is read-only",
    "http": "it is read-only",
}
_VERSIONED = frozenset(("s3", "gs", "az", "azure", "abfs", "abfss"))


@dataclass(frozen=True, slots=True)
class GcLine:
    """What becomes of some contents, how many files or blobs they are, and their bytes."""

    fate: str
    count: int
    bytes: int


@dataclass(frozen=True, slots=True)
class GcSharing:
    """Files of series that are kept in parts from now on: how many, and their bytes.

    `stored` are the bytes of what was stored for them, `differences` how many of their parts are
    kept as differences. `problem` is why there are none of these, and `hint` what helps.
    """

    files: int
    bytes: int
    stored: int
    differences: int
    problem: str | None
    hint: str | None


@dataclass(frozen=True, slots=True)
class GcCandidate:
    """A file of a series that would be kept in parts, where that pays.

    `equal` are the bytes, at least, of its tensors that the file before it has as well.
    """

    model: str
    version: str
    name: str
    digest: str
    bytes: int
    equal: int


@dataclass(frozen=True, slots=True)
class GcPreview:
    """What a run would do with the files of series. `problem` and `hint` are as in GcSharing."""

    files: tuple[GcCandidate, ...]
    problem: str | None
    hint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GcResult:
    """What was done, or what would be done (`dry_run`).

    `place` is `local`, or the address of the remote. `grace` is in days. `freed` is in bytes: what
    was, or would be, deleted by this run. `pins` are pushes that count as under way. `busy` names
    others that are deleting there. `sharing` is None for a remote, and on a dry run, for
    which `preview` says what it would be about.
    """

    place: str
    remote: str | None
    grace: int
    lines: tuple[GcLine, ...]
    freed: int
    sharing: GcSharing | None
    preview: GcPreview | None
    pins: int
    busy: tuple[str, ...]
    repositories: int
    forgotten: tuple[str, ...]
    keeps_versions: bool
    dry_run: bool


@dataclass(frozen=True, slots=True)
class GcRequest:
    """`remote` is a name or an address; None for the local store. `forget` are ids."""

    remote: str | None = None
    forget: tuple[str, ...] = ()
    dry_run: bool = True


def collect_garbage(project: Project, request: GcRequest) -> GcResult:
    """Do it, or say what would be done."""
    if request.remote is None:
        if request.forget:
            raise UsageError("--forget-repository is for a remote", hint="mlver gc --remote NAME")
        return _collect_here(project, dry_run=request.dry_run)
    return _collect_there(project, request)


def _collect_here(project: Project, *, dry_run: bool) -> GcResult:
    grace = project.registry.read_config().retention.grace_time
    run = plan_local if dry_run else collect_local
    report = run(project, grace.total_seconds())
    return GcResult(
        place="local",
        remote=None,
        grace=grace.days,
        lines=_count_local(report),
        freed=report.count_bytes(LocalFate.DELETED),
        sharing=None if dry_run else _count_sharing(report),
        preview=_preview_sharing(report) if dry_run else None,
        pins=0,
        busy=(),
        repositories=1,
        forgotten=(),
        keeps_versions=False,
        dry_run=dry_run,
    )


def _count_sharing(report: LocalGcReport) -> GcSharing:
    lacking = report.lacking
    return GcSharing(
        files=len(report.shared),
        bytes=sum(file.size for file in report.shared),
        stored=sum(file.stored for file in report.shared),
        differences=sum(file.differences for file in report.shared),
        problem=None if lacking is None else lacking.message,
        hint=None if lacking is None else lacking.hint,
    )


def _preview_sharing(report: LocalGcReport) -> GcPreview:
    files: list[GcCandidate] = []
    for candidate in report.candidates:
        file = candidate.file
        files.append(
            GcCandidate(
                model=file.model,
                version=file.version,
                name=file.name,
                digest=f"sha256:{file.digest}",
                bytes=candidate.size,
                equal=candidate.equal,
            )
        )
    lacking = report.lacking
    return GcPreview(
        files=tuple(files),
        problem=None if lacking is None else lacking.message,
        hint=None if lacking is None else lacking.hint,
    )


def _count_local(report: LocalGcReport) -> tuple[GcLine, ...]:
    lines: list[GcLine] = []
    for fate in LocalFate:
        count = report.count_contents(fate)
        size = report.count_bytes(fate)
        if count or size:
            lines.append(GcLine(fate.value, count, size))
    return tuple(lines)


def _collect_there(project: Project, request: GcRequest) -> GcResult:
    assert request.remote is not None
    remote = find_named(project, request.remote)
    blobs = _open_collectable(project, remote)
    grace = project.registry.read_config().retention.grace_time
    options = RemoteGcOptions(grace, _name_clone(project))
    if request.dry_run:
        report, count = _plan_there(project, blobs, request, options)
    else:
        with writing_files(project, "gc"):
            report, count = _act_there(project, blobs, request, options)
    return GcResult(
        place=blobs.address,
        remote=request.remote,
        grace=grace.days,
        lines=_count_remote(report),
        sharing=None,
        preview=None,
        freed=sum(report.sizes.get(key, 0) for key in report.deletable),
        pins=report.pins,
        busy=tuple(report.others),
        repositories=count,
        forgotten=request.forget,
        keeps_versions=read_scheme(remote) in _VERSIONED,
        dry_run=request.dry_run,
    )


def _plan_there(
    project: Project, blobs: BlobStore, request: GcRequest, options: RemoteGcOptions
) -> tuple[RemoteGcReport, int]:
    known = read_repositories(blobs)
    _check_forgotten(blobs, known, request.forget)
    sharing = select_others(known, request.forget)
    report = plan_remote(
        blobs, lambda: read_shared_roots(project, sharing), options, datetime.now(UTC)
    )
    return report, _count_repositories(sharing)


def _act_there(
    project: Project, blobs: BlobStore, request: GcRequest, options: RemoteGcOptions
) -> tuple[RemoteGcReport, int]:
    known = read_repositories(blobs)
    _check_forgotten(blobs, known, request.forget)
    if request.forget:
        # Where another cannot be read, nothing is forgotten.
        read_shared_roots(project, select_others(known, request.forget))
        forget_repositories(blobs, select_forgotten(known, request.forget))

    def read_roots() -> set[str]:
        # Read anew each time: a repository may have come to it meanwhile.
        return read_shared_roots(project, read_repositories(blobs))

    report = collect_remote(blobs, read_roots, options)
    renew_listing(blobs)
    return report, _count_repositories(read_repositories(blobs))


def _check_forgotten(
    blobs: BlobStore, known: Sequence[SharingRepository], forget: Iterable[str]
) -> None:
    """Raise UsageError for a repository to forget that is not known there."""
    for own_id in forget:
        if not select_forgotten(known, (own_id,)):
            names = ", ".join(sorted({sharing.id for sharing in known})) or "none does"
            raise UsageError(
                f"no repository {printable_name(own_id)} keeps contents at {blobs.address};"
                f" of those that do, the ids are: {names}",
                hint="mlver gc --remote NAME",
            )


def _count_repositories(sharing: Iterable[SharingRepository]) -> int:
    return len({repository.id for repository in sharing})


def _count_remote(report: RemoteGcReport) -> tuple[GcLine, ...]:
    groups: Mapping[Literal["kept", "deleted", "condemned", "waiting"], list[str]] = {
        "kept": list(report.needed),
        "deleted": report.deletable,
        "condemned": report.condemned,
        "waiting": list(report.waiting),
    }
    lines: list[GcLine] = []
    for fate, keys in groups.items():
        if keys:
            size = sum(report.sizes.get(key, 0) for key in keys)
            lines.append(GcLine(fate, len(keys), size))
    return tuple(lines)


def _open_collectable(project: Project, remote: ConfiguredRemote) -> BlobStore:
    """Open a remote; raise MlverError for one from which nothing can be deleted."""
    reason = _REFUSED.get(read_scheme(remote))
    blobs = None
    if reason is None:
        blobs = open_named(project, remote).blobs
    if blobs is None:
        raise MlverError(
            f"nothing can be deleted from {remote.shown_address}: {reason or 'it has no blobs'};"
            " what the local store can free is told by `mlver gc`",
            hint="mlver gc",
        )
    return blobs


def _name_clone(project: Project) -> str:
    """This clone, in words for others."""
    return f"{socket.gethostname()}:{os.fspath(project.state_directory)}"
