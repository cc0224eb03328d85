"""`mlver push`: send objects, confirm them, then let git push the branch and its seals."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from mlver.errors import MlverError, UsageError, summarise_names
from mlver.findings import Finding
from mlver.git import trees
from mlver.git.trees import TreeEntry
from mlver.project.artifacts.storing import open_store
from mlver.project.project import Project
from mlver.project.remote.configured import list_remotes
from mlver.project.remote.git_half import GitHalf, perform_git_half, plan_git_half
from mlver.project.remote.needed import (
    add_pinned,
    add_samples,
    describe_lacking,
    list_needed,
    read_versions,
)
from mlver.project.remote.sending import ObjectSending, SentObjects, open_sending
from mlver.project.remote.team import TeamRemote, open_remotes
from mlver.project.tags import trust
from mlver.records import layout
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet
from mlver.storage.remote.team_store import DEFAULT_JOBS, TransferOptions

# What may bring objects back that are nowhere: working files, or another clone.
_RESTORE_HINTS = ("mlver verify --all", "mlver doctor --fix")


@dataclass(frozen=True, slots=True, kw_only=True)
class PushOptions:
    """`remotes` names those that get the objects; the default one if it is empty.

    `git_remote` is where git pushes to; the one that the branch follows if it is None.
    `objects_only`: git pushes nothing. `verify`: what was sent is read back, even where the server
    checks it, and so is what was there already; damaged objects are sent again. `confirmed`: the
    person agrees to use these remotes. `jobs` is how many calls are under way at once.
    """

    remotes: tuple[str, ...] = ()
    git_remote: str | None = None
    objects_only: bool = False
    verify: bool = False
    confirmed: bool = False
    jobs: int = DEFAULT_JOBS
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PushResult:
    """`sent` has a line for each remote. `git_remote`, `branch` and `commit` are what git pushed.

    `moved`: the branch there was behind or new. `tags` are the seals that went along, `held_back`
    those that stay here. `unsealed` are records that went without a seal, since none has one yet.
    `lacking` are artifacts of older versions that others cannot get, since
    their objects are neither here nor at a remote. On a dry run all of that would be so.
    """

    sent: tuple[SentObjects, ...]
    git_remote: str | None
    branch: str | None
    commit: str | None
    moved: bool
    tags: tuple[str, ...]
    held_back: tuple[Finding, ...]
    unsealed: tuple[str, ...]
    lacking: tuple[Finding, ...]
    dry_run: bool

    @property
    def exit_code(self) -> int:
        return 1 if self.held_back else 0


@dataclass(frozen=True, slots=True)
class _PushedVersions:
    """The versions whose objects go out: `must` go, and the others if their bytes are here."""

    must: Sequence[VersionRecord]
    others: Sequence[VersionRecord]

    @property
    def all(self) -> list[VersionRecord]:
        return [*self.must, *self.others]


def push_versions(project: Project, refs: Sequence[str], options: PushOptions) -> PushResult:
    """Send the objects of versions, then the branch and its seals.

    `refs` name the versions; without one, all of them. Those that the branch there does not have
    yet go in any case: git never names what storage lacks. Raise MlverError, with git's remote as
    it was, where their objects cannot be sent, and where somebody pushed first.
    """
    if project.offline:
        raise UsageError("--offline asks no remote, and push does nothing else")
    half = None
    if not options.objects_only:
        # First, for it is quick: what git would refuse needs no objects.
        half = plan_git_half(project, options.git_remote)
    versions = _choose_versions(project, refs, half)
    needed = add_samples(project, versions.all, list_needed(project, versions.all))
    needed = add_pinned(project, needed)
    teams = _open_remotes(project, needed, options)
    transfer = TransferOptions(jobs=options.jobs, read_back=options.verify)
    if options.dry_run:
        return _preview_push(project, half, versions, needed, teams)
    with ExitStack() as stack:
        sendings: list[ObjectSending] = []
        for team in teams:
            sending = stack.enter_context(open_sending(project, team, needed, transfer))
            sending.send_objects()
            _require_sent(project, versions.must, sending)
            sendings.append(sending)
        tags: tuple[str, ...] = ()
        if half is not None:
            with _telling_hook():
                tags = perform_git_half(project, half)
        for sending in sendings:
            sending.finish_sending()
            # Git has taken the versions by now: their names are theirs for good.
            sending.publish_versions(versions.must)
    lacking = _describe_lost(project, versions.others, sendings)
    sent = tuple(sending.build_result() for sending in sendings)
    return _build_result(half, sent, tags, lacking, dry_run=False)


# Set while git pushes what `push` confirmed, so that the hook of that push does not do it again.
_SENT = "MLVER_OBJECTS_SENT"


def objects_are_sent() -> bool:
    """Whether this process is a hook of a push whose objects `mlver push` has confirmed."""
    return bool(os.environ.get(_SENT))


@contextmanager
def _telling_hook() -> Iterator[None]:
    os.environ[_SENT] = "1"
    try:
        yield
    finally:
        del os.environ[_SENT]


def send_needed(
    project: Project, records: Sequence[VersionRecord], needed: DigestSet, target: str
) -> tuple[SentObjects, ...]:
    """Send the objects of versions to the default remote, for a push that git makes by itself.

    `target` is where git pushes to; gc reads the references there, too, if it is an address. Nobody
    is asked to confirm the remote. What was pinned stays so until it is old: git's own push is
    still to come. Raise MlverError where an object cannot be sent.
    """
    teams = _open_remotes(project, needed, PushOptions())
    results: list[SentObjects] = []
    for team in teams:
        with open_sending(project, team, needed, TransferOptions(), target) as sending:
            sending.send_objects()
            _require_sent(project, records, sending)
            results.append(sending.build_result())
    return tuple(results)


def _choose_versions(
    project: Project, refs: Sequence[str], half: GitHalf | None
) -> _PushedVersions:
    """The versions of `refs` and those that the branch there lacks; the others of HEAD beside them.

    Raise MlverError for a version that nobody may trust.
    """
    must: dict[str, VersionRecord] = {}
    for ref in refs:
        record, _ = trust.read_vouched_record(project, ref)
        must[record.record_path] = record
    known: dict[str, TreeEntry] = {}
    if half is not None and half.base is not None:
        known = trees.committed_files(project.repository, half.base, layout.MODELS)
    others: list[VersionRecord] = []
    for record in read_versions(project):
        if record.record_path in must:
            continue
        if half is not None and record.record_path not in known:
            must[record.record_path] = record
        elif not refs:
            others.append(record)
    return _PushedVersions(list(must.values()), others)


def _open_remotes(
    project: Project, needed: DigestSet, options: PushOptions
) -> tuple[TeamRemote, ...]:
    """The remotes that get the objects; none where nothing needs one."""
    if not needed and not options.remotes and not list_remotes(project):
        return ()
    return open_remotes(
        project, options.remotes, confirmed=options.confirmed, remember=not options.dry_run
    )


def _require_sent(
    project: Project, records: Sequence[VersionRecord], sending: ObjectSending
) -> None:
    """Raise MlverError where objects of these versions are neither here nor at the remote."""
    absent = DigestSet.from_digests(sending.absent)
    message = f"are neither here nor at {sending.remote.name}"
    findings = describe_lacking(project, records, absent, message, _RESTORE_HINTS)
    if not findings:
        return
    lines = [f"{finding.subject}: {finding.message}" for finding in findings]
    raise MlverError(
        f"git was told nothing, for others could not get these:\n{summarise_names(lines, 8)}",
        hints=_RESTORE_HINTS,
        findings=findings,
    )


def _describe_lost(
    project: Project, records: Sequence[VersionRecord], sendings: Sequence[ObjectSending]
) -> tuple[Finding, ...]:
    """Say which artifacts of versions that were pushed before nobody can get from a remote."""
    findings: list[Finding] = []
    for sending in sendings:
        absent = DigestSet.from_digests(sending.absent)
        message = f"are neither here nor at {sending.remote.name}: whoever registered it has them"
        findings += describe_lacking(project, records, absent, message, ("mlver verify --all",))
    return tuple(findings)


def _preview_push(
    project: Project,
    half: GitHalf | None,
    versions: _PushedVersions,
    needed: DigestSet,
    teams: Sequence[TeamRemote],
) -> PushResult:
    """What a push would do. Nothing is written, here or there."""
    absent = open_store(project).find_missing(needed)
    sent: list[SentObjects] = []
    findings: list[Finding] = []
    for team in teams:
        missing = team.store.find_missing(dict.fromkeys(needed))
        lost = DigestSet.from_digests(missing & absent)
        message = f"are neither here nor at {team.name}"
        findings += describe_lacking(project, versions.all, lost, message, _RESTORE_HINTS)
        sent.append(
            SentObjects(
                remote=team.name,
                address=team.store.address,
                objects=len(missing - absent),
                present=len(needed) - len(missing),
                absent=len(missing & absent),
                repaired=0,
                bytes_sent=0,
                confirmed=None,
            )
        )
    tags = () if half is None else half.sending.tags
    return _build_result(half, tuple(sent), tags, tuple(findings), dry_run=True)


def _build_result(
    half: GitHalf | None,
    sent: tuple[SentObjects, ...],
    tags: tuple[str, ...],
    lacking: tuple[Finding, ...],
    *,
    dry_run: bool,
) -> PushResult:
    return PushResult(
        sent=sent,
        git_remote=None if half is None else half.remote,
        branch=None if half is None else half.branch,
        commit=None if half is None else half.head,
        moved=half is not None and half.moves_branch,
        tags=tags,
        held_back=() if half is None else half.sending.held_back,
        unsealed=() if half is None else half.sending.unsealed,
        lacking=lacking,
        dry_run=dry_run,
    )
