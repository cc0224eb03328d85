"""What the gates of a stage are told of a version: a function for each part of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.git.main_branch import find_main_branch
from mlver.git.main_line import read_main_line
from mlver.policy.approvals import ApprovalFacts, SignatureFacts
from mlver.policy.gates.gate import AskedStage, HeldStage, RecordedVersion, StageCandidate
from mlver.policy.gates.sampled import asks_samples
from mlver.policy.promotion_dates import count_seconds
from mlver.policy.recoverability import Recoverability
from mlver.policy.samples import Samples
from mlver.policy.stage_policy import StagePolicy
from mlver.project.artifacts import damage as artifact_damage
from mlver.project.artifacts.kept_profiles import read_pinned_profiles
from mlver.project.artifacts.stored_pointers import find_stored_pointers
from mlver.project.artifacts.stored_samples import read_samples
from mlver.project.history.given_approvals import gather_approvals
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.as_committed import list_committed, require_as_committed
from mlver.project.remote.recoverability import find_recoverability
from mlver.project.stages.recorded_drills import read_drills
from mlver.project.stages.recorded_reproductions import read_counting
from mlver.project.stages.recorded_verdicts import CountingVerdicts, read_counting_verdicts
from mlver.project.stages.training_data import read_training
from mlver.project.stages.used_versions import read_used
from mlver.project.tags import promotion_seals, seals
from mlver.project.tags.signatures import judge_signatures
from mlver.records import layout
from mlver.records.evaluation import EvaluationRecord
from mlver.records.profile import TableProfile
from mlver.records.promotion import PromotionRecord
from mlver.records.reproduction import ReproductionRecord
from mlver.records.version import VersionRecord

# These are answered by remotes.
_REMOTE_GATES = frozenset(("recoverable", "copies"))


def describe_candidate(
    project: Project,
    chosen: ResolvedRef,
    stage: str,
    policies: Sequence[StagePolicy],
    *,
    signed: bool = False,
) -> StageCandidate:
    """Gather what the gates of these policies judge by.

    Bytes are read, and remotes asked, only for a gate that asks for that; no remote is asked where
    the project is offline. With `signed`, the version's tag has to carry a good signature.
    """
    record, digest = project.registry.read_version(chosen.model, chosen.version)
    held = _find_stages_held(project, chosen, list_stages_before(policies))
    unsealed, sealed = _judge_seal(project, chosen, digest, signed=signed)
    judged = _read_verdicts(project, record, digest, policies)
    return StageCandidate(
        version=str(chosen.version),
        unsealed=unsealed,
        sealed=sealed,
        stages_held=held.proven,
        stages_unsealed=held.unsealed,
        damage=_list_damage(project, record) if reads_bytes(policies) else None,
        elsewhere=tuple(name for name, item in record.data.items() if item.is_remote),
        recovery=_ask_remotes(project, record, policies),
        recorded=_read_recorded(project, record, digest, policies),
        stage=_find_asked_stage(project, chosen.model, stage, policies),
        training=read_training(project, record) if asks_for(policies, "authorised") else None,
        approvals=_read_approvals(project, (record, digest), stage, policies),
        signatures=_judge_signatures(project, record, digest, policies),
        holds=_find_holds(project, chosen, digest, policies),
        drills=read_drills(project, chosen.model, stage) if asks_for(policies, "drilled") else None,
        uses=read_used(project, record) if asks_for(policies, "uses") else None,
        reproductions=_read_reproductions(project, record, digest, policies),
        verdicts=judged.verdicts,
        verdict_faults=judged.faults,
    )


def asks_for(policies: Iterable[StagePolicy], *gates: str) -> bool:
    """Say whether one of these policies asks for one of these gates."""
    return any(policy.rule.get(gate) for policy in policies for gate in gates)


def reads_bytes(policies: Iterable[StagePolicy]) -> bool:
    """Whether a gate of one of these policies reads every byte of the version."""
    return asks_for(policies, "verified")


def _judge_seal(
    project: Project, chosen: ResolvedRef, digest: Digest, *, signed: bool
) -> tuple[str | None, str]:
    """Say what is wrong with a version's seal, None where nothing is, and what vouches for it."""
    findings, seal = seals.judge_version(
        project, chosen.model, chosen.version, digest, signed=signed
    )
    faults = "; ".join(finding.message for finding in findings)
    # An adopted version's tag names no digest: history vouches for its record instead.
    if seal is not None and seal.landing is not None:
        return faults or None, "adopted, and never edited since"
    return faults or None, "sealed"


