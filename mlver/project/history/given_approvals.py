"""The approvals of a version for a stage as they landed, with what their signatures are worth."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from mlver.digest import Digest
from mlver.document import codec
from mlver.git.detached_seals import LONGEST_SEAL, open_checker, parse_seal
from mlver.git.landing_dates import find_landing_dates
from mlver.policy.approvals import ApprovalFacts, ApprovalSignature, ApprovalTerms, GivenApproval
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

# The first line of a seal: model, version, stage, number and action.
_TITLE = re.compile(r"[^\n]* ([1-9][0-9]{0,8}): (?:approve|revoke)\n")


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
    folder = f"{layout.attached_folder('approval', record.model, record.version)}/{stage}"
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
    if project.repository.head().commit is None:
        return ()
    folder = f"{layout.attached_folder('approval', version.model, version.version)}/{stage}"
    # What only the work tree has, nobody else will find.
    committed = frozenset(project.repository.files_at("HEAD", folder))
    approvals: list[tuple[ApprovalRecord, Digest]] = []
    for record, digest in project.registry.read_approvals(version.model, version.version, stage):
        if record.record_path in committed:
            approvals.append((record, digest))
    if not approvals:
        return ()
    landed = find_landing_dates(project.repository, committed)
    signers = read_judging_signers(project.repository)
    with open_checker() as checker:
        judge = SignatureJudge(checker, signers)
        return judge_given(project, approvals, landed, judge, committed)


def judge_given(
    project: Project,
    approvals: Sequence[tuple[ApprovalRecord, Digest]],
    landed: Mapping[str, int],
    judge: SignatureJudge,
    committed: Collection[str] | None = None,
) -> tuple[GivenApproval, ...]:
    """Judge the signatures of approvals; `landed` is when each did, by the path of its record.

    With `committed`, only the seals among these files count.
    """
    digests = {digest for _, digest in approvals}
    given: list[GivenApproval] = []
    for record, digest in approvals:
        seal = None
        if committed is None or layout.seal_path(record.record_path) in committed:
            seal = read_seal(project, record)
        at = landed.get(record.record_path)
        sealed = digest if seal is None else find_sealed_digest(record, digest, seal)
        signature = judge.judge(record.author, str(sealed), seal, at)
        if sealed != digest and sealed in digests:
            signature = ApprovalSignature(kind="false", words="is a copy of another one")
        given.append(
            GivenApproval(
                record=record, digest=digest, landed=at, signature=signature, sealed=sealed
            )
        )
    return tuple(given)


def find_sealed_digest(record: ApprovalRecord, digest: Digest, seal: bytes) -> Digest:
    """Find the digest that the seal of a record has to name.

    That is its own; or, of one that a merge gave another number since, the one that it had then.
    """
    parsed = parse_seal(seal)
    if parsed is None or parsed.tag.seals == str(digest):
        return digest
    title = _TITLE.match(parsed.tag.message)
    if title is None:
        return digest
    former = replace(record, sequence=int(title[1]))
    former_digest = Digest.of_bytes(codec.encode_document("approval", former.to_document()))
    return former_digest if parsed.tag.seals == str(former_digest) else digest


def read_seal(project: Project, record: ApprovalRecord) -> bytes | None:
    """Read the file that seals an approval; None where there is none."""
    data = project.registry.read_file(layout.seal_path(record.record_path))
    return None if data is None else data[: LONGEST_SEAL + 1]
