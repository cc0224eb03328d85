"""When a tag seals a record, and when a stage's history is whole, without I/O.

What a promotion says of its gates, its dates and its people is judged in `promotion_rules`.

The chain is tag → record → artifact digests → bytes. A tag names the record's digest; the record
names its artifacts'; a promotion names the record it promoted and the promotion before it. Each
rule returns the broken links it finds.

A promotion whose record is of format 1 is older than seals of promotions: it is never sealed
afterwards, and nothing of that format may follow once a stage has a promotion of format 2.

A tag that was there before mlver names no record, and is never made again. Its record names it
instead, and is vouched for by the commit that landed it, as long as history never changed it and
the tag is the one it names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mlver.digest import Digest
from mlver.errors import shell_command
from mlver.findings import Finding
from mlver.records.promotion import PromotionRecord
from mlver.records.tags import promotion_tag_name, version_tag_name

# `unknown`: it cannot be judged here, for want of a key that is known and trusted, or of a program.
SignatureState = Literal["good", "bad", "unknown", "unsigned"]
# What is to be said of a promotion beside what it did: `before seals` is one of format 1.
SealState = Literal["sealed", "unsealed", "before seals"]
# The first brings seals that were made elsewhere; the second seals what none of them seals.
UNSEALED_HINTS = ("git fetch --tags", "mlver tag")
# A stage's promotions, oldest first, each with the digest of its bytes.
PromotionChain = Sequence[tuple[PromotionRecord, Digest]]
UNSIGNED = "is not signed, and the settings ask for that"
_LOG_HINTS = ("git log --stat -- .mlver/models",)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLanding:
    """How an adopted record came in: by which commit, with which bytes, and whether history changed
    it since.

    `kept`: the tag here is still the one the record names.
    """

    commit: str | None
    committed: Digest | None
    edited: bool
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSeal:
    """A tag as found.

    `sealed` is the digest it names; `committed` that of the record its commit holds.

    `landing` is told of a version tag that names no record where the record says it was adopted
    from that tag. `apart`: the history that is looked at never had the record that the tag seals.
    """

    annotated: bool
    sealed: Digest | None
    committed: Digest | None
    landing: RecordLanding | None = None
    apart: bool = False


def judge_seal(
    model: str, version: object, record: Digest, seal: RecordSeal | None
) -> tuple[Finding, ...]:
    """Whether the tag of a version seals the record whose bytes hash to `record`."""
    return judge_tag(version_tag_name(model, version), f"{model} {version}", record, seal)


def judge_tag(
    name: str, subject: str, record: Digest, seal: RecordSeal | None
) -> tuple[Finding, ...]:
    """Whether the tag `name` seals the record of `subject`, whose bytes hash to `record`."""
    if seal is None:
        return (Finding("unsealed", name, "no tag seals this record", UNSEALED_HINTS),)
    if seal.landing is not None and seal.sealed is None:
        return _judge_landing(subject, name, record, seal.landing)
    if not seal.annotated:
        hints = (shell_command("git", "tag", "-d", name), "mlver tag")
        return (Finding("tag", name, "is a lightweight tag, which can seal nothing", hints),)
    if seal.sealed is None:
        message = "does not name the record it seals (no Mlver-Record line)"
        look = shell_command("git", "show", name)
        delete = shell_command("git", "tag", "-d", name)
        return (Finding("tag", name, message, (look, delete, "mlver tag")),)
    findings: list[Finding] = []
    if seal.committed is None:
        findings.append(_report_tag(name, "points at a commit that does not hold the record"))
    elif seal.committed != seal.sealed:
        findings.append(_report_tag(name, "points at a commit that holds another record"))
    if record != seal.sealed:
        findings.append(_report_other(name, subject, apart=seal.apart))
    return tuple(findings)


def _judge_landing(
    subject: str, name: str, record: Digest, landing: RecordLanding
) -> tuple[Finding, ...]:
    if not landing.kept:
        return (_report_tag(name, "is another tag than the one this version was adopted from"),)
    if landing.committed is None:
        message = "was adopted, and no commit holds its record yet"
        return (Finding("unsealed", name, message, ("git commit",)),)
    if landing.edited or landing.committed != record:
        return (Finding("record", subject, "was edited after it was adopted", _LOG_HINTS),)
    return ()


def _report_other(name: str, subject: str, *, apart: bool) -> Finding:
    """A seal of another record than the one here: of what that was, or (`apart`) of one that never
    came here.
    """
    if not apart:
        diff = shell_command("git", "diff", name, "--", ".mlver")
        return Finding("record", subject, "was edited after its tag sealed it", (diff,))
    message = (
        f"seals a record that this history never had, and {subject} here is another; if the sealed"
        " one never landed, the tag may be deleted; if it did, it was replaced here"
    )
    show = shell_command("git", "show", name)
    delete = shell_command("git", "tag", "-d", name)
    return Finding("tag", name, message, (show, delete, "mlver tag"))


def _report_tag(name: str, message: str) -> Finding:
    """A tag at fault: look at it here, and at the one of a repository that is trusted."""
    hints = (shell_command("git", "show", name), "git ls-remote --tags origin")
    return Finding("tag", name, message, hints)


def judge_signature(name: str, signature: SignatureState, *, required: bool) -> tuple[Finding, ...]:
    """Whether a tag's signature is as it has to be: never wrong, and where that is `required`,
    good.
    """
    check = shell_command("git", "verify-tag", name)
    delete = shell_command("git", "tag", "-d", name)
    sign = "git config tag.gpgSign true"
    if signature == "bad":
        message = "is signed, and the signature is not of what it says now"
        return (Finding("signature", name, message, (check, sign, delete, "mlver tag")),)
    if required and signature == "unknown":
        message = (
            "is signed by a key that cannot be judged here, and the settings ask for a "
            "good signature"
        )
        return (Finding("signature", name, message, (check,)),)
    if required and signature == "unsigned":
        return (Finding("signature", name, UNSIGNED, (sign, delete, "mlver tag")),)
    return ()


@dataclass(frozen=True, slots=True)
class PromotionSeal:
    """The tag of a promotion, and what is known of the tag's signature.

    `precedes_signing`: the promotion landed before the settings asked for signed seals.
    """

    seal: RecordSeal
    signature: SignatureState = "unsigned"
    precedes_signing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainSeals:
    """How promotions of a stage are sealed: the state of each, by its number.

    `broken` is damage in a clone that has all tags; `missing` are those among it that say of a tag
    that it is not here. `unsealed` are the newest promotions that no
    tag seals yet: the next `mlver tag` or `mlver release` does.
    """

    states: Mapping[int, SealState]
    broken: tuple[Finding, ...] = ()
    missing: tuple[Finding, ...] = ()
    unsealed: tuple[Finding, ...] = ()


def judge_promotion_seals(
    history: PromotionChain,
    seals: Mapping[int, PromotionSeal],
    *,
    signed: bool,
) -> ChainSeals:
    """Judge the seals of a stage's promotions (oldest first, each with the digest of its bytes).

    `seals` are by number; a promotion without one has no tag. `signed`: the settings ask for good
    signatures.
    """
    states: dict[int, SealState] = {}
    broken: list[Finding] = []
    last_sealed = 0
    for record, digest in history:
        states[record.sequence] = "before seals" if record.format == 1 else "unsealed"
        if record.sequence not in seals:
            continue
        tag = seals[record.sequence]
        findings = _judge_promotion_tag(record, digest, tag, signed=signed)
        broken += findings
        states[record.sequence] = "unsealed" if findings else "sealed"
        if record.format > 1 and not findings:
            last_sealed = record.sequence
    untagged = [
        record for record, _ in history if record.format > 1 and record.sequence not in seals
    ]
    missing = [_report_missing(record) for record in untagged if record.sequence < last_sealed]
    unsealed = [_report_unsealed(record) for record in untagged if record.sequence >= last_sealed]
    return ChainSeals(
        states=states,
        broken=(*broken, *missing),
        missing=tuple(missing),
        unsealed=tuple(unsealed),
    )


def _report_missing(record: PromotionRecord) -> Finding:
    name = promotion_tag_name(record.model, record.stage, record.sequence)
    message = "is missing: a later promotion of the stage is sealed, and this one is not"
    return Finding("chain", name, message, UNSEALED_HINTS)


def _report_unsealed(record: PromotionRecord) -> Finding:
    name = promotion_tag_name(record.model, record.stage, record.sequence)
    return Finding("unsealed", name, "no tag seals this promotion yet", UNSEALED_HINTS)


def _judge_promotion_tag(
    record: PromotionRecord, digest: Digest, tag: PromotionSeal, *, signed: bool
) -> tuple[Finding, ...]:
    """Judge the tag that stands beside a promotion, whatever the format of its record."""
    name = promotion_tag_name(record.model, record.stage, record.sequence)
    subject = f"{record.model} {record.stage} {record.sequence:04d}"
    # Tags of promotions never had to be signed while their records were of format 1.
    required = signed and record.format > 1
    return (
        *judge_tag(name, subject, digest, tag.seal),
        *judge_signature(name, tag.signature, required=required and not tag.precedes_signing),
    )


def judge_history(
    subject: str,
    history: PromotionChain,
    records: Mapping[str, Digest],
) -> tuple[Finding, ...]:
    """Whether a stage's promotions (oldest first, each with the digest of its bytes) form one
    unbroken chain.
    """
    findings: list[Finding] = []
    before: PromotionRecord | None = None
    prior: Digest | None = None
    newest_format = 1
    for expected, (record, digest) in enumerate(history, start=1):
        place = f"{subject}/{record.sequence:04d}"
        if record.sequence != expected:
            findings.append(_broken_chain(subject, f"{expected:04d} is missing"))
            break
        if record.format < newest_format:
            message = "is of a format without seals, and follows a promotion that has to be sealed"
            findings.append(_broken_chain(place, message))
        if record.prior != prior:
            named = f"{expected - 1:04d}" if before else "a record before the first"
            message = f"does not follow from {named}, which was changed or replaced"
            findings.append(_broken_chain(place, message))
        holder = holder_after(before)
        if record.previous != holder:
            message = f"says {record.previous or 'nothing'} held before; it was {holder}"
            findings.append(_broken_chain(place, message))
        if record.version not in records:
            findings.append(_broken_chain(place, f"names {record.version}, which has no record"))
        elif records[record.version] != record.record:
            message = f"was given for another record of {record.version} than the one here"
            findings.append(_broken_chain(place, message))
        before = record
        prior = digest
        newest_format = max(newest_format, record.format)
    return tuple(findings)


def holder_after(record: PromotionRecord | None) -> str | None:
    """The version that holds a stage after its last promotion."""
    if record is None or record.action == "retire":
        return None
    return record.version


def _broken_chain(subject: str, message: str) -> Finding:
    return Finding("chain", subject, message, _LOG_HINTS)