def _list_damage(project: Project, record: VersionRecord) -> tuple[str, ...]:
    damage = artifact_damage.find_damage(project, [record])
    # A byte that is right is of no use where it only points to content that nobody checked.
    findings = [*damage.lost, *damage.list_unkept(), *find_stored_pointers(project, record)]
    return tuple(f"{link.subject} {link.message}" for link in dict.fromkeys(findings))


def _ask_remotes(
    project: Project, record: VersionRecord, policies: Sequence[StagePolicy]
) -> Recoverability | None:
    if project.offline or not asks_for(policies, *_REMOTE_GATES):
        return None
    return find_recoverability(project, record)


def _read_recorded(
    project: Project, record: VersionRecord, digest: Digest, policies: Sequence[StagePolicy]
) -> RecordedVersion:
    evaluations: tuple[tuple[EvaluationRecord, Digest], ...] = ()
    if asks_for(policies, "gates", "drift"):
        evaluations = read_committed_evaluations(project, record)
    samples: Mapping[Digest, Samples] = {}
    if asks_samples(policies):
        samples = read_samples(project, [evaluation.samples for evaluation, _ in evaluations])
    profiles: Mapping[str, TableProfile] = {}
    if asks_for(policies, "drift"):
        profiles = read_pinned_profiles(project, record)
    return RecordedVersion(
        record=record,
        digest=digest,
        evaluations=evaluations,
        samples=samples,
        profiles=profiles,
    )


def read_committed_evaluations(
    project: Project, record: VersionRecord
) -> tuple[tuple[EvaluationRecord, Digest], ...]:
    """Read the evaluations that HEAD has: what only the work tree has, nobody else will find.

    Raise MlverError where one of them is missing in the work tree, or is another there.
    """
    folder = layout.attached_folder("evaluation", record.model, record.version)
    require_as_committed(project.repository, project.registry, folder)
    committed = list_committed(project.repository, folder)
    read = project.registry.read_evaluations(record.model, record.version)
    return tuple(pair for pair in read if pair[0].record_path in committed)


def _find_asked_stage(
    project: Project, model: str, stage: str, policies: Sequence[StagePolicy]
) -> AskedStage:
    """Find who holds a stage, or held it last: a retirement names the version that left it."""
    history = project.registry.read_history(model, stage)
    if not history:
        return AskedStage(name=stage, holder=None, is_held=False)
    last, _ = history[-1]
    record, digest = project.registry.read_version(model, last.version)
    holder = _read_recorded(project, record, digest, policies)
    return AskedStage(name=stage, holder=holder, is_held=last.action != "retire")


def _read_approvals(
    project: Project,
    version: tuple[VersionRecord, Digest],
    stage: str,
    policies: Sequence[StagePolicy],
) -> ApprovalFacts | None:
    """Read a version's approvals: they have to be given under the last policy, that of main."""
    if not asks_for(policies, "approvals"):
        return None
    signed = asks_for(policies, "signed")
    return gather_approvals(project, version, stage, policies[-1], signed=signed)


def _read_reproductions(
    project: Project, record: VersionRecord, digest: Digest, policies: Sequence[StagePolicy]
) -> tuple[tuple[ReproductionRecord, Digest], ...] | None:
    if not asks_for(policies, "reproduced"):
        return None
    return read_counting(project, record, digest)


def _read_verdicts(
    project: Project, record: VersionRecord, digest: Digest, policies: Sequence[StagePolicy]
) -> CountingVerdicts:
    if not asks_for(policies, "verdict"):
        return CountingVerdicts()
    return read_counting_verdicts(project, record, digest)


