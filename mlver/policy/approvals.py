"""Which approvals count for a promotion, and why the others do not. Pure: nothing is read here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from mlver.digest import Digest
from mlver.policy.approval_defaults import NOT_BY_DEFAULT
from mlver.policy.people import identify_person
from mlver.policy.stage_policy import StagePolicy
from mlver.records.approval import ApprovalRecord
from mlver.records.durations import read_duration
from mlver.records.promotion import ApprovalReference
from mlver.records.references import VersionReference

# `unlisted`: the key is nobody's who may sign, or was not when the approval landed. `false`: it is
# of something else, or of somebody else. `unknown`: it cannot be checked here.
SignatureKind: TypeAlias = Literal["good", "unsigned", "unlisted", "false", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalSignature:
    """What is known of an approval's signature; `signer` is its principal and its key."""

    kind: SignatureKind
    words: str = ""
    signer: str | None = None

    @property
    def key(self) -> str | None:
        return None if self.signer is None else self.signer.rpartition(" ")[2]


UNSIGNED = ApprovalSignature(kind="unsigned")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFacts:
    """What the signatures of a version's seal, and of a promotion that is made now, are worth."""

    seal: ApprovalSignature
    promotion: ApprovalSignature


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenApproval:
    """A yes, or one that is taken back, as it landed.

    `digest` is that of the record's bytes, `sealed` that of the number under which it was signed,
    where a merge gave it another one since. `landed` is the latest date of a commit of the line of
    first parents up to the one that brought it (seconds since 1970), None where nobody can tell.
    """

    record: ApprovalRecord
    digest: Digest
    landed: int | None
    signature: ApprovalSignature = UNSIGNED
    sealed: Digest | None = None

    @property
    def person(self) -> str:
        return identify_person(self.record.author)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalTerms:
    """What approvals have to be of: one version record, under one policy, beside one baseline.

    `spent` are the records of those that an earlier promotion of the stage counted.
    """

    stage: str
    record: Digest
    policy: Digest
    baseline: VersionReference | None
    spent: frozenset[Digest] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalFacts:
    """The approvals of a version for a stage, in order, and who asks for the promotion.

    `author` is who registered the version. `now` is when the promotion is made, in seconds since
    1970. `signed`: only what is signed counts.
    """

    terms: ApprovalTerms
    given: Sequence[GivenApproval]
    author: str
    promoter: str
    now: int
    signed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequirement:
    """What a rule asks for: `people` are the addresses of those who may approve, None for anybody.

    `within` is how many seconds an approval counts, None for ever.
    """

    least: int
    people: frozenset[str] | None = None
    excluded: frozenset[str] = frozenset(NOT_BY_DEFAULT)
    within: int | None = None
    words: str = ""

    @classmethod
    def from_setting(
        cls, setting: Mapping[str, Any], groups: Mapping[str, Any]
    ) -> ApprovalRequirement:
        """Read the gate's setting; a group that the settings do not have has nobody in it."""
        listed = setting.get("from")
        people = None if listed is None else frozenset(_expand_people(listed, groups))
        excluded = tuple(setting.get("not", NOT_BY_DEFAULT))
        within = setting.get("within")
        words = f"approvals by {setting['min']}"
        words += " people" if listed is None else f" of {', '.join(map(str, listed))}"
        if excluded:
            words += f", not the {' or the '.join(sorted(excluded))}"
        if within is not None:
            words += f", within {within}"
        return cls(
            least=setting["min"],
            people=people,
            excluded=frozenset(excluded),
            within=None if within is None else read_duration(within) or 0,
            words=words,
        )

    def allows(self, person: str) -> bool:
        """Say whether somebody, by their address, is among those who may approve."""
        return self.people is None or person in self.people


# What is asked where no rule of a stage asks for approvals.
ANYBODY = ApprovalRequirement(least=0, excluded=frozenset())


def read_requirement(policy: StagePolicy) -> ApprovalRequirement | None:
    """Read what a policy asks for; None where it asks for no approvals."""
    setting = policy.rule.get("approvals")
    if not isinstance(setting, Mapping):
        return None
    return ApprovalRequirement.from_setting(setting, policy.groups)


@dataclass(frozen=True, slots=True)
class ApprovalCount:
    """`counted` are by different people, who hold different keys; `others` say why they do not.

    `undecided` is how many more might count if they could be checked here; of `unchecked` of these,
    that is the signature.
    """

    counted: tuple[GivenApproval, ...]
    others: tuple[tuple[GivenApproval, str], ...]
    undecided: int = 0
    unchecked: int = 0


def _expand_people(listed: Sequence[str], groups: Mapping[str, Any]) -> Iterator[str]:
    for entry in listed:
        for person in groups.get(entry, (entry,)):
            # Anybody can call themselves by a name.
            if "@" in person:
                yield identify_person(person)


