"""The approvals that promotions counted, counted again; and what their seals are signed by.

A promotion is judged by the allowed signers of the commit that its policy names, and by those that
it landed on: a key that its own branch added is nobody's, nor is one that was taken out before.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.findings import Finding, FindingKind
from mlver.git import objects
from mlver.git.detached_seals import SealChecker, open_checker
from mlver.git.landing_dates import find_landing_dates
from mlver.policy.approvals import (
    ApprovalFacts,
    ApprovalRequirement,
    ApprovalTerms,
    GivenApproval,
    count_approvals,
    read_requirement,
)
from mlver.policy.promotion_dates import count_seconds
from mlver.policy.stage_policy import StagePolicy
from mlver.project.audit.named_policies import NamedPolicies
from mlver.project.history.given_approvals import judge_given
from mlver.project.history.signers import AllowedSigners, SignatureJudge, read_signers
from mlver.project.project import Project
from mlver.records.approval import ApprovalRecord
from mlver.records.promotion import PromotionRecord
from mlver.records.references import VersionReference
from mlver.records.tags import promotion_tag_name
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True)
class _JudgedPromotion:
    """A promotion whose rule asks for approvals or signatures, and those before it."""

    record: PromotionRecord
    earlier: Sequence[PromotionRecord]
    policy: StagePolicy

    @property
    def is_signed(self) -> bool:
        return bool(self.policy.rule.get("signed"))


def find_uncounted(
    project: Project,
    policies: NamedPolicies,
    promotions: Iterable[tuple[PromotionRecord, Sequence[PromotionRecord]]],
    find_version: Callable[[str, str], VersionRecord | None],
    *,
    tip: str | None = "HEAD",
    base: str | None = None,
) -> Iterator[Finding]:
    """Find promotions that lack approvals or signatures which their rules ask for.

    Each promotion is with those before it in its stage. `tip` is the commit that has them all, None
    for the index. With `base`, the commit that they are to land on, its signers judge as well.

    Where a signature cannot be checked here, the finding is `unconfirmed`; with `base` it is a
    `gate` as every other: what nobody checked does not come in. `unconfirmed`, too, is what a merge
    renumbered: its approvals may be left behind, or their seals be those of other numbers.
    """
    judged: list[_JudgedPromotion] = []
    for record, earlier in promotions:
        if record.action != "promote" or record.forced:
            continue
        # What a merge left behind, only the whole history can tell.
        if record.renumbered is not None and base is not None:
            continue
        policy = policies.prove_reference(record).policy
        if policy is not None and (policy.rule.get("approvals") or policy.rule.get("signed")):
            judged.append(_JudgedPromotion(record, earlier, policy))
    if not judged:
        return
    with open_checker() as checker:
        audit = _ApprovalAudit(project, policies, find_version, checker, base)
        given = [audit.read_given(promotion.record) for promotion in judged]
        paths = [promotion.record.record_path for promotion in judged]
        paths += itertools.chain.from_iterable(given)
        landed = _find_landings(project, paths, tip)
        for promotion, approvals in zip(judged, given, strict=True):
            yield from audit.judge_promotion(promotion, approvals, landed)


def _find_landings(project: Project, paths: Iterable[str], tip: str | None) -> Mapping[str, int]:
    if tip is None or project.repository.head().commit is None:
        return {}
    return find_landing_dates(project.repository, paths, tip)


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is wrong with a promotion; `is_doubt`: a key that is not here could dispel it."""

    words: str
    is_doubt: bool


