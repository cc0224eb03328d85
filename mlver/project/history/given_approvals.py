"""The approvals of a version for a stage as they landed, with what their signatures are worth."""

from __future__ import annotations

from mlver.digest import Digest
from mlver.git.detached_seals import LONGEST_SEAL, open_checker
from mlver.git.landing_dates import find_landing_dates
from mlver.policy.approvals import ApprovalFacts, ApprovalTerms, GivenApproval
from mlver.policy.policy_digest import digest_policy
from mlver.policy.promotion_dates import count_seconds
from mlver.policy.stage_policy import StagePolicy
from mlver.project.history.signers import SignatureJudge, read_judging_signers
from mlver.project.history.stage_history import StageHistory, find_baseline
from mlver.project.project import Project
from mlver.project.registry.as_committed import require_as_committed
from mlver.records import layout
from mlver.records.approval import ApprovalRecord
from mlver.records.version import VersionRecord


def gather_approvals(
    project: Project,
    version: tuple[VersionRecord, Digest],
    stage: str,
    policy: StagePolicy,
    *,
    signed: bool,
) -> ApprovalFacts:
    """Gather what is known of a version's approvals for a stage; `policy` is what they have to be
    given under.

    Raise MlverError where HEAD has other approvals than the work tree.
    """
    record, digest = version
    folder = f"{layout.approvals_folder(record.model, record.version)}/{stage}"
    require_as_committed(project.repository, project.registry, folder)
    history = project.registry.read_history(record.model, stage)
    return ApprovalFacts(
        terms=build_terms(stage, digest, policy, history),
        given=read_given(project, record, stage),
        author=record.author,
        promoter=project.repository.author(),
        now=count_seconds(project.record_time),
        signed=signed,
    )


def build_terms(
    stage: str, record: Digest, policy: StagePolicy, history: StageHistory
) -> ApprovalTerms:
    spent: set[Digest] = set()
    for promotion, _ in history:
        spent.update(reference.record for reference in promotion.approvals)
    return ApprovalTerms(
        stage=stage,
        record=record,
        policy=digest_policy(policy),
        baseline=find_baseline(history),
        spent=frozenset(spent),
    )


def read_given(project: Project, version: VersionRecord, stage: str) -> tuple[GivenApproval, ...]:
    """Read the approvals that HEAD has, in order."""
    approvals = project.registry.read_approvals(version.model, version.version, stage)
    landed = {}
    if project.repository.head().commit is not None:
        paths = [record.record_path for record, _ in approvals]
        landed = find_landing_dates(project.repository, paths)
    given: list[GivenApproval] = []
    if not approvals:
        return ()
    signers = read_judging_signers(project.repository)
    with open_checker() as checker:
        judge = SignatureJudge(checker, signers)
        for record, digest in approvals:
            at = landed.get(record.record_path)
            signature = judge.judge(record.author, str(digest), read_seal(project, record), at)
            given.append(
                GivenApproval(record=record, digest=digest, landed=at, signature=signature)
            )
    return tuple(given)


def read_seal(project: Project, record: ApprovalRecord) -> bytes | None:
    """Read the file that seals an approval; None where there is none."""
    data = project.registry.read_file(layout.seal_path(record.record_path))
    return None if data is None else data[: LONGEST_SEAL + 1]
