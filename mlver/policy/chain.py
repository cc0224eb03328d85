"""All the rules of trust, without I/O: when a tag seals a record, and when a stage's history is
whole.

The chain is tag → record → artifact digests → bytes. A tag names the record's digest; the record
names its artifacts'; a promotion names the record it promoted and the promotion before it. Each
rule returns the broken links it finds.

A tag that was there before mlver names no record, and is never made anew. Its record names it
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

    Where none has one yet, only the last: switching the tags on starts no pipeline for what was
    long ago.
    """
    begun = [number for number in sequences if number in tagged]
    return [number for number in sequences if number >= begun[0]] if begun else list(sequences[-1:])


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
        return (
            Finding(
                "tag",
                name,
                "does not name the record it seals (no Mlver-Record line)",
                _comparison_hints(name),
            ),
        )
    found = []
    if seal.committed is None:
        found.append(
            Finding(
                "tag",
                name,
                "points at a commit that does not hold the record",
                _comparison_hints(name),
            )
        )
    elif seal.committed != seal.sealed:
        found.append(
            Finding(
                "tag",
                name,
                "points at a commit that holds another record",
                _comparison_hints(name),
            )
        )
    if record != seal.sealed:
        message = "was edited after its tag sealed it"
        found.append(
            Finding(
                "record", subject, message, (shell_command("git", "diff", name, "--", ".mlver"),)
            )
        )
    return tuple(found)


def _judge_landing(
    subject: str, name: str, record: Digest, landing: RecordLanding
) -> tuple[Finding, ...]:
    if not landing.kept:
        return (
            Finding(
                "tag",
                name,
                "is another tag than the one this version was adopted from",
                _comparison_hints(name),
            ),
        )
    if landing.committed is None:
        return (
            Finding(
                "unsealed", name, "was adopted, and no commit holds its record yet", ("git commit",)
            ),
        )
    if landing.edited or landing.committed != record:
        return (
            Finding(
                "record",
                subject,
                "was edited after it was adopted",
                ("git log --stat -- .mlver/models",),
            ),
        )
    return ()


def judge_signature(name: str, signature: SignatureState, *, required: bool) -> tuple[Finding, ...]:
    """Whether a version tag's signature is as it has to be: never wrong, and where that is
    `required`, good.
    """
    check = shell_command("git", "verify-tag", name)
    if signature == "bad":
        return (
            Finding(
                "signature",
                name,
                "is signed, and the signature is not of what it says now",
                (check,),
            ),
        )
    if required and signature == "unknown":
        message = (
            "is signed by a key that cannot be judged here, and the settings ask for a "
            "good signature"
        )
        return (Finding("signature", name, message, (check,)),)
    if required and signature == "unsigned":
        return (
            Finding("signature", name, "is not signed, and the settings ask for that", (check,)),
        )
    return ()


def judge_history(
    subject: str,
    history: Sequence[tuple[PromotionRecord, Digest]],
    records: Mapping[str, Digest],
) -> tuple[Finding, ...]:
    """Whether a stage's promotions (oldest first, each with the digest of its bytes) form one
    unbroken chain.
    """
    found: list[Finding] = []
    before: PromotionRecord | None = None
    prior: Digest | None = None
    for expected, (record, digest) in enumerate(history, start=1):
        where = f"{subject}/{record.sequence:04d}"
        if record.sequence != expected:
            found.append(_broken_chain(subject, f"{expected:04d} is missing"))
            break
        if record.prior != prior:
            named = f"{expected - 1:04d}" if before else "a record before the first"
            found.append(
                _broken_chain(where, f"does not follow from {named}, which was changed or replaced")
            )
        if record.previous != holder_after(before):
            found.append(
                _broken_chain(
                    where,
                    f"says {record.previous or 'nothing'} held before; it was "
                    f"{holder_after(before)}",
                )
            )
        if record.version not in records:
            found.append(_broken_chain(where, f"names {record.version}, which has no record"))
        elif records[record.version] != record.record:
            found.append(
                _broken_chain(
                    where, f"was given for another record of {record.version} than the one here"
                )
            )
        before, prior = record, digest
    return tuple(found)


def holder_after(record: PromotionRecord | None) -> str | None:
    return None if record is None or record.action == "retire" else record.version


def _broken_chain(subject: str, message: str) -> Finding:
    return Finding("chain", subject, message, ("git log --stat -- .mlver/models",))


def _comparison_hints(name: str) -> tuple[str, ...]:
    """Look at the tag here, and at the one of the same name in a repository that is trusted."""
    return (shell_command("git", "show", name), "git ls-remote --tags origin")
