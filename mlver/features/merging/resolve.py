"""`mlver resolve`: give the records of one side of a merge other numbers, where both sides claimed
the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from mlver import paths
from mlver.errors import MlverError, UsageError, shell_command
from mlver.features.merging.outcomes import MergeSide, RewrittenRecord, suggest_other_side
from mlver.features.merging.renumber import RenumberedSide, renumber_records
from mlver.features.merging.stale_tags import PushedSeals, StaleTags, find_stale_tags
from mlver.features.merging.unmerged_settings import MergedSettings, merge_unmerged_settings
from mlver.findings import Finding
from mlver.git import merging
from mlver.git.main_branch import MainBranch, find_main_branch
from mlver.git.merging import MergeState
from mlver.project.edit.edit import PlannedEdit
from mlver.project.edit.recovery import read_if_there
from mlver.project.history.parents import find_renumbered_version
from mlver.project.history.stage_history import read_history
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.transaction import open_edit
from mlver.records import layout

_REPLAYED = "mlver resolve && git commit --quiet --amend --no-edit --allow-empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveResult:
    """`rewrite` is the side that gave way, for the reason `why`; `settled` are settings files that
    were merged.

    `written` are the paths that were not yet as they are to be; `untagged` local tags of former
    records that were deleted. `conflicts` counts files that are not mlver's and still hold both
    sides; `next` says how to go on.
    """

    during: str
    rewrite: MergeSide
    why: str
    rewritten: tuple[RewrittenRecord, ...]
    dropped: tuple[Finding, ...]
    settled: tuple[str, ...]
    written: tuple[str, ...]
    untagged: tuple[str, ...]
    left: tuple[Finding, ...]
    conflicts: int
    next: tuple[str, ...]
    dry_run: bool

    @property
    def exit_code(self) -> int:
        return 1 if self.left else 0


@dataclass(frozen=True, slots=True)
class _Resolution:
    """What is to be done, worked out before anything is: `files` are those that do not hold it."""

    renumbering: RenumberedSide
    settings: MergedSettings
    files: Mapping[str, bytes | None]
    tags: StaleTags
    left: tuple[Finding, ...]
    unmerged: Collection[str]


def resolve_conflicts(
    project: Project, *, rewrite: MergeSide | None = None, dry_run: bool = False
) -> ResolveResult:
    """Settle what stopped a merge, rebase or cherry-pick and stage it; or fix the last commit,
    after a rebase.
    """
    with open_edit(project, "resolve", dry_run=dry_run) as edit:
        merge_state = _find_merge_state(project)
        main_branch = find_main_branch(project.repository)
        yielding_side, reason = _choose_side(project, merge_state, main_branch, rewrite)
        try:
            resolution = _plan_resolution(project, merge_state, main_branch, yielding_side)
        except PushedSeals as error:
            obstacle = _find_obstacle(project, merge_state, main_branch, yielding_side)
            if obstacle is None:
                raise
            raise error.offer_way_out(yielding_side, obstacle) from None
        if edit is not None:
            _write_resolution(edit, merge_state, resolution)
    renumbering = resolution.renumbering
    foreign_paths = [path for path in resolution.unmerged if not _is_below_root(path)]
    return ResolveResult(
        during=merge_state.what,
        rewrite=yielding_side,
        why=reason,
        rewritten=renumbering.rewritten,
        dropped=renumbering.dropped,
        settled=tuple(resolution.settings.files),
        written=tuple(resolution.files),
        untagged=tuple(resolution.tags.object_ids),
        left=resolution.left,
        conflicts=len(foreign_paths),
        next=tuple(_list_next_steps(merge_state, resolution)),
        dry_run=dry_run,
    )


def _find_merge_state(project: Project) -> MergeState:
    repository = project.repository
    merge_state = merging.find_merge_state(repository)
    if merge_state is not None:
        return merge_state
    # A rebase that stopped between two commits has no sides; its last commit is looked at below.
    unfinished = repository.unfinished()
    if unfinished is not None and unfinished[0] != "a rebase":
        operation, finish = unfinished
        raise MlverError(f"{operation} is in progress, which has no second side", hint=finish)
    merge_state = merging.last_commit_state(repository)
    if merge_state is None:
        raise MlverError(
            "no merge has stopped here, so there is nothing to resolve", hint="mlver verify --all"
        )
    return merge_state


def _choose_side(
    project: Project, state: MergeState, main: MainBranch, requested: MergeSide | None
) -> tuple[MergeSide, str]:
    """The side whose records get other numbers, and why that one."""
    if state.what != "merge":
        if requested == "ours":
            raise UsageError(
                f"in a {state.what} only what comes on top can be rewritten",
                hint="mlver resolve --rewrite theirs",
            )
        return "theirs", "it comes on top of what is there"
    if requested is not None:
        return requested, "you said so"
    for reference, standing in (
        (main.remote_reference, "has landed on"),
        (main.local_reference, "is on"),
    ):
        if reference is None:
            continue
        ours_landed = merging.is_ancestor(project.repository, reference, state.ours)
        theirs_landed = merging.is_ancestor(project.repository, reference, state.theirs)
        if ours_landed and not theirs_landed:
            return "theirs", f"ours {standing} {_shorten_reference(reference)}"
        if theirs_landed and not ours_landed:
            return "ours", f"theirs {standing} {_shorten_reference(reference)}"
    raise MlverError(
        "it cannot be told which side gives way, ours (the branch you are on) or theirs (the one"
        " that is merged): neither of them alone is on a main branch",
        hints=("mlver resolve --rewrite ours", "mlver resolve --rewrite theirs"),
    )


def _shorten_reference(reference: str) -> str:
    """`origin/main`, of refs/remotes/origin/main."""
    return reference.split("/", 2)[2]


def _is_below_root(path: str) -> bool:
    return path.startswith(f"{layout.ROOT}/")


def _find_obstacle(
    project: Project, state: MergeState, main: MainBranch, side: MergeSide
) -> str | None:
    """Why the other side than `side` cannot give way; None where it can."""
    other_side: MergeSide = "theirs" if side == "ours" else "ours"
    try:
        _choose_side(project, state, main, other_side)
        _plan_resolution(project, state, main, other_side)
    except MlverError as error:
        return error.message
    return None


def _plan_resolution(
    project: Project, state: MergeState, main: MainBranch, side: MergeSide
) -> _Resolution:
    repository = project.repository
    our_records = CommittedRecords.at_commit(repository, state.ours)
    their_records = CommittedRecords.at_commit(repository, state.theirs)
    base_records = CommittedRecords(repository, {}, {})
    if state.base is not None:
        base_records = CommittedRecords.at_commit(repository, state.base)
    own_records, kept_records = (
        (our_records, their_records) if side == "ours" else (their_records, our_records)
    )
    renumbering = renumber_records(
        project, kept_records, own_records, base_records, replayed=state.what != "merge"
    )
    _require_unlanded(project, main, side, own_records, renumbering)
    stale_tags = find_stale_tags(project, side, own_records, renumbering)
    planned_files = dict(renumbering.files)
    earlier_findings: list[Finding] = []
    if state.what == "commit":
        for path, data in renumbering.files.items():
            if data == own_records.read_file(path):
                del planned_files[path]
        # As long as the last commit is to be fixed, what it holds says nothing of the earlier ones.
        if not planned_files:
            earlier_findings = _check_earlier_commits(project, state, main)
    unmerged = merging.list_unmerged(repository)
    disputed = [path for path in unmerged if _is_below_root(path) and path not in renumbering.files]
    settings = merge_unmerged_settings(base_records, our_records, their_records, disputed)
    planned_files.update(settings.files)
    return _Resolution(
        renumbering=renumbering,
        settings=settings,
        files=_select_unwritten(project, planned_files, unmerged),
        tags=stale_tags,
        left=(*earlier_findings, *settings.left),
        unmerged=unmerged,
    )


def _require_unlanded(
    project: Project,
    main: MainBranch,
    side: MergeSide,
    own: CommittedRecords,
    renumbering: RenumberedSide,
) -> None:
    """Refuse to renumber a record that is on the remote's main branch."""
    landing = main.remote_reference
    if landing is None:
        return
    # Others may have used its number by then: in a tag, a deployment, a paper.
    landed = CommittedRecords.at_commit(project.repository, landing).entries
    for vacated_path in renumbering.vacated_paths:
        if landed.get(vacated_path) == own.entries[vacated_path]:
            branch = _shorten_reference(landing)
            raise MlverError(
                f"{vacated_path} has landed on {branch}, and what has landed keeps its number",
                hint=suggest_other_side(side),
            )


