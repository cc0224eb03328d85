"""Promotions that are about to come in, judged again before they land.

A range of commits is judged more strictly than what has landed: by the rule of the branch that it
is to land on, so that no range weakens a rule and promotes under it; and its authors have to be
confirmed, since its own commits are all there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from mlver.errors import MlverError
from mlver.findings import Finding
from mlver.git.process import build_lacking_error
from mlver.policy.promotion_rules import (
    is_without_policy,
    list_claimed_stages,
)
from mlver.policy.renumbering import ClaimVerdicts
from mlver.project.audit.adopted_promotions import find_adopted
from mlver.project.audit.former_formats import (
    JUDGED_FORMAT,
    FormatOrder,
    find_aged,
)
from mlver.project.audit.gate_evidence import EvidenceReader
from mlver.project.audit.incoming import IncomingChanges
from mlver.project.audit.incoming_formats import order_incoming
from mlver.project.audit.incoming_rules import compare_with_base, read_base, read_brought
from mlver.project.audit.judged_rollouts import (
    JudgedRollout,
    find_false_closings,
    find_overtaken,
    find_rollout_originals,
    find_unshown_rollouts,
    judge_rollouts,
    list_judged_rollouts,
)
from mlver.project.audit.missing_origins import find_missing_origins
from mlver.project.audit.named_policies import NamedPolicies, read_named_policies
from mlver.project.audit.promotion_claims import find_false_approvals
from mlver.project.audit.promotion_index import index_promotions
from mlver.project.audit.promotions import PromotionJudge, VersionFinder
from mlver.project.audit.record_authors import find_unconfirmed
from mlver.project.audit.record_history import (
    EMPTY_HISTORY,
    RecordHistory,
    find_originals,
    read_record_history,
)
from mlver.project.audit.recorded_approvals import find_uncounted
from mlver.project.history.policies import (
    CommittedSettings,
)
from mlver.project.history.renumbered import describe_claim, judge_renumbering
from mlver.project.history.stage_history import StageHistory
from mlver.project.project import Project
from mlver.records import file_names
from mlver.records.promotion import PromotionRecord
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True)
class _IncomingPromotion:
    """A promotion that comes in, and those before it in its stage."""

    record: PromotionRecord
    earlier: Sequence[PromotionRecord]

    def is_old(self, order: FormatOrder) -> bool:
        """Say whether it precedes judging."""
        follows_old = True
        if is_without_policy(self.record):
            for record in self.earlier:
                follows_old = order.precedes_judging(record, follows_old=follows_old)
        return order.precedes_judging(self.record, follows_old=follows_old)

    def judge_again(self, judge: PromotionJudge) -> Iterator[Finding]:
        record = self.record
        held = {(earlier.version, earlier.record) for earlier in self.earlier}
        before = self.earlier[-1] if self.earlier else None
        is_old = self.is_old(judge.order)
        return judge.judge_promotion(record, before, held=held, is_old=is_old)


def judge_incoming_promotions(
    incoming: IncomingChanges, paths: Sequence[str], chains: Sequence[StageHistory]
) -> Iterator[Finding]:
    """Judge again the promotions at these paths, which these chains hold."""
    arriving = _select_promotions(paths, chains)
    rollouts = _select_rollouts(incoming, paths, chains)
    # What a merge that is to be made brings was judged where it was made.
    if not (arriving or rollouts) or (incoming.tip is None and incoming.base is None):
        return
    project = incoming.project
    repository = project.repository
    records = [promotion.record for promotion in arriving]
    named = [*records, *(rollout.record for rollout in rollouts)]
    history = _read_history(incoming, {record.model for record in named})
    base = read_base(incoming)
    policies = _read_policies(incoming, history, named, base)
    verdicts = _judge_claims(incoming, records)
    originals = find_originals(repository, history, records, verdicts)
    originals.update(find_rollout_originals(repository, history, rollouts))
    aged = find_aged(repository, history, records, verdicts)
    order = order_incoming(incoming, history, aged, records)
    yield from order.find_late(records)
    tags = incoming.seen_tags
    finder = _find_versions(project)
    index = index_promotions([*chains, *_read_claimed(project, named, chains)])
    evidence = EvidenceReader(project, history, finder)
    judge = PromotionJudge(
        history, policies, finder, index, originals, order, tags, evidence, incoming.tip
    )
    adopted = find_adopted(tags, history, chains)
    judged = _select_judged(arriving, adopted, incoming, judge)
    yield from _judge_landing(incoming, judge, base, judged)
    listed = list_judged_rollouts(project, chains)
    for promotion in judged:
        yield from find_false_closings(project, promotion.record, promotion.earlier, listed)
    yield from _judge_rollouts(incoming, judge, base, rollouts)
    yield from _find_unshown(history, verdicts, [promotion.record for promotion in judged])


def _judge_landing(
    incoming: IncomingChanges,
    judge: PromotionJudge,
    base: CommittedSettings,
    judged: Sequence[_IncomingPromotion],
) -> Iterator[Finding]:
    """Judge the promotions that land here."""
    project, policies, tip = incoming.project, judge.policies, incoming.tip
    landed = [promotion.record for promotion in judged]
    for promotion in judged:
        # Nobody keeps samples beside every clone: that they are not here is no fault of a push.
        yield from (one for one in promotion.judge_again(judge) if one.kind != "unconfirmed")
        yield from compare_with_base(incoming, policies, base, promotion.record)
    yield from find_false_approvals(project, landed)
    chained = [(one.record, one.earlier) for one in judged]
    finder = judge.find_version
    yield from find_uncounted(project, policies, chained, finder, tip=tip, base=incoming.base)
    yield from find_unconfirmed(judge.tags, judge.history, judge.originals, landed, tip=tip)
    yield from find_missing_origins(judge.tags, landed)


def _read_policies(
    incoming: IncomingChanges,
    history: RecordHistory,
    records: Sequence[PromotionRecord],
    base: CommittedSettings,
) -> NamedPolicies:
    """Read the policies that the promotions name; raise MlverError where this clone lacks any."""
    policies = read_named_policies(
        incoming.project.repository,
        history,
        records,
        _list_tips(incoming),
        (base, read_brought(incoming)),
        before=incoming.base,
    )
    if history.lacking or policies.lacking:
        raise build_lacking_error()
    return policies


def _judge_claims(incoming: IncomingChanges, records: Sequence[PromotionRecord]) -> ClaimVerdicts:
    if incoming.tip is None:
        return ClaimVerdicts({}, ())
    return judge_renumbering(incoming.project.repository, records, incoming.tip)


def _select_judged(
    arriving: Sequence[_IncomingPromotion],
    adopted: Collection[str],
    incoming: IncomingChanges,
    judge: PromotionJudge,
) -> list[_IncomingPromotion]:
    judged: list[_IncomingPromotion] = []
    for promotion in arriving:
        is_adopted = promotion.record.record_path in adopted
        if not is_adopted and _is_to_be_judged(promotion.record, incoming, judge):
            judged.append(promotion)
    return judged


def _is_to_be_judged(
    record: PromotionRecord, incoming: IncomingChanges, judge: PromotionJudge
) -> bool:
    if record.format < JUDGED_FORMAT:
        return False
    # Where there are none, a merge took it from where it landed.
    return incoming.tip is None or bool(judge.list_landings(record))


def _list_tips(incoming: IncomingChanges) -> list[str]:
    # Where a push arrives, HEAD may name a branch that has no commit yet.
    head = incoming.project.repository.head().commit
    return [tip for tip in (incoming.tip, incoming.base, head) if tip is not None]


def _read_history(incoming: IncomingChanges, models: Collection[str]) -> RecordHistory:
    if incoming.tip is None:
        return EMPTY_HISTORY
    return read_record_history(
        incoming.project.repository, models, incoming.tip, incoming.without, everything=True
    )


def _find_unshown(
    history: RecordHistory, verdicts: ClaimVerdicts, records: Sequence[PromotionRecord]
) -> Iterator[Finding]:
    """Find the promotions that say they had another number, where no merge shows it."""
    if history.incomplete:
        return
    paths = {record.record_path for record in records}
    for copy in verdicts.unconfirmed:
        if copy.record.record_path in paths:
            yield describe_claim(copy, shallow=False)


def _select_promotions(
    paths: Sequence[str], chains: Sequence[StageHistory]
) -> list[_IncomingPromotion]:
    wanted = set(paths)
    arriving: list[_IncomingPromotion] = []
    for chain in chains:
        promotions = [record for record, _ in chain]
        for position, record in enumerate(promotions):
            if record.record_path in wanted:
                arriving.append(_IncomingPromotion(record, promotions[:position]))
    return arriving


def _select_rollouts(
    incoming: IncomingChanges, paths: Sequence[str], chains: Sequence[StageHistory]
) -> list[JudgedRollout]:
    wanted = set(paths)
    listed = list_judged_rollouts(incoming.project, chains)
    return [rollout for rollout in listed if rollout.record.record_path in wanted]


def _judge_rollouts(
    incoming: IncomingChanges,
    judge: PromotionJudge,
    base: CommittedSettings,
    rollouts: Sequence[JudgedRollout],
) -> Iterator[Finding]:
    """Judge the rollouts that land here: the others a merge took from where they did."""
    project, policies = incoming.project, judge.policies
    landed: list[JudgedRollout] = []
    for rollout in rollouts:
        record = rollout.record
        if incoming.tip is not None and not judge.list_landings(record):
            continue
        landed.append(rollout)
        yield from (one for one in judge_rollouts(judge, [rollout]) if one.kind != "unconfirmed")
        yield from compare_with_base(incoming, policies, base, record)
    chained = [(rollout.record, rollout.earlier) for rollout in landed]
    yield from find_false_approvals(project, [record for record, _ in chained])
    yield from find_uncounted(
        project, policies, chained, judge.find_version, tip=incoming.tip, base=incoming.base
    )
    # Before they are committed, nothing tells who made them, and when.
    if incoming.tip is not None:
        yield from find_unshown_rollouts(judge.history, judge.originals, landed)
        yield from find_overtaken(judge, landed)


def _read_claimed(
    project: Project, records: Sequence[PromotionRecord], chains: Sequence[StageHistory]
) -> Iterator[StageHistory]:
    """Read the chains of the other stages that versions are said to have held."""
    known = {(record.model, record.stage) for chain in chains for record, _ in chain}
    claimed: dict[tuple[str, str], None] = {}
    for record in records:
        for stage in list_claimed_stages(record):
            claimed[record.model, stage] = None
    for model, stage in claimed:
        if (model, stage) in known or not file_names.is_stage_name(stage):
            continue
        try:
            yield project.registry.read_history(model, stage)
        except MlverError:
            continue  # its own check names it


def _find_versions(project: Project) -> VersionFinder:
    def find_version(model: str, version: str) -> VersionRecord | None:
        try:
            record, _ = project.registry.read_version(model, version)
        except MlverError:
            return None  # named for what it is already
        return record

    return find_version
