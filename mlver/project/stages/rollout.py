"""`mlver rollout`: give a version a share of a stage's traffic, when the stage's gates are open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from mlver.errors import MlverError, shell_command
from mlver.policy.rollouts import omit_verdict
from mlver.project.artifacts.whole import store_whole
from mlver.project.edit.edit import PlannedEdit
from mlver.project.edit.protected import refuse_protected
from mlver.project.history.policies import JudgingRules, read_judging_rules
from mlver.project.history.stage_history import read_rule, require_whole_history
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.attached import find_last_link
from mlver.project.registry.newer_formats import naming_commits
from mlver.project.remote.fetching import FetchedAhead
from mlver.project.remote.fetching_ahead import fetch_ahead
from mlver.project.remote.needed import list_needed
from mlver.project.stages.candidate import find_opening, reads_bytes
from mlver.project.stages.dates import choose_date
from mlver.project.stages.entry import JudgedEntry, judge_entry
from mlver.project.stages.rollout_request import (
    RolloutOutcome,
    RolloutRequest,
    RolloutResult,
    TrafficPlan,
)
from mlver.project.stages.shares import (
    StageShares,
    build_withdrawal,
    read_shares,
    require_committed_rollouts,
    write_rollout,
)
from mlver.project.tags.trust import require_unretired
from mlver.project.transaction import open_edit
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from mlver.records.references import VersionReference
from mlver.records.rollout import RolloutRecord
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet


def roll_out(project: Project, ref: str, request: RolloutRequest) -> RolloutResult:
    """Open a rollout of the version that `ref` names, move its share, or withdraw it.

    A shut gate leaves everything as it was, unless `force`. Raise MlverError where no version holds
    the stage, or another candidate has a share of it.
    """
    request.check(ref)
    stage = request.stage
    read_rule(project, stage)
    refuse_protected(project)
    what = f"rollout {ref} to {stage}"
    ahead: FetchedAhead | None = None
    if not request.dry_run:
        ahead = fetch_ahead(project, what, partial(_find_needed, ref, request))
    editing = open_edit(project, what, dry_run=request.dry_run)
    with naming_commits(project.repository), editing as edit:
        # Under the lock, so that what the gates judge is what the record is written on.
        planned = _plan_rollout(project, ref, request)
        if planned.traffic.ends:
            return _withdraw(project, planned, request, edit)
        return _give_share(project, planned, request, edit, ahead)


def _give_share(
    project: Project,
    planned: _PlannedRollout,
    request: RolloutRequest,
    edit: PlannedEdit | None,
    ahead: FetchedAhead | None,
) -> RolloutResult:
    current = planned.shares.current
    if current is not None and planned.traffic.is_as_recorded(current):
        return planned.build_result("already", dry_run=request.dry_run)
    judging = _read_rules(project, request.stage)
    judged = _judge_share(project, planned, judging, ahead)
    if not judged.is_open and not request.force:
        refused = planned.build_result("refused", dry_run=request.dry_run)
        return replace(refused, gates=judged.gates)
    outcome: RolloutOutcome = "opened" if current is None else "moved"
    result = planned.build_result(outcome, dry_run=request.dry_run)
    result = replace(result, gates=judged.gates, forced=not judged.is_open)
    record = _build_share(project, planned, request, judging, judged)
    if edit is None:
        return result
    # Whoever serves it needs all of its bytes.
    store_whole(project, planned.chosen)
    return _write(project, edit, record, result)


def _write(
    project: Project, edit: PlannedEdit, record: RolloutRecord, result: RolloutResult
) -> RolloutResult:
    commit = write_rollout(project, edit, record)
    return replace(result, sequence=record.sequence, path=record.record_path, commit=commit)


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlannedRollout:
    """A candidate of a stage, and how the traffic is to be shared with the holder."""

    chosen: ResolvedRef
    version: VersionRecord
    shares: StageShares
    baseline: VersionReference
    traffic: TrafficPlan

    def build_result(self, outcome: RolloutOutcome, *, dry_run: bool) -> RolloutResult:
        current = self.shares.current
        return RolloutResult(
            model=self.chosen.model,
            version=str(self.chosen.version),
            stage=self.shares.stage,
            baseline=self.baseline.version,
            strategy=self.traffic.strategy,
            share=self.traffic.share,
            previous=None if current is None else current.share,
            header=self.traffic.header,
            outcome=outcome,
            dry_run=dry_run,
        )


def _plan_rollout(project: Project, ref: str, request: RolloutRequest) -> _PlannedRollout:
    """Find out what a rollout would change; raise MlverError where that cannot be."""
    chosen = project.resolve_ref(ref)
    stage = request.stage
    history = require_whole_history(project, chosen.model, stage)
    require_committed_rollouts(project, chosen.model, stage)
    shares = read_shares(project, chosen.model, stage, history)
    if shares.holder is None:
        raise _build_unheld_error(chosen, stage)
    current = shares.current
    if current is not None and current.version != str(chosen.version):
        raise _build_taken_error(current)
    traffic = request.plan_traffic(current)
    if not traffic.ends:
        if str(chosen.version) == shares.holder.version:
            raise _build_holder_error(chosen, stage)
        require_unretired(project, chosen, stage)
    version, _ = project.registry.read_version(chosen.model, chosen.version)
    return _PlannedRollout(
        chosen=chosen,
        version=version,
        shares=shares,
        baseline=shares.holder,
        traffic=traffic,
    )


def _read_rules(project: Project, stage: str) -> JudgingRules:
    """Read what judges a share: the rules of the stage, but for the gate `verdict`."""
    judging = read_judging_rules(project, stage)
    return replace(judging, policies=tuple(map(omit_verdict, judging.policies)))


def _build_unheld_error(chosen: ResolvedRef, stage: str) -> MlverError:
    ref = f"{chosen.model}@{chosen.version}"
    return MlverError(
        f"no version of {chosen.model} holds {stage}, so there is no traffic to share",
        hint=shell_command("mlver", "promote", ref, "--to", stage, "-m", "WHY"),
    )


def _build_holder_error(chosen: ResolvedRef, stage: str) -> MlverError:
    return MlverError(
        f"{chosen.model} {chosen.version} holds {stage} already, so it has all of the traffic",
        hint=shell_command("mlver", "log", chosen.model, "--stage", stage),
    )


def _build_taken_error(current: RolloutRecord) -> MlverError:
    ref = f"{current.model}@{current.version}"
    words = ("mlver", "rollout", ref, "--to", current.stage, "--withdraw", "-m", "WHY")
    return MlverError(
        f"{current.model} {current.version} is rolled out to {current.stage} already"
        f" ({current.share:g} %), and a stage has one rollout at a time",
        hint=shell_command(*words),
    )


def _find_needed(ref: str, request: RolloutRequest, project: Project) -> DigestSet:
    """What the gates read of the version."""
    planned = _plan_rollout(project, ref, request)
    policies = _read_rules(project, request.stage).policies
    if not planned.traffic.share or not reads_bytes(policies):
        return DigestSet.from_raw(())
    return list_needed(project, [planned.version])


def _judge_share(
    project: Project,
    planned: _PlannedRollout,
    judging: JudgingRules,
    ahead: FetchedAhead | None,
) -> JudgedEntry:
    """Ask the gates, where the candidate is to answer anything."""
    if not planned.traffic.share:
        return JudgedEntry((), ())
    return judge_entry(project, planned.shares.stage, planned.version, judging, ahead)


def _withdraw(
    project: Project, planned: _PlannedRollout, request: RolloutRequest, edit: PlannedEdit | None
) -> RolloutResult:
    """End the open rollout; whoever was interrupted runs the command again, and means one end."""
    current, last = planned.shares.current, planned.shares.last
    if current is None:
        is_over = last is not None and last.action == "withdraw"
        if last is None or not is_over or last.version != str(planned.chosen.version):
            raise MlverError(
                f"{planned.chosen.model} {planned.chosen.version} has no open rollout to"
                f" {request.stage}",
                hint=shell_command("mlver", "stages", planned.chosen.model),
            )
        return planned.build_result("already", dry_run=request.dry_run)
    result = planned.build_result("withdrawn", dry_run=request.dry_run)
    result = replace(result, strategy=current.strategy)
    if edit is None:
        return result
    record = build_withdrawal(project, planned.shares, current, request.message)
    return _write(project, edit, record, result)


def _build_share(
    project: Project,
    planned: _PlannedRollout,
    request: RolloutRequest,
    judging: JudgingRules,
    judged: JudgedEntry,
) -> RolloutRecord:
    shares, traffic = planned.shares, planned.traffic
    model, stage = planned.chosen.model, shares.stage
    sequence, prior = find_last_link(
        project.registry, layout.attached_folder("rollout", model, stage)
    )
    followed: list[PromotionRecord | RolloutRecord] = [
        *find_opening(project, planned.chosen, judging.policies)
    ]
    if shares.last is not None:
        followed.append(shares.last)
    _, digest = project.registry.read_version(model, planned.chosen.version)
    return RolloutRecord(
        model=model,
        stage=stage,
        sequence=sequence + 1,
        action="open" if shares.current is None else "move",
        version=str(planned.chosen.version),
        strategy=traffic.strategy,
        share=traffic.share,
        header=traffic.header,
        created=choose_date(project, "promote", shares.history, planned.version, followed),
        author=project.repository.author(),
        message=request.message.strip(),
        baseline=planned.baseline,
        policy=judging.reference if traffic.share else None,
        gates=judged.gates,
        approvals=judged.approvals,
        forced=not judged.is_open,
        record=digest,
        prior=prior,
    )
