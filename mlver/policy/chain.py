"""All the rules of trust, without I/O: when a tag seals a record, and when a stage's history is
whole.

The chain is tag → record → artifact digests → bytes. A tag names the record's digest; the record
names its artifacts'; a promotion names the record it promoted and the promotion before it. Each
rule returns the broken links it finds.

A tag that was there before mlver names no record, and is never made again. Its record names it
instead, and is vouched for by the commit that landed it, as long as history never changed it and
the tag is the one it names.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mlver.digest import Digest
from mlver.errors import shell_command
from mlver.findings import Finding
from mlver.records.promotion import PromotionRecord
from mlver.records.tags import version_tag_name

# `unknown`: it cannot be judged here, for want of a key that is known and trusted, or of a program.
SignatureState = Literal["good", "bad", "unknown", "unsigned"]
# The first brings seals that were made elsewhere; the second seals what none of them seals.
UNSEALED_HINTS = ("git fetch --tags", "mlver tag")
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
    from that tag.
    """

    annotated: bool
    sealed: Digest | None
    committed: Digest | None
    landing: RecordLanding | None = None


def events_due(sequences: Sequence[int], tagged: Collection[int]) -> list[int]:
    """Of a stage's promotions, lowest first, those that should have a tag: from the first tagged
    one on.
    """
    for position, number in enumerate(sequences):
        if number in tagged:
            return list(sequences[position:])
    # Only the last: switching the tags on starts no pipeline for what was long ago.
    return list(sequences[-1:])


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
        diff = shell_command("git", "diff", name, "--", ".mlver")
        findings.append(Finding("record", subject, "was edited after its tag sealed it", (diff,)))
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


def _report_tag(name: str, message: str) -> Finding:
    """A tag at fault: look at it here, and at the one of a repository that is trusted."""
    hints = (shell_command("git", "show", name), "git ls-remote --tags origin")
    return Finding("tag", name, message, hints)


def judge_signature(name: str, signature: SignatureState, *, required: bool) -> tuple[Finding, ...]:
    """Whether a version tag's signature is as it has to be: never wrong, and where that is
    `required`, good.
    """
    message = None
    if signature == "bad":
        message = "is signed, and the signature is not of what it says now"
    elif required and signature == "unknown":
        message = (
            "is signed by a key that cannot be judged here, and the settings ask for a "
            "good signature"
        )
    elif required and signature == "unsigned":
        message = "is not signed, and the settings ask for that"
    if message is None:
        return ()
    check = shell_command("git", "verify-tag", name)
    return (Finding("signature", name, message, (check,)),)


def judge_history(
    subject: str,
    history: Sequence[tuple[PromotionRecord, Digest]],
    records: Mapping[str, Digest],
) -> tuple[Finding, ...]:
    """Whether a stage's promotions (oldest first, each with the digest of its bytes) form one
    unbroken chain.
    """
    findings: list[Finding] = []
    before: PromotionRecord | None = None
    prior: Digest | None = None
    for expected, (record, digest) in enumerate(history, start=1):
        place = f"{subject}/{record.sequence:04d}"
        if record.sequence != expected:
            findings.append(_broken_chain(subject, f"{expected:04d} is missing"))
            break
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
    return tuple(findings)


def holder_after(record: PromotionRecord | None) -> str | None:
    """The version that holds a stage after its last promotion."""
    if record is None or record.action == "retire":
        return None
    return record.version


def _broken_chain(subject: str, message: str) -> Finding:
    return Finding("chain", subject, message, _LOG_HINTS)