def _check_earlier_commits(project: Project, state: MergeState, main: MainBranch) -> list[Finding]:
    """What an earlier commit than the last leaves broken: to fix that, they are replayed one by
    one.
    """
    upstream = main.reference
    branch = _shorten_reference(upstream) if upstream else "UPSTREAM"
    suggested_command = shell_command("git", "rebase", "--exec", _REPLAYED, branch)
    if upstream and merging.is_ancestor(project.repository, upstream, state.theirs):
        suggested_command = (
            "mlver verify --all"  # there is no commit on top of it that could be replayed
        )
    registry = project.registry
    findings: list[Finding] = []
    for model in registry.list_models():
        for stage in registry.list_stages(model):
            _, broken = read_history(project, model, stage)
            for finding in broken:
                findings.append(replace(finding, hints=(suggested_command,)))
        for number in registry.list_versions(model):
            record, _ = registry.read_version(model, number)
            for followed in record.followed_versions:
                renumbered = find_renumbered_version(project.repository, registry, record, followed)
                if renumbered is None:
                    continue
                message = f"follows what is {renumbered} now, not the {followed} that is here"
                findings.append(
                    Finding("record", f"{model} {number}", message, (suggested_command,))
                )
    return findings


def _select_unwritten(
    project: Project, files: Mapping[str, bytes | None], unmerged: Collection[str]
) -> dict[str, bytes | None]:
    """The files that the index or the work tree holds otherwise."""
    # What an earlier run wrote is passed over, so that running it again changes nothing.
    repository = project.repository
    staged = repository.blobs(f":{path}" for path in files)
    unwritten: dict[str, bytes | None] = {}
    for (path, wanted_bytes), staged_data in zip(files.items(), staged, strict=True):
        working_data = read_if_there(paths.join_inside(repository.top, path))
        if path in unmerged or staged_data != wanted_bytes or working_data != wanted_bytes:
            unwritten[path] = wanted_bytes
    return unwritten


def _write_resolution(edit: PlannedEdit, state: MergeState, resolution: _Resolution) -> None:
    if not resolution.files and not resolution.tags.object_ids:
        return
    for file_path, file_bytes in resolution.files.items():
        if file_bytes is None:
            edit.remove_file(file_path)
        else:
            edit.put_file(file_path, file_bytes)
    edit.resolve_merge(state, resolution.tags.object_ids)


def _list_next_steps(state: MergeState, resolution: _Resolution) -> list[str]:
    if state.what == "commit" and not resolution.files:
        return []
    versions, stale_tags = resolution.renumbering.versions, resolution.tags
    next_steps: list[str] = []
    if not resolution.left:
        next_steps.append(state.finish)
    if state.what == "rebase" and versions:
        # The next commit of the rebase may stop at what this one moved.
        next_steps.append("mlver resolve")
    if stale_tags.remote is not None:
        next_steps.append(shell_command("git", "fetch", "--tags", stale_tags.remote))
    if versions or stale_tags.object_ids:
        next_steps.append("mlver tag")
    return next_steps
