"""Whether a version's seal, and a promotion that is made now, are signed by who they say."""

from __future__ import annotations

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.git import objects
from mlver.git.detached_seals import open_checker, sign_blob
from mlver.git.landing_dates import find_landing_dates
from mlver.git.signatures import signs_tags
from mlver.policy.approvals import ApprovalSignature, SignatureFacts
from mlver.policy.promotion_dates import count_seconds
from mlver.project.edit.planned_tags import TRAILER
from mlver.project.history.signers import SignatureJudge, read_judging_signers
from mlver.project.project import Project
from mlver.records.tags import version_tag_name
from mlver.records.version import VersionRecord

_TRIAL = b"may this key sign?\n"


def judge_signatures(project: Project, record: VersionRecord, digest: Digest) -> SignatureFacts:
    """Judge both by the signers of the branch whose settings judge.

    Something is signed for that, as the promotion's seal will be: where it cannot be, nobody moves
    a stage that asks for it.
    """
    signers = read_judging_signers(project.repository)
    with open_checker() as checker:
        judge = SignatureJudge(checker, signers)
        return SignatureFacts(
            seal=_judge_version(project, judge, record, digest),
            promotion=_try_signing(project, judge),
        )


def judge_promoter(project: Project) -> ApprovalSignature:
    """Judge what this person would sign now."""
    signers = read_judging_signers(project.repository)
    with open_checker() as checker:
        return _try_signing(project, SignatureJudge(checker, signers))


def _judge_version(
    project: Project, judge: SignatureJudge, record: VersionRecord, digest: Digest
) -> ApprovalSignature:
    name = version_tag_name(record.model, record.version)
    (tag,) = objects.read_objects(project.repository.process, [f"refs/tags/{name}"])
    if tag is None or tag.kind != b"tag":
        return ApprovalSignature(kind="unsigned", words="has no seal")
    landed = find_landing_dates(project.repository, [record.record_path])
    at = landed.get(record.record_path)
    if at is None:
        return ApprovalSignature(kind="unknown", words="landed at a time that nobody can tell here")
    return judge.judge_tag(str(digest), tag.data, at)


def _try_signing(project: Project, judge: SignatureJudge) -> ApprovalSignature:
    """Sign something as a seal would be, and judge that."""
    if not signs_tags(project.repository):
        return ApprovalSignature(
            kind="unsigned", words="would not be signed: git is not told to (tag.gpgSign)"
        )
    digest = Digest.of_bytes(_TRIAL)
    message = f"mlver: may this key sign?\n\n{TRAILER}: {digest}\n"
    try:
        seal = sign_blob(project.repository, _TRIAL, message)
    except MlverError as error:
        words = " ".join(error.message.split())
        return ApprovalSignature(kind="unsigned", words=f"would not be signed: {words}"[:1000])
    author = project.repository.author()
    return judge.judge(author, str(digest), seal, count_seconds(project.record_time))
