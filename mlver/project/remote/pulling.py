"""`mlver pull`: bring the objects of versions, and the seals that go with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace

from mlver.errors import MlverError, UsageError, printable_name, summarise_error
from mlver.findings import Finding
from mlver.git import remotes as git_remotes
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.selecting import find_serving
from mlver.project.remote.arrival import (
    Arrival,
    BroughtObjects,
    bring_objects,
    find_absent,
    wait_for_lock,
)
from mlver.project.remote.configured import ConfiguredRemote, choose_remotes, list_remotes
from mlver.project.remote.fetching import select_usable
from mlver.project.remote.git_half import take_published_seals
from mlver.project.remote.needed import describe_lacking, list_needed, list_samples
from mlver.project.remote.team import TeamRemote, open_team
from mlver.project.remote.trust import require_trusted
from mlver.project.reporter import SilentReporter
from mlver.project.rollouts.open_shares import list_candidates
from mlver.project.tags import trust
from mlver.project.transaction import writing_files
from mlver.records.tags import promotion_tag_name, version_tag_name
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet
from mlver.storage.remote.team_store import DEFAULT_JOBS


@dataclass(frozen=True, slots=True, kw_only=True)
class PullOptions:
    """What to bring: the artifacts `only` (`weights`, or a data set), all of them if it is empty.

    `everything`: of every version, where no REF is given. `remotes` names those to ask, in this
    order; all of them if it is empty. `confirmed`: the person agrees to use these remotes. `jobs`
    is how many calls are under way at once.
    """

    only: tuple[str, ...] = ()
    everything: bool = False
    remotes: tuple[str, ...] = ()
    confirmed: bool = False
    jobs: int = DEFAULT_JOBS
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PullResult:
    """`versions` were asked for, as `MODEL@VERSION`; they need `needed` objects in all.

    `arrivals` has a line for each remote that was asked. `seals` are the tags that came along.
    `lacking` says which artifacts are still not whole. On a dry run `absent` objects would be
    asked for.
    """

    versions: tuple[str, ...]
    needed: int
    absent: int
    arrivals: tuple[Arrival, ...]
    seals: tuple[str, ...]
    lacking: tuple[Finding, ...]
    dry_run: bool

    @property
    def exit_code(self) -> int:
        return 1 if self.lacking else 0


def pull_versions(project: Project, refs: Sequence[str], options: PullOptions) -> PullResult:
    """Bring the objects of the versions that `refs` name, and their seals.

    The samples of their evaluations come along, unless only some artifacts are asked for. Without a
    REF: of the versions that hold a stage, and of each model's highest release. What is here
    already is not asked for again, and what a remote has with wrong bytes is not taken.

    Raise MlverError where there is no remote, or none that may be used.
    """
    if project.offline:
        raise UsageError("--offline asks no remote, and pull does nothing else")
    if options.everything and refs:
        raise UsageError("--all takes every version, so it takes no REF")
    remotes = _choose_remotes(project, options)
    writing: AbstractContextManager[object] = nullcontext()
    if not options.dry_run:
        writing = writing_files(project, "pull")
    with writing:
        seals = () if options.dry_run else _take_seals(project, refs)
        records = _choose_records(project, refs, everything=options.everything)
        _require_artifacts(records, options.only)
        needed = _list_needed(project, records, options.only)
        absent = find_absent(project, needed)
    brought = BroughtObjects((), absent)
    lacking: tuple[Finding, ...] = ()
    if not options.dry_run:
        teams = [open_team(project, remote) for remote in remotes]
        hold_lock = wait_for_lock(project, "pull")
        brought = bring_objects(project, absent, teams, hold_lock=hold_lock, jobs=options.jobs)
        lacking = _describe_lacking(project, records, brought, teams)
    return PullResult(
        versions=tuple(f"{record.model}@{record.version}" for record in records),
        needed=len(needed),
        absent=len(absent),
        arrivals=brought.arrivals,
        seals=seals,
        lacking=lacking,
        dry_run=options.dry_run,
    )


def _list_needed(
    project: Project, records: Sequence[VersionRecord], only: Sequence[str]
) -> DigestSet:
    """The objects to bring: those of artifacts and, where all are asked for, of what judges them.

    A remote may lack the samples of an evaluation: then no artifact lacks anything.
    """
    needed = list_needed(project, records, only)
    samples = DigestSet.from_digests([]) if only else list_samples(project, records)
    if not samples:
        return needed
    return DigestSet.from_raw([*needed.raw_digests(), *samples.raw_digests()])


def _choose_remotes(project: Project, options: PullOptions) -> tuple[ConfiguredRemote, ...]:
    """The remotes to ask: those that were named, else all that may be used.

    One that nobody confirmed stops nobody who can use another one.
    """
    if options.remotes or options.confirmed:
        names = options.remotes or tuple(remote.name for remote in list_remotes(project))
        remotes = choose_remotes(project, names)
        remember = not options.dry_run
        require_trusted(project, remotes, confirmed=options.confirmed, remember=remember)
        return remotes
    known = list_remotes(project)
    usable = select_usable(replace(project, reporter=SilentReporter()), known)
    if usable:
        # The others are named in notes.
        select_usable(project, [remote for remote in known if remote not in usable])
        return tuple(usable)
    remotes = choose_remotes(project)
    require_trusted(project, remotes, remember=not options.dry_run)
    return remotes


def _take_seals(project: Project, refs: Sequence[str]) -> tuple[str, ...]:
    """Fetch the seals of these versions that are not here, from where git fetches.

    They tell which record was sealed, and so come before it is read. Without them, the version is
    shown as unsealed: nothing that is fetched depends on a network that fails.
    """
    git_remote = git_remotes.default_remote(project.repository)
    if git_remote is None or not refs:
        return ()
    wanted: list[str] = []
    for ref in refs:
        chosen = project.resolve_ref(ref)
        wanted.append(version_tag_name(chosen.model, str(chosen.version)))
        wanted.extend(_list_promotion_seals(project, chosen))
    try:
        return take_published_seals(project, git_remote, wanted)
    except MlverError as error:
        project.reporter.show_note(f"no seals were fetched: {summarise_error(error)}")
        return ()


def _list_promotion_seals(project: Project, chosen: ResolvedRef) -> Iterator[str]:
    """Name the seals of the promotions that give a version the stages it holds."""
    for stage in project.registry.list_stages(chosen.model):
        with suppress(MlverError):
            holder = project.registry.find_holder(chosen.model, stage)
            if holder is not None and holder.version == str(chosen.version):
                yield promotion_tag_name(chosen.model, stage, holder.sequence)


def _choose_records(
    project: Project, refs: Sequence[str], *, everything: bool
) -> list[VersionRecord]:
    """The records of the versions to bring. Raise MlverError for one that nobody may trust."""
    if refs:
        return [trust.read_vouched_record(project, ref)[0] for ref in refs]
    records: list[VersionRecord] = []
    for model in project.registry.list_models():
        numbers = [str(number) for number in project.registry.list_versions(model)]
        serving = find_serving(project.registry, model, project.registry.list_versions(model))
        serving.update(list_candidates(project.registry, model))
        for number in numbers:
            if not everything and number not in serving:
                continue
            # Nobody named it, so it stops no other one.
            try:
                records.append(trust.read_vouched_record(project, f"{model}@{number}")[0])
            except MlverError as error:
                project.reporter.show_note(f"{model} {number}: {summarise_error(error)}")
    return records


def _require_artifacts(records: Sequence[VersionRecord], only: Sequence[str]) -> None:
    """Raise UsageError where none of these versions has an artifact that `only` names."""
    known: dict[str, None] = {}
    for record in records:
        known.update(dict.fromkeys(record.named_artifacts()))
    for name in only:
        if records and name not in known:
            raise UsageError(
                f"none of these versions has an artifact called {printable_name(name)};"
                f" --only takes {', '.join(known)}",
                hint="mlver show",
            )


def _describe_lacking(
    project: Project,
    records: Sequence[VersionRecord],
    brought: BroughtObjects,
    remotes: Sequence[TeamRemote],
) -> tuple[Finding, ...]:
    """Say which artifacts are still not whole, and what whoever has their bytes can do."""
    if not brought.missing:
        return ()
    names = " or ".join(remote.name for remote in remotes)
    message = f"are neither here nor at {names}; whoever has them can send them there"
    command = "mlver push"
    if any(arrival.wrong for arrival in brought.arrivals):
        message = f"are not here, and not whole at {names}; whoever has them can repair that"
        # Without it, a listing is believed where the sizes are right.
        command = "mlver push --verify"
    return describe_lacking(project, records, brought.missing, message, (command,))