def _judge_signatures(
    project: Project, record: VersionRecord, digest: Digest, policies: Sequence[StagePolicy]
) -> SignatureFacts | None:
    return judge_signatures(project, record, digest) if asks_for(policies, "signed") else None


def _find_holds(
    project: Project, chosen: ResolvedRef, digest: Digest, policies: Sequence[StagePolicy]
) -> dict[str, HeldStage]:
    """Find since when the version holds the stages that policies ask to be held."""
    asking = [policy for policy in policies if policy.rule.get("hold")]
    holds: dict[str, HeldStage] = {}
    for stage in list_stages_before(asking):
        holds[stage] = _find_hold(project, chosen, digest, stage)
    return holds


def _find_hold(project: Project, chosen: ResolvedRef, digest: Digest, stage: str) -> HeldStage:
    """Find since when a version holds a stage: its sealed promotion's landing on the main line."""
    history = project.registry.read_history(chosen.model, stage)
    standing: list[tuple[PromotionRecord, Digest]] = []
    for promotion, own_digest in history:
        if promotion.action == "retire" or promotion.record != digest:
            standing = []
        else:
            standing.append((promotion, own_digest))
    if not standing:
        return HeldStage(is_held=False)
    now = count_seconds(project.record_time)
    judged = promotion_seals.judge_stage_seals(project, chosen.model, stage, standing)
    line_name = find_main_branch(project.repository).reference or "HEAD"
    line = read_main_line(project.repository, line_name, layout.stage_folder(chosen.model, stage))
    for promotion, own_digest in standing:
        path = promotion.record_path
        if judged.states[promotion.sequence] == "unsealed":
            continue
        (landed,) = project.repository.blobs([f"{line_name}:{path}"])
        if landed is None or Digest.of_bytes(landed) != own_digest or path not in line.landings:
            where = line_name.removeprefix("refs/remotes/").removeprefix("refs/heads/")
            fault = f"its promotion to {stage} has not landed on {where}"
            return HeldStage(is_held=True, fault=fault)
        since = line.landings[path]
        return HeldStage(is_held=True, since=since, now=now, latest=line.latest)
    return HeldStage(is_held=True)


@dataclass(frozen=True, slots=True)
class _ReachedStages:
    """The stages that a version holds or has held: `unsealed` only by promotions without a seal."""

    proven: frozenset[str]
    unsealed: frozenset[str]


def _find_stages_held(
    project: Project, chosen: ResolvedRef, asked: Iterable[str]
) -> _ReachedStages:
    """Find which of the stages that policies ask for the version holds or has held.

    No other is read: a record there that cannot be read is in nobody's way.
    """
    proven: set[str] = set()
    unsealed: set[str] = set()
    for stage in asked:
        promotions: list[tuple[PromotionRecord, Digest]] = []
        for promotion, digest in project.registry.read_history(chosen.model, stage):
            # a retirement names the version that it takes the stage from
            if promotion.action != "retire" and promotion.version == str(chosen.version):
                promotions.append((promotion, digest))
        if not promotions:
            continue
        judged = promotion_seals.judge_stage_seals(project, chosen.model, stage, promotions)
        if set(judged.states.values()) == {"unsealed"}:
            unsealed.add(stage)
        else:
            proven.add(stage)
    return _ReachedStages(frozenset(proven), frozenset(unsealed))


def find_opening(
    project: Project, chosen: ResolvedRef, policies: Iterable[StagePolicy]
) -> Iterator[PromotionRecord]:
    """Find the promotions that first brought a version to the stages which policies ask for."""
    for stage in list_stages_before(policies):
        for promotion, _ in project.registry.read_history(chosen.model, stage):
            if promotion.action != "retire" and promotion.version == str(chosen.version):
                yield promotion
                break


def list_stages_before(policies: Iterable[StagePolicy]) -> list[str]:
    """List the stages that a version has to have held before, by these policies."""
    asked: dict[str, None] = {}
    for policy in policies:
        stages = policy.rule.get("after")
        if isinstance(stages, Sequence):
            asked.update(dict.fromkeys(map(str, stages)))
    return list(asked)
