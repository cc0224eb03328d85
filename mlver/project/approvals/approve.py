"""`mlver approve` and `mlver revoke`: say yes to a version for a stage, or take that back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from mlver import names
from mlver.digest import Digest
from mlver.document import codec
from mlver.errors import MlverError, shell_command
from mlver.git.detached_seals import can_sign, open_checker, sign_blob
from mlver.policy.approvals import (
    ANYBODY,
    UNSIGNED,
    ApprovalFacts,
    ApprovalRequirement,
    ApprovalSignature,
    GivenApproval,
    count_approvals,
    find_revoked,
    read_requirement,
)
from mlver.policy.promotion_dates import count_seconds
from mlver.project.edit.edit import PlannedEdit
from mlver.project.edit.planned_tags import TRAILER
from mlver.project.edit.protected import refuse_protected
from mlver.project.edit.record_date import require_later_date, require_possible_date
from mlver.project.history.given_approvals import gather_approvals
from mlver.project.history.policies import JudgingRules, read_judging_rules
from mlver.project.history.signers import SignatureJudge, read_judging_signers
from mlver.project.history.stage_history import read_rule, require_whole_history
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.attached import find_last_link
from mlver.project.registry.newer_formats import naming_commits
from mlver.project.tags.trust import require_unretired
from mlver.project.transaction import open_edit
from mlver.records import layout
from mlver.records.approval import ApprovalAction, ApprovalRecord

ApproveOutcome = Literal["approved", "revoked", "already"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveResult:
    """`outcome`: the version was `approved`, or that was `revoked`, or it had been so `already`.

    On a dry run that is what would have come of it, and `sequence` and `path` are those that the
    record would have. `signed` names the key that signed it, None where none did; `seal` is the
    file of the signature. `counted` of `needed` approvals count now; both are None where no rule of
    the stage asks for any. `revoked` are the people whose approvals were taken back. `commit` is
    None where nothing was written.
    """

    model: str
    version: str
    stage: str
    action: ApprovalAction
    outcome: ApproveOutcome
    approver: str
    message: str
    signed: str | None
    counted: int | None
    needed: int | None
    revoked: tuple[str, ...]
    sequence: int
    path: str
    seal: str | None
    commit: str | None
    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _AskedApproval:
    """What a person asked for, and what judges it."""

    action: ApprovalAction
    ref: str
    stage: str
    message: str
    dry_run: bool

    @property
    def outcome(self) -> ApproveOutcome:
        return "approved" if self.action == "approve" else "revoked"


def approve_version(
    project: Project, ref: str, *, to: str, message: str, dry_run: bool = False
) -> ApproveResult:
    """Say yes to the version that `ref` names for a stage: one record, one commit.

    It is signed where git has a key, or where the stage's rule asks for that; where signing fails,
    nothing is written. Raise MlverError for a yes that would not count.
    """
    asked = _AskedApproval(action="approve", ref=ref, stage=to, message=message, dry_run=dry_run)
    return _write_approval(project, asked)


def revoke_version(
    project: Project, ref: str, *, to: str, message: str, dry_run: bool = False
) -> ApproveResult:
    """Take approvals of the version that `ref` names back: one record more, one commit.

    Who gave one takes back their own; anybody else who may approve takes back all. Promotions that
    were made stay as they are. Raise MlverError where there is nothing to take back.
    """
    asked = _AskedApproval(action="revoke", ref=ref, stage=to, message=message, dry_run=dry_run)
    return _write_approval(project, asked)


def _write_approval(project: Project, asked: _AskedApproval) -> ApproveResult:
    words = ("mlver", asked.action, asked.ref, "--to", asked.stage)
    noun = "an approval" if asked.action == "approve" else "a revocation"
    names.check_reason(asked.message, noun, words, is_kept=not asked.dry_run)
    read_rule(project, asked.stage)
    refuse_protected(project)
    editing = open_edit(project, " ".join(words[1:]), dry_run=asked.dry_run)
    with naming_commits(project.repository), editing as edit:
        chosen = project.resolve_ref(asked.ref)
        judging = read_judging_rules(project, asked.stage)
        given = _gather(project, chosen, asked.stage, judging)
        last = given.find_last(project.repository.author(), asked)
        if last is not None:
            return _build_result(asked, last, given, "already")
        if asked.action == "approve":
            require_unretired(project, chosen, asked.stage)
        record = _build_record(project, chosen, asked, given)
        given.require_sense(project, record)
        if edit is None:
            return _build_result(asked, record, given, asked.outcome)
        return _record_approval(project, edit, asked, given, record)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gathered:
    """What approvals there are, and what judges them.

    `requirement` is what the rule asks for, None where it asks for none. `signed`: only what is
    signed counts.
    """

    judging: JudgingRules
    facts: ApprovalFacts
    requirement: ApprovalRequirement | None

    @property
    def asked(self) -> ApprovalRequirement:
        return self.requirement or ANYBODY

    def add(
        self, record: ApprovalRecord, digest: Digest, signature: ApprovalSignature
    ) -> _Gathered:
        """Add an approval as if it had landed now."""
        new = GivenApproval(
            record=record, digest=digest, landed=self.facts.now, signature=signature
        )
        return replace(self, facts=replace(self.facts, given=(*self.facts.given, new)))

    def find_last(self, author: str, asked: _AskedApproval) -> ApprovalRecord | None:
        """Find what says the same already: whoever was interrupted runs the command again."""
        if not self.facts.given:
            return None
        *_, last = self.facts.given
        record = last.record
        if (record.author, record.action, record.message) != (
            author,
            asked.action,
            asked.message.strip(),
        ):
            return None
        if asked.action == "revoke":
            return record
        counted = count_approvals(self.asked, self.facts).counted
        return record if any(one.digest == last.digest for one in counted) else None

    def list_revoked(self, record: ApprovalRecord) -> tuple[str, ...]:
        """List those whose approvals a revocation takes back."""
        before = find_revoked(self.asked, self.facts.given)
        after = self.add(record, _NO_DIGEST, UNSIGNED)
        now = find_revoked(self.asked, after.facts.given)
        people: dict[str, None] = {}
        for one in self.facts.given:
            if one.digest in now and one.digest not in before:
                people[one.record.author] = None
        return tuple(people)

    def require_sense(self, project: Project, record: ApprovalRecord) -> None:
        """Raise MlverError for a yes that cannot count, or where nothing can be taken back."""
        look = shell_command("mlver", "show", f"{record.model}@{record.version}")
        if record.action == "revoke":
            if not self.list_revoked(record):
                raise MlverError(
                    f"there is no approval of {record.model} {record.version} for {record.stage}"
                    " that you could take back",
                    hint=look,
                )
            return
        if self.requirement is None:
            return
        facts = replace(self.facts, signed=False)
        added = replace(self, facts=facts).add(record, _NO_DIGEST, UNSIGNED)
        for one, why in count_approvals(self.asked, added.facts).others:
            if one.digest == _NO_DIGEST:
                raise MlverError(
                    f"your approval of {record.model} {record.version} for {record.stage} would not"
                    f" count: it {why}, and the stage asks for {self.requirement.words}",
                    hint=shell_command(
                        "mlver", "gates", f"{record.model}@{record.version}", "--to", record.stage
                    ),
                )


# Of a record that is not written yet.
_NO_DIGEST = Digest("0" * 64)


def _gather(project: Project, chosen: ResolvedRef, stage: str, judging: JudgingRules) -> _Gathered:
    version = project.registry.read_version(chosen.model, chosen.version)
    require_whole_history(project, chosen.model, stage)
    signed = any(policy.rule.get("signed") for policy in judging.policies)
    policy = judging.policies[-1]
    facts = gather_approvals(project, version, stage, policy, signed=signed)
    return _Gathered(
        judging=judging,
        # Who will promote it is not known.
        facts=replace(facts, promoter=""),
        requirement=_find_requirement(judging),
    )


def _find_requirement(judging: JudgingRules) -> ApprovalRequirement | None:
    """Find what the main branch's rule asks for, or else the work tree's."""
    for policy in reversed(judging.policies):
        requirement = read_requirement(policy)
        if requirement is not None:
            return requirement
    return None


def _build_record(
    project: Project, chosen: ResolvedRef, asked: _AskedApproval, given: _Gathered
) -> ApprovalRecord:
    version, digest = project.registry.read_version(chosen.model, chosen.version)
    folder = f"{layout.attached_folder('approval', chosen.model, chosen.version)}/{asked.stage}"
    sequence, _ = find_last_link(project.registry, folder)
    created = project.record_time
    kind = "approval" if asked.action == "approve" else "revocation"
    require_possible_date(project, kind, created)
    require_later_date(kind, created, version)
    return ApprovalRecord(
        model=chosen.model,
        version=str(chosen.version),
        stage=asked.stage,
        sequence=sequence + 1,
        action=asked.action,
        created=created,
        author=project.repository.author(),
        message=asked.message.strip(),
        record=digest,
        policy=given.judging.reference,
        baseline=given.facts.terms.baseline,
    )


def _record_approval(
    project: Project,
    edit: PlannedEdit,
    asked: _AskedApproval,
    given: _Gathered,
    record: ApprovalRecord,
) -> ApproveResult:
    """Sign the record, and write it with its seal; where it cannot be signed, nothing lands."""
    data = codec.encode_document("approval", record.to_document())
    seal, signature = _sign(project, record, data, required=given.facts.signed)
    edit.create_file(record.record_path, data)
    path = None
    if seal is not None:
        path = layout.seal_path(record.record_path)
        edit.create_file(path, seal)
    subject = f"mlver: {record.action} {record.model} {record.version} for {record.stage}"
    commit = edit.commit_files(f"{subject}\n\n{record.message}")
    after = given.add(record, Digest.of_bytes(data), signature)
    result = _build_result(asked, record, after, asked.outcome)
    revoked = given.list_revoked(record) if record.action == "revoke" else ()
    return replace(result, commit=commit, seal=path, signed=signature.signer, revoked=revoked)


def _sign(
    project: Project, record: ApprovalRecord, data: bytes, *, required: bool
) -> tuple[bytes | None, ApprovalSignature]:
    """Sign a record; None for a git that has no key. With `required`, the signature has to count.

    Raise MlverError where it is to be signed and is not.
    """
    if not required and not can_sign(project.repository):
        return None, UNSIGNED
    digest = Digest.of_bytes(data)
    title = f"{record.model} {record.version} {record.stage} {record.sequence}: {record.action}"
    seal = sign_blob(project.repository, data, f"{title}\n\n{TRAILER}: {digest}\n")
    signers = read_judging_signers(project.repository)
    with open_checker() as checker:
        judge = SignatureJudge(checker, signers)
        signature = judge.judge(record.author, str(digest), seal, count_seconds(record.created))
    if signature.kind == "false" or (required and signature.kind != "good"):
        raise MlverError(
            f"the {record.action} of {record.model} {record.version} {signature.words}, so it would"
            f" not count; whose keys count is in {layout.ALLOWED_SIGNERS} on {signers.source}",
            hint=shell_command("git", "show", f"{signers.source}:{layout.ALLOWED_SIGNERS}"),
        )
    return seal, signature


def _build_result(
    asked: _AskedApproval, record: ApprovalRecord, given: _Gathered, outcome: ApproveOutcome
) -> ApproveResult:
    counted = needed = None
    if given.requirement is not None:
        counted = len(count_approvals(given.requirement, given.facts).counted)
        needed = given.requirement.least
    return ApproveResult(
        model=record.model,
        version=record.version,
        stage=record.stage,
        action=record.action,
        outcome=outcome,
        approver=record.author,
        message=record.message,
        signed=None,
        counted=counted,
        needed=needed,
        revoked=(),
        sequence=record.sequence,
        path=record.record_path,
        seal=None,
        commit=None,
        dry_run=asked.dry_run,
    )
