"""All the rules of trust, without I/O: when a tag seals a record, and when a stage's history is whole.

The chain is tag → record → artifact digests → bytes. A tag names the record's digest; the record names its artifacts';
a promotion names the record it promoted and the promotion before it. Each rule returns the broken links it finds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.errors import command
from mlver.records.promotion import PromotionRecord


@dataclass(frozen=True, slots=True)
class Broken:
    """One broken link: a stable `kind` for machines, and for people what is wrong with which file or name."""

    kind: str
    subject: str
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """A version tag as found. `sealed` is the digest it names; `committed` that of the record its commit holds."""

    annotated: bool
    sealed: Digest | None
    committed: Digest | None


def tag_name(model: str, version: object) -> str:
    return f"{model}@v{version}"


def judge_seal(model: str, version: object, record: Digest, seal: Seal | None) -> tuple[Broken, ...]:
    """Whether the tag of a version seals the record whose bytes hash to `record`."""
    name = tag_name(model, version)
    if seal is None:
        hint = "git fetch --tags   (for seals made elsewhere; else: mlver tag)"
        return (Broken("unsealed", name, "no tag seals this record", hint),)
    if not seal.annotated:
        hint = f"{command('git', 'tag', '-d', name)} && mlver tag"
        return (Broken("tag", name, "is a lightweight tag, which can seal nothing", hint),)
    if seal.sealed is None:
        return (Broken("tag", name, "does not name the record it seals (no Mlver-Record line)", _compare(name)),)
    found = []
    if seal.committed is None:
        found.append(Broken("tag", name, "points at a commit that does not hold the record", _compare(name)))
    elif seal.committed != seal.sealed:
        found.append(Broken("tag", name, "points at a commit that holds another record", _compare(name)))
    if record != seal.sealed:
        message = "was edited after its tag sealed it"
        found.append(Broken("record", f"{model} {version}", message, command("git", "diff", name, "--", ".mlver")))
    return tuple(found)


def judge_history(
    subject: str,
    history: Sequence[tuple[PromotionRecord, Digest]],
    records: Mapping[str, Digest],
) -> tuple[Broken, ...]:
    """Whether a stage's promotions (oldest first, each with the digest of its bytes) form one unbroken chain."""
    found: list[Broken] = []
    before: PromotionRecord | None = None
    prior: Digest | None = None
    for expected, (record, digest) in enumerate(history, start=1):
        where = f"{subject}/{record.sequence:04d}"
        if record.sequence != expected:
            found.append(_chain(subject, f"{expected:04d} is missing"))
            break
        if record.prior != prior:
            named = f"{expected - 1:04d}" if before else "a record before the first"
            found.append(_chain(where, f"does not follow from {named}, which was changed or replaced"))
        if record.previous != left_by(before):
            found.append(_chain(where, f"says {record.previous or 'nothing'} held before; it was {left_by(before)}"))
        if record.version not in records:
            found.append(_chain(where, f"names {record.version}, which has no record"))
        elif records[record.version] != record.record:
            found.append(_chain(where, f"was given for another record of {record.version} than the one here"))
        before, prior = record, digest
    return tuple(found)


def left_by(record: PromotionRecord | None) -> str | None:
    return None if record is None or record.action == "retire" else record.version


def _chain(subject: str, message: str) -> Broken:
    return Broken("chain", subject, message, "git log --stat -- .mlver/models")


def _compare(name: str) -> str:
    return f"{command('git', 'show', name)}   (and compare with a clone you trust: git ls-remote --tags origin)"
