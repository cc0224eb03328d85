"""`mlver rollback`: give a stage back to the version before, once that version is proven whole."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from mlver.digest import Digest
from mlver.errors import (
    MlverError,
    NewerFormat,
    shell_command,
)
from mlver.policy.chain import judge_history
from mlver.policy.gates.verified import prove_bytes
from mlver.policy.staging import stage_holder
from mlver.project.artifacts import (
    damage,
    undoable_checkout,
    unstored,
    version_inputs,
    working_files,
)
from mlver.project.artifacts.undoable_checkout import AppliedCheckout
from mlver.project.artifacts.working_files import CheckoutLeave, CheckoutOutcome
from mlver.project.edit.edit import PlannedEdit
from mlver.project.edit.protected import refuse_protected
from mlver.project.history.stage_history import (
    StageHistory,
    read_promoted_digests,
    read_rule,
)
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.newer_formats import naming_commits
from mlver.project.remote.fetching import FetchedAhead, fetch_versions
from mlver.project.remote.fetching_ahead import fetch_ahead
from mlver.project.remote.needed import list_needed
from mlver.project.stages import moves
from mlver.project.stages.dates import choose_date
from mlver.project.stages.rollback_request import RollbackRequest, RollbackResult
from mlver.project.stages.rollback_signature import require_signature
from mlver.project.stages.rollback_target import (
    build_target_hint,
    find_target,
    list_former_holders,
)
from mlver.project.stages.shares import StageShares
from mlver.project.stages.withdrawal import (
    complete_result,
    find_unchanged,
    find_withdrawn,
    read_known_shares,
    withdraw_candidate,
)
from mlver.project.tags import trust
from mlver.project.transaction import open_edit
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet
from mlver.version import parse_version


def roll_back_stage(
    project: Project,
    model: str | None,
    *,
    stage: str,
    message: str,
    to: str | None = None,
    checkout: bool = False,
    dry_run: bool = False,
) -> RollbackResult:
    """Move `stage` back, whatever holds it: see `roll_back`."""
    request = RollbackRequest(
        stage=stage, message=message, to=to, checkout=checkout, dry_run=dry_run
    )
    return roll_back(project, model, request)


def roll_back(project: Project, model: str | None, request: RollbackRequest) -> RollbackResult:
    """Move a stage back, if the condition is met: that is looked at under the lock.

    Raise MlverError, with the stage where it was, when any byte of the target is not right.
    """
    request.check_reason(model)
    stage = request.stage
    read_rule(project, stage)
    what = f"rollback {model or stage}"
    ahead = FetchedAhead()
    if not request.dry_run:
        ahead = fetch_ahead(project, what, partial(_find_needed, model, request))
    editing = open_edit(project, what, dry_run=request.dry_run)
    with naming_commits(project.repository), editing as edit:
        # What a killed command left is settled by now: what the records say is so.
        shares = _read_shares(project, model, request)
        unchanged = find_unchanged(shares, request)
        if unchanged is not None:
            return unchanged
        refuse_protected(project)
        candidate = find_withdrawn(shares, request)
        if candidate is not None:
            return withdraw_candidate(project, edit, shares, candidate, request)
        target = choose_target(project, shares.model, stage, request.to)
        if edit is None:
            result = _preview_rollback(project, target, checkout=request.checkout)
        else:
            result = _perform_rollback(project, edit, target, request, ahead)
    result = complete_result(result, shares, request)
    if not request.checkout:
        return result
    report = version_inputs.report_inputs(project, target.record)
    return replace(result, foreign=report.foreign, hints=report.hints)


def _read_shares(project: Project, model: str | None, request: RollbackRequest) -> StageShares:
    resolved_model = project.resolve_model(model)
    history, _ = _read_known_history(project, resolved_model, request.stage)
    return read_known_shares(project, resolved_model, request, history)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackTarget:
    """The version that a stage goes back to; `created` is the date of the rollback."""

    chosen: ResolvedRef
    stage: str
    previous: str | None
    history: StageHistory
    record: VersionRecord
    created: str

    def build_result(
        self, proven: damage.ProvenVersion, checkout: CheckoutOutcome | None
    ) -> RollbackResult:
        return RollbackResult(
            model=self.chosen.model,
            stage=self.stage,
            version=str(self.chosen.version),
            previous=self.previous,
            verified=proven.size,
            unkept=proven.unread,
            checkout=checkout,
        )


def choose_target(project: Project, model: str, stage: str, to: str | None) -> RollbackTarget:
    """Choose the version that a rollback goes to, and find out whether it may be acted on.

    Raise MlverError where there is none, or where what is here is not what was promoted.
    """
    history, unread = _read_known_history(project, model, stage)
    digests = read_promoted_digests(project, model, history)
    broken = judge_history(layout.stage_folder(model, stage), history, digests)
    if unread and to is None:
        raise _build_unread_error(project, model, stage, unread[-1], history)
    if broken:
        # A rollback must not wait for a repair. Its record says what it was built on.
        project.reporter.show_note(
            f"the history of {stage} is damaged ({broken[0].message}): mlver verify --all"
        )
    previous = stage_holder([promotion for promotion, _ in history])
    chosen = find_target(project, model, stage, history, to, previous)
    record, digest = trust.read_vouched_record(project, f"{model}@{chosen.version}")
    trust.show_retirement(project, record)
    # A rollback goes back to what was promoted here before, even where its tag was lost since.
    vouched = {promotion.record for promotion, _ in history}
    trust.require_trusted(project, record, digest, vouched=vouched)
    return RollbackTarget(
        chosen=chosen,
        stage=stage,
        previous=previous,
        history=history,
        record=record,
        # Before every byte is read: one that cannot be dated goes nowhere.
        created=choose_date(project, "rollback", history, record),
    )


def _find_needed(model: str | None, request: RollbackRequest, project: Project) -> DigestSet:
    shares = _read_shares(project, model, request)
    is_unchanged = find_unchanged(shares, request) is not None
    if is_unchanged or find_withdrawn(shares, request) is not None:
        return DigestSet.from_raw(())
    refuse_protected(project)
    target = choose_target(project, shares.model, request.stage, request.to)
    require_signature(project, target.stage, target.chosen, target.history)
    return list_needed(project, [target.record])


def _read_known_history(project: Project, model: str, stage: str) -> tuple[StageHistory, list[str]]:
    """Read a stage's promotions, oldest first; and list those of a newer format, which says nothing
    here, that others follow.

    Raise NewerFormat where the last is of such a format: it decides who holds the stage.
    """
    history: list[tuple[PromotionRecord, Digest]] = []
    unread: list[str] = []
    sequences = project.registry.list_sequences(layout.stage_folder(model, stage))
    for sequence in sequences:
        try:
            history.append(project.registry.read_promotion(model, stage, sequence))
        except NewerFormat as error:
            if sequence == sequences[-1]:
                raise
            unread.append(error.where)
    return history, unread


def _build_unread_error(
    project: Project, model: str, stage: str, path: str, history: StageHistory
) -> MlverError:
    """Who held the stage before is not known, so the person has to say where to go."""
    look = shell_command("mlver", "log", model)
    hints: tuple[str, ...] = (look,)
    *_, (last, _) = history
    others = list_former_holders(history, last.version)
    if others:
        hints = (build_target_hint(project, model, stage, others), look)
    return MlverError(
        f"{path} was written by a newer mlver, so nobody here knows who held {stage} before;"
        " name the version to go back to",
        hints=hints,
    )


def _preview_rollback(
    project: Project, target: RollbackTarget, *, checkout: bool
) -> RollbackResult:
    proven = damage.require_whole(project, target.record)
    if not checkout:
        return target.build_result(proven, None)
    record = unstored.bring_artifacts(project, target.record, dry_run=True).record
    leave = CheckoutLeave(promised=unstored.list_promised(target.record))
    outcome = working_files.check_out_version(project, record, save=True, dry_run=True, leave=leave)
    return target.build_result(proven, outcome)


def _perform_rollback(
    project: Project,
    edit: PlannedEdit,
    target: RollbackTarget,
    request: RollbackRequest,
    ahead: FetchedAhead,
) -> RollbackResult:
    """Put the files in place, then write the record, so that it can be run again."""
    applied = None
    outcome = None
    # Before any file changes: a move that cannot be signed as asked is not made.
    signed = require_signature(project, target.stage, target.chosen, target.history)
    fetch_versions(project, [target.record], ahead=ahead)
    if request.checkout:
        applied, proven = _check_out_target(project, target)
        outcome = applied.outcome
    else:
        proven = damage.require_whole(project, target.record, repairing=True)
    # A rollback asks no gate of the stage, so its record says what was proven instead.
    gates = (prove_bytes(f"{proven.size} bytes checked", proven.unread), *signed)
    move = moves.StageMove(
        chosen=target.chosen,
        stage=target.stage,
        action="rollback",
        message=request.complete_message,
        created=target.created,
        gates=gates,
        because=request.condition.because,
    )
    moved = _move_stage(project, edit, move, target.history, applied)
    result = target.build_result(proven, outcome)
    return replace(
        result,
        sequence=moved.record.sequence,
        commit=moved.commit,
        seal=moved.seal,
        dry_run=False,
    )


def _move_stage(
    project: Project,
    edit: PlannedEdit,
    move: moves.StageMove,
    history: StageHistory,
    applied: AppliedCheckout | None,
) -> moves.MovedStage:
    """Write the record; what was checked out is undone where that fails."""
    description = f"rollback {move.chosen.model} {move.stage}"
    try:
        return moves.move_stage(project, edit, move, history, description=description)
    except BaseException as error:
        # The commit may have landed although the command failed after it.
        if applied is not None and not _has_moved(project, move.chosen, move.stage):
            _undo_checkout(project, applied, error)
        raise


def _check_out_target(
    project: Project, target: RollbackTarget
) -> tuple[AppliedCheckout, damage.ProvenVersion]:
    """Put the target's files in place; every byte of it is proven before the first one goes."""
    former = None
    # It only tells which files are likely to be there.
    with suppress(MlverError):
        if target.previous is not None:
            version = parse_version(target.previous)
            former, _ = project.registry.read_version(target.chosen.model, version)
    record = target.record
    if not all(artifact.is_plain for artifact in record.named_artifacts().values()):
        # It is asked of who keeps the bytes, so before they are brought.
        proven = damage.require_whole(project, record, repairing=True)
        record = unstored.bring_artifacts(project, record).record
        applied = undoable_checkout.replace_working_files(project, record, former, _agree)
        return applied, proven
    prove_rest = partial(_prove_rest, project, record)
    try:
        applied = undoable_checkout.replace_working_files(project, record, former, prove_rest)
    except MlverError:
        # Where the version lacks something, a manifest perhaps, this says all of it, and sets
        # damaged copies aside. Other errors stay as they are.
        damage.require_whole(project, record, repairing=True)
        raise
    return applied, damage.ProvenVersion.of_record(record)


def _prove_rest(project: Project, record: VersionRecord, written: DigestSet) -> None:
    damage.require_whole(project, record, repairing=True, left_out=written)


def _agree(_: DigestSet) -> None:
    """Everything was proven before."""


def _undo_checkout(project: Project, applied: AppliedCheckout, error: BaseException) -> None:
    """Put the working files back; where that fails too, `error` stays what the person is told."""
    try:
        undoable_checkout.put_files_back(project, applied)
    except (MlverError, OSError, MemoryError) as second_error:
        notes = [f"the working files were not put back as they were: {second_error}"]
        for path, digest in applied.outcome.saved:
            notes.append(f"the unregistered bytes of {path} are kept: sha256:{digest}")
        for note in notes:
            error.add_note(note)
            project.reporter.show_note(note)


def _has_moved(project: Project, chosen: ResolvedRef, stage: str) -> bool:
    """Say whether the stage has moved in spite of a failure: then its files stay."""
    holder = project.registry.find_holder(chosen.model, stage)
    return holder is not None and holder.version == str(chosen.version)
