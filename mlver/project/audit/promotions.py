"""Judging promotions again: what their records say, against the rule, the dates and git's people.

Everything that can be judged without the bytes of the versions is: dates, the set of gates, `after`
from the chains, and who made the commit. Promotions of format 1 hold none of that and are exempt.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mlver.digest import Digest
from mlver.errors import MlverError, summarise_error
from mlver.findings import Finding
from mlver.git.commit_log import CommitEntry
from mlver.git.process import FETCH_HINT
from mlver.policy.looser import list_loosenings
from mlver.policy.promotion_dates import find_backdating
from mlver.policy.promotion_rules import (
    find_gate_faults,
    find_rollback_faults,
    list_asked_gates,
    list_claimed_stages,
)
from mlver.policy.recorded_words import find_invented_terms
from mlver.policy.rollouts import omit_verdict
from mlver.policy.stage_policy import StagePolicy
from mlver.project.audit.adopted_promotions import find_adopted
from mlver.project.audit.dated_evidence import DatedEvidence
from mlver.project.audit.former_formats import (
    JUDGED_FORMAT,
    FormatOrder,
    order_formats,
)
from mlver.project.audit.gate_evidence import EvidenceReader
from mlver.project.audit.held_stages import HeldStages
from mlver.project.audit.judged_rollouts import (
    find_rollout_faults,
    find_rollout_originals,
    list_judged_rollouts,
)
from mlver.project.audit.named_policies import NamedPolicies, read_named_policies
from mlver.project.audit.outdated_rules import is_race, lacks_prior
from mlver.project.audit.plain_secrets import find_plain_secrets
from mlver.project.audit.promotion_claims import find_baseline_faults, find_false_approvals
from mlver.project.audit.promotion_index import PromotionIndex, index_promotions
from mlver.project.audit.promotion_landings import LandingFinder
from mlver.project.audit.record_authors import (
    find_unconfirmed,
    list_judged,
    name_seal,
    report,
)
from mlver.project.audit.record_history import (
    RecordHistory,
    SealedRecord,
    find_originals,
    read_record_history,
    read_walked_history,
)
from mlver.project.audit.recorded_approvals import find_uncounted
from mlver.project.audit.rule_changes import find_weakening
from mlver.project.audit.unconfirmed_versions import (
    find_late_versions,
    find_unconfirmed_versions,
    select_judged,
)
from mlver.project.history.renumbered import judge_renumbering
from mlver.project.history.stage_history import StageHistory
from mlver.project.project import Project
from mlver.project.tags.seen_tags import SeenTags
from mlver.records import layout
from mlver.records.promotion import GateResult, PromotionRecord
from mlver.records.version import VersionRecord

VersionFinder = Callable[[str, str], VersionRecord | None]


@dataclass(frozen=True, slots=True)
class PromotionReport:
    """What is wrong with promotions and versions, and those whose author nothing confirms.

    `notes` say what could not be judged in this clone. `history` and `policies` are what was judged
    by; None where nothing was.
    """

    findings: tuple[Finding, ...] = ()
    unconfirmed: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    history: RecordHistory | None = None
    policies: NamedPolicies | None = None


def judge_promotions(
    project: Project, chains: Sequence[StageHistory], versions: Iterable[VersionRecord]
) -> PromotionReport:
    """Judge again the promotions of these chains, and these versions, by the history of HEAD.

    `versions` are the records of versions that can be read.
    """
    by_name = {(record.model, record.version): record for record in versions}
    is_empty = not by_name and not any(chains)
    if is_empty or project.repository.head().commit is None:
        return PromotionReport()
    try:
        return _judge_chains(project, chains, by_name)
    except MlverError as error:
        return PromotionReport(
            (Finding("name", layout.MODELS, summarise_error(error), error.hints),)
        )


def _judge_chains(
    project: Project,
    chains: Sequence[StageHistory],
    versions: Mapping[tuple[str, str], VersionRecord],
) -> PromotionReport:
    judged, rollouts = list_judged(chains), list_judged_rollouts(project, chains)
    promotions = [record for chain in chains for record, _ in chain]
    history = _read_history(project, [*promotions, *versions.values()])
    repository = project.repository
    named = [*judged, *(rollout.record for rollout in rollouts)]
    policies = read_named_policies(repository, history, named, ["HEAD"])
    sealed: list[SealedRecord] = [*judged, *versions.values()]
    verdicts = judge_renumbering(repository, sealed, walk=project.walk)
    originals = find_originals(repository, history, sealed, verdicts)
    originals.update(find_rollout_originals(repository, history, rollouts))
    order = order_formats(repository, history, sealed, verdicts)
    tags = SeenTags(project)

    find_version = _find_among(versions)
    evidence = EvidenceReader(project, history, find_version)
    judge = PromotionJudge(
        history, policies, find_version, index_promotions(chains), originals, order, tags, evidence
    )
    adopted = find_adopted(tags, history, chains)
    own = [record for record in judged if record.record_path not in adopted]
    registered = select_judged(order, versions.values())
    found = [
        *order.find_late(promotions),
        *judge.judge_chains(chains, adopted),
        *find_rollout_faults(judge, rollouts),
        *find_false_approvals(project, own),
        *find_uncounted(project, policies, _list_with_earlier(chains, own), find_version),
        *find_weakening(history, policies, own),
        *find_unconfirmed(tags, history, originals, own),
        *find_plain_secrets(history, versions.values()),
        *find_late_versions(tags, history, originals, registered),
        *find_unconfirmed_versions(tags, history, originals, registered),
    ]
    return _build_report(found, history, policies)


def _find_among(versions: Mapping[tuple[str, str], VersionRecord]) -> VersionFinder:
    def find_version(model: str, version: str) -> VersionRecord | None:
        return versions.get((model, version))

    return find_version


def _read_history(project: Project, records: Iterable[SealedRecord]) -> RecordHistory:
    models = {record.model for record in records}
    if project.walk is not None:
        return read_walked_history(project, models)
    return read_record_history(project.repository, models, everything=True)


def _build_report(
    found: Sequence[Finding], history: RecordHistory, policies: NamedPolicies
) -> PromotionReport:
    """Tell what is wrong for certain from what only nothing confirms."""
    certain = [finding for finding in found if finding.kind != "unconfirmed"]
    unconfirmed = [finding for finding in found if finding.kind == "unconfirmed"]
    notes = tuple(_find_lacking(history, policies))
    return PromotionReport(tuple(certain), tuple(unconfirmed), notes, history, policies)


def _list_with_earlier(
    chains: Sequence[StageHistory], own: Sequence[PromotionRecord]
) -> Iterator[tuple[PromotionRecord, Sequence[PromotionRecord]]]:
    """List these promotions, each with those before it in its stage."""
    paths = {record.record_path for record in own}
    for chain in chains:
        promotions = [record for record, _ in chain]
        for position, record in enumerate(promotions):
            if record.record_path in paths:
                yield record, promotions[:position]


def _find_lacking(history: RecordHistory, policies: NamedPolicies) -> Iterator[Finding]:
    """Say that a partial clone lacks rules by which promotions were judged."""
    if history.lacking or policies.lacking:
        message = (
            "this partial clone lacks contents that these settings had, so the promotions that"
            " they judged were not judged again in full"
        )
        yield Finding("clone", layout.CONFIG, message, (FETCH_HINT,))


def _select_asked(record: PromotionRecord, policy: StagePolicy) -> StagePolicy:
    """Leave out of a policy what it does not ask of a rollout."""
    return policy if record.is_sealed else omit_verdict(policy)


@dataclass(frozen=True, slots=True)
class PromotionJudge:
    """Judges promotions by the history that landed them.

    `originals` are the commits that added those which a merge renumbered since.
    """

    history: RecordHistory
    policies: NamedPolicies
    find_version: VersionFinder
    index: PromotionIndex
    originals: Mapping[str, Sequence[CommitEntry]]
    order: FormatOrder
    tags: SeenTags
    evidence: EvidenceReader
    tip: str | None = "HEAD"
    # The gates that a policy asks for, by its identity: few policies judge many promotions.
    _asked: dict[int, tuple[StagePolicy, Sequence[GateResult]]] = field(
        init=False, default_factory=dict
    )

    def judge_chains(
        self, chains: Sequence[StageHistory], adopted: Collection[str]
    ) -> Iterator[Finding]:
        """Judge all promotions but those at the paths `adopted`."""
        for chain in chains:
            before: PromotionRecord | None = None
            held: set[tuple[str, Digest]] = set()
            follows_old = True
            for record, _ in chain:
                is_old = self.order.precedes_judging(record, follows_old=follows_old)
                follows_old = follows_old and is_old
                if record.format >= JUDGED_FORMAT and record.record_path not in adopted:
                    yield from self.judge_promotion(record, before, held=held, is_old=is_old)
                    if lacks_prior(self.history, record):
                        message = "was added where the promotion that it follows was not"
                        yield report(record, "chain", message)
                before = record
                held.add((record.version, record.record))

    def judge_promotion(
        self,
        record: PromotionRecord,
        before: PromotionRecord | None,
        *,
        held: Collection[tuple[str, Digest]],
        is_old: bool,
    ) -> Iterator[Finding]:
        """Judge one promotion, or a rollout in the form of one, after `before`.

        `held` are the versions that the stage held earlier, each with the digest of its record.
        `is_old`: it precedes judging.
        """
        yield from self.judge_date(record, before)
        if is_old:
            return
        for message in (*find_baseline_faults(record, before, held), *find_gate_faults(record)):
            yield report(record, "gate", message)
        if record.action == "rollback":
            was_held = (record.version, record.record) in held
            for message in find_rollback_faults(record, was_held=was_held):
                yield report(record, "gate", message)
        if record.action != "promote":
            return
        proof = self.policies.prove_reference(record)
        if proof.fault is not None:
            yield report(record, "policy", proof.fault)
        if proof.policy is not None:
            yield from self._judge_gates(record, _select_asked(record, proof.policy), before)
        for stage in list_claimed_stages(record):
            if not self._has_held(record, stage):
                message = f"says that {record.version} had held {stage}, which it had not"
                yield report(record, "gate", message)

    def judge_date(
        self, record: PromotionRecord, before: PromotionRecord | None
    ) -> Iterator[Finding]:
        follows = None
        # A merge may have put it behind one that is younger than it, which only history can tell.
        is_moved = record.record_path in self.originals or (
            record.renumbered is not None and self.history.incomplete
        )
        if before is not None and not is_moved:
            follows = before.created
        version = self.find_version(record.model, record.version)
        registered = None
        if version is not None:
            registered = version.created
        # Of one that was replayed and dated again, only the commit that did so says when.
        landings = self.history.additions.get(record.record_path, ())
        times = [entry.committed for entry in landings if entry.committed is not None]
        committed = max(times, default=None) if len(times) == len(landings) else None
        message = find_backdating(
            record, follows=follows, registered=registered, committed=committed
        )
        if message is not None and committed is not None and record.is_sealed:
            # A rebase can give commits older dates.
            sealed = self.tags.find_times([name_seal(record)]).get(name_seal(record), committed)
            message = find_backdating(
                record, follows=follows, registered=registered, committed=max(committed, sealed)
            )
        if message is not None:
            yield report(record, "date", message)

    def _judge_gates(
        self, record: PromotionRecord, policy: StagePolicy, before: PromotionRecord | None
    ) -> Iterator[Finding]:
        missing = self._list_missing(record, policy)
        for name in missing:
            yield report(record, "gate", f"lacks the gate `{name}`, which its policy asks for")
        if missing:
            return
        for words in find_invented_terms(record, self._list_asked(policy)):
            yield report(record, "gate", words)
        landings = self.landings.find(record)
        for fault in self.evidence.find_faults(record, policy, before, landings):
            yield report(record, "unconfirmed" if fault.is_doubt else "gate", fault.words)
        yield from self._judge_dated(record, policy, is_first=before is None)
        for entry in self.history.additions.get(record.record_path, ()):
            rule = self.policies.find_rule(self.history.grounds[entry.commit], record.stage)
            if rule is None:
                continue
            landed_on = _select_asked(record, rule[0])
            if not self._list_missing(record, landed_on):
                continue
            loosenings = list_loosenings(policy, landed_on)
            if loosenings and not is_race(self.policies, record, policy, entry):
                message = (
                    f"was judged by an outdated rule, looser than the one that it landed on:"
                    f" {'; '.join(loosenings)}"
                )
                yield report(record, "policy", message)
                return

    def _list_asked(self, policy: StagePolicy) -> Sequence[GateResult]:
        if id(policy) not in self._asked:
            # Kept with the policy, so that its identity stays its own.
            self._asked[id(policy)] = (policy, list_asked_gates(policy))
        _, asked = self._asked[id(policy)]
        return asked

    def _list_missing(self, record: PromotionRecord, policy: StagePolicy) -> list[str]:
        recorded = {gate.gate for gate in record.gates}
        return [gate.gate for gate in self._list_asked(policy) if gate.gate not in recorded]

    def _has_held(self, record: PromotionRecord, stage: str) -> bool:
        """Say whether the version that a promotion is of had held a stage when it landed."""
        landings = self.list_landings(record)
        for promotion in self.index.list_moves(record, stage):
            # A squash brings both at once, and only their dates tell. Behind a merge, a promotion
            # may be dated as what it follows.
            if promotion.renumbered is None and promotion.created > record.created:
                continue
            earlier = self.list_landings(promotion)
            if not landings or not earlier:
                return True  # it lies before what is known of the history
            for entry in earlier:
                if any(self.history.is_before(entry, landing) for landing in landings):
                    return True
        return False

    def _judge_dated(
        self, record: PromotionRecord, policy: StagePolicy, *, is_first: bool
    ) -> Iterator[Finding]:
        version = self.find_version(record.model, record.version)
        if version is None or record.forced:
            return
        dated = DatedEvidence(
            self.evidence.project,
            self.tip,
            HeldStages(self.index, self.landings),
            self.landings,
            self.evidence.drills,
        )
        for fault in dated.find_faults(record, policy, version, is_first=is_first):
            yield report(record, "gate", fault)

    @property
    def landings(self) -> LandingFinder:
        return LandingFinder(self.history, self.originals)

    def list_landings(self, record: PromotionRecord) -> Sequence[CommitEntry]:
        return self.landings.find(record).all