@dataclass(slots=True)
class _ApprovalAudit:
    project: Project
    policies: NamedPolicies
    find_version: Callable[[str, str], VersionRecord | None]
    checker: SealChecker
    base: str | None
    _signers: dict[str, AllowedSigners] = field(default_factory=dict)

    def judge_promotion(
        self,
        promotion: _JudgedPromotion,
        given: Mapping[str, tuple[ApprovalRecord, Digest]],
        landed: Mapping[str, int],
    ) -> Iterator[Finding]:
        """Judge a promotion by what was given for it; `landed` is when each record did."""
        record = promotion.record
        requirement = read_requirement(promotion.policy)
        for signers in self._list_signers(record):
            judge = SignatureJudge(self.checker, signers)
            faults: list[_Fault] = []
            if requirement is not None:
                facts = self._describe(promotion, given, landed, judge)
                faults += _judge_count(requirement, facts)
            if promotion.is_signed and record.is_sealed:
                faults += self._judge_seal(record, judge, landed.get(record.record_path))
            if faults:
                # What is wrong comes before what nobody can tell.
                fault = min(faults, key=lambda one: one.is_doubt)
                show = shell_command("git", "log", "-p", "--", record.record_path)
                is_doubt = fault.is_doubt or record.renumbered is not None
                is_open = is_doubt and self.base is None
                kind: FindingKind = "unconfirmed" if is_open else "gate"
                yield Finding(kind, record.record_path, fault.words, (show,))
                return

    def read_given(self, record: PromotionRecord) -> dict[str, tuple[ApprovalRecord, Digest]]:
        """Read the approvals that a promotion names, and every revocation, by the path of each."""
        named = {reference.record for reference in record.approvals}
        given: dict[str, tuple[ApprovalRecord, Digest]] = {}
        # One that cannot be read is named by its own check, and counts for nothing.
        with suppress(MlverError):
            registry = self.project.registry
            for approval, digest in registry.read_approvals(
                record.model, record.version, record.stage
            ):
                if digest in named or approval.action == "revoke":
                    given[approval.record_path] = (approval, digest)
        return given

    def _list_signers(self, record: PromotionRecord) -> list[AllowedSigners]:
        """List the signers that judge a promotion, each of which has to find everything right."""
        commits: dict[str, None] = {}
        if record.policy is not None and record.policy.commit in self.policies.reachable:
            commits[record.policy.commit] = None
        for landing in self.policies.history.additions.get(record.record_path, ()):
            commits.update(dict.fromkeys(landing.parents[:1]))
        if self.base is not None:
            commits[self.base] = None
        found: dict[bytes, AllowedSigners] = {}
        for commit in commits:
            if commit not in self._signers:
                data = read_signers(self.project.repository, commit)
                self._signers[commit] = AllowedSigners(commit[:10], data)
            found.setdefault(self._signers[commit].data, self._signers[commit])
        return list(found.values()) or [AllowedSigners("nothing", b"")]

    def _describe(
        self,
        promotion: _JudgedPromotion,
        given: Mapping[str, tuple[ApprovalRecord, Digest]],
        landed: Mapping[str, int],
        judge: SignatureJudge,
    ) -> ApprovalFacts:
        record = promotion.record
        assert record.policy is not None
        spent: set[Digest] = set()
        for earlier in promotion.earlier:
            spent.update(reference.record for reference in earlier.approvals)
        version = self.find_version(record.model, record.version)
        return ApprovalFacts(
            terms=ApprovalTerms(
                stage=record.stage,
                record=record.record,
                policy=record.policy.digest,
                baseline=_find_holder(record, promotion.earlier),
                spent=frozenset(spent),
            ),
            given=self._list_given(record, given, landed, judge),
            author="" if version is None else version.author,
            promoter=record.author,
            now=count_seconds(record.created),
            signed=promotion.is_signed,
        )

    def _list_given(
        self,
        record: PromotionRecord,
        given: Mapping[str, tuple[ApprovalRecord, Digest]],
        landed: Mapping[str, int],
        judge: SignatureJudge,
    ) -> tuple[GivenApproval, ...]:
        """List what had landed before the promotion did."""
        end = landed.get(record.record_path)
        listed: list[tuple[ApprovalRecord, Digest]] = []
        for path, (approval, digest) in given.items():
            at = landed.get(path)
            if at is not None and end is not None and at > end:
                continue
            # What came in with it, or cannot be dated, is as old as it says.
            is_dated = at is not None and end is not None and at < end
            if approval.action == "revoke" and not is_dated and approval.created > record.created:
                continue
            listed.append((approval, digest))
        return judge_given(self.project, listed, landed, judge)

    def _judge_seal(
        self, record: PromotionRecord, judge: SignatureJudge, at: int | None
    ) -> Iterator[_Fault]:
        """Say what is wrong with the signature of a promotion's seal, where there is one."""
        name = promotion_tag_name(record.model, record.stage, record.sequence)
        process = self.project.repository.process
        (tag,) = objects.read_objects(process, [f"refs/tags/{name}"])
        data = self.project.registry.read_file(record.record_path)
        # A promotion without a seal is named for that.
        if tag is None or tag.kind != b"tag" or data is None:
            return
        signature = judge.judge_tag(str(Digest.of_bytes(data)), tag.data, at)
        if signature.kind != "good":
            words = signature.words or "is not signed"
            message = f"has a rule that asks for signatures, and its seal {words}"
            yield _Fault(message, signature.kind == "unknown")


def _find_holder(
    record: PromotionRecord, earlier: Sequence[PromotionRecord]
) -> VersionReference | None:
    """Find the version that held a stage, whatever a promotion after these says of it.

    One that a merge renumbered was made beside another holder, which only it names.
    """
    if record.renumbered is not None:
        return record.baseline
    if not earlier or earlier[-1].action == "retire":
        return None
    return VersionReference(earlier[-1].version, earlier[-1].record)


def _judge_count(requirement: ApprovalRequirement, facts: ApprovalFacts) -> Iterator[_Fault]:
    count = count_approvals(requirement, facts)
    possible = len(count.counted) + count.undecided
    if possible - count.unchecked >= requirement.least:
        return
    message = f"has {len(count.counted)} of {requirement.least} approvals that its rule asks for"
    for approval, why in count.others[:3]:
        message += f"; that of {approval.person} {why}"
    yield _Fault(message, possible >= requirement.least)