def count_approvals(requirement: ApprovalRequirement, facts: ApprovalFacts) -> ApprovalCount:
    """Count the approvals of different people; each person's first that counts is theirs."""
    tally = _Tally()
    revoked = find_revoked(requirement, facts.given)
    for approval in facts.given:
        if approval.record.action != "approve":
            continue
        fault = find_binding_fault(approval, facts.terms)
        if approval.digest in revoked:
            fault = "was taken back"
        fault = fault or _find_person_fault(requirement, facts, approval)
        fault = fault or _find_age_fault(requirement, facts, approval)
        fault = fault or find_signature_fault(approval, signed=facts.signed)
        doubt = _find_doubt(requirement, facts, approval)
        tally.undecided += fault is None and doubt is not None
        tally.unchecked += fault is None and doubt == approval.signature.words
        tally.add(approval, fault or doubt)
    others = [(given, why) for given, why in tally.others if given.person not in tally.people]
    return ApprovalCount(tuple(tally.counted), tuple(others), tally.undecided, tally.unchecked)


def list_counted(
    policies: Sequence[StagePolicy], facts: ApprovalFacts | None
) -> tuple[ApprovalReference, ...]:
    """List the approvals that count by one of these policies, as a promotion names them."""
    references: dict[ApprovalReference, None] = {}
    for policy in policies:
        requirement = read_requirement(policy)
        if requirement is None or facts is None:
            continue
        for approval in count_approvals(requirement, facts).counted:
            reference = ApprovalReference(
                approver=approval.record.author,
                record=approval.digest,
                signed=approval.signature.signer,
            )
            references[reference] = None
    return tuple(references)


@dataclass(slots=True)
class _Tally:
    counted: list[GivenApproval] = field(default_factory=list)
    others: list[tuple[GivenApproval, str]] = field(default_factory=list)
    people: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    undecided: int = 0
    unchecked: int = 0

    def add(self, approval: GivenApproval, fault: str | None) -> None:
        key = approval.signature.key
        if fault is None and approval.person in self.people:
            return
        if fault is None and key is not None and key in self.keys:
            fault = "is signed by a key that signed another one"
        if fault is not None:
            self.others.append((approval, fault))
            return
        self.counted.append(approval)
        self.people.add(approval.person)
        if key is not None:
            self.keys.add(key)


def find_revoked(
    requirement: ApprovalRequirement, given: Sequence[GivenApproval]
) -> frozenset[Digest]:
    """Find the approvals that were taken back.

    Who gave one takes back their own. Anybody else who may approve takes back all that stand.
    """
    revoked: set[Digest] = set()
    standing: list[GivenApproval] = []
    for approval in given:
        if approval.record.action == "approve":
            standing.append(approval)
            continue
        taken_back = [one for one in standing if one.person == approval.person]
        if not taken_back and requirement.allows(approval.person):
            taken_back = standing
        revoked.update(one.digest for one in taken_back)
        standing = [one for one in standing if one.digest not in revoked]
    return frozenset(revoked)


def find_binding_fault(approval: GivenApproval, terms: ApprovalTerms) -> str | None:
    """Say what an approval was given for instead; None where it was given for this promotion."""
    record = approval.record
    if record.record != terms.record:
        return "was given for another record of the version"
    if record.policy is None or record.policy.digest != terms.policy:
        return "was given under another rule of the stage"
    if record.baseline != terms.baseline:
        if record.baseline is None:
            return "was given while the stage was empty"
        return f"was given while {record.baseline.version} held the stage"
    if approval.digest in terms.spent or approval.sealed in terms.spent:
        return "was used up by an earlier promotion"
    return None


def find_signature_fault(approval: GivenApproval, *, signed: bool) -> str | None:
    """Say why an approval's signature does not count; with `signed`, there has to be one."""
    signature = approval.signature
    if signature.kind == "false" or (signed and signature.kind in ("unsigned", "unlisted")):
        return signature.words or "is not signed, and a name alone proves nothing"
    return None


def _find_doubt(
    requirement: ApprovalRequirement, facts: ApprovalFacts, approval: GivenApproval
) -> str | None:
    """Say what about an approval nobody can tell here."""
    if approval.signature.kind == "unknown" and facts.signed:
        return approval.signature.words
    if approval.landed is None and (requirement.within is not None or facts.signed):
        return "landed at a time that nobody can tell here"
    return None


def _find_person_fault(
    requirement: ApprovalRequirement, facts: ApprovalFacts, approval: GivenApproval
) -> str | None:
    if "author" in requirement.excluded and approval.person == identify_person(facts.author):
        return "is by the version's author"
    if "promoter" in requirement.excluded and approval.person == identify_person(facts.promoter):
        return "is by who promotes it"
    if not requirement.allows(approval.person):
        return "is by somebody who may not approve"
    return None


def _find_age_fault(
    requirement: ApprovalRequirement, facts: ApprovalFacts, approval: GivenApproval
) -> str | None:
    if requirement.within is None or approval.landed is None:
        return None
    return "is too old" if facts.now - approval.landed > requirement.within else None


def list_asked(requirement: ApprovalRequirement, facts: ApprovalFacts) -> Collection[str]:
    """List the addresses of those who could still approve; empty where anybody may."""
    people = set(requirement.people or ())
    if "author" in requirement.excluded:
        people.discard(identify_person(facts.author))
    if "promoter" in requirement.excluded:
        people.discard(identify_person(facts.promoter))
    return sorted(people)
