"""Whether the gate `reproduced` of a promotion can have passed, and by the record that it names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from contextlib import suppress
from dataclasses import replace

from mlver.digest import Digest
from mlver.document import codec
from mlver.errors import MlverError
from mlver.policy.gates.gate import NOBODY
from mlver.policy.gates.reproduced import judge_reproduction
from mlver.policy.promotion_dates import CLOCK_TOLERANCE_S, count_seconds
from mlver.project.audit.promotion_landings import LandingFinder
from mlver.project.project import Project
from mlver.project.registry.attached import read_digested_reproductions
from mlver.records.promotion import GateResult, PromotionRecord
from mlver.records.reproduction import ReproductionRecord
from mlver.records.values import Value

_CLAIMS = "says that its gate"
# Their former digests double with each one more.
_MOST_MERGED = 8
Reproductions = Sequence[tuple[ReproductionRecord, Digest]]


def judge_reproduced(
    project: Project, record: PromotionRecord, asked: Value, landings: LandingFinder
) -> Iterator[str]:
    """Say what is wrong with the gate's result.

    The last reproduction that was known decides, or a later one that may have been; and the result
    names it by its digest.
    """
    found = _read_reproductions(project, record)
    known: list[tuple[ReproductionRecord, Digest]] = []
    views = [known]
    for pair in found:
        path, is_older = pair[0].record_path, pair[0].created < record.created
        if is_older and landings.was_known(path, record):
            known = [*known, pair]
            views = [known]
        elif landings.was_before(path, record) is not False:
            views.append([*known, pair])
    results = [_judge(view, asked) for view in views]
    passed = {result.evidence for result in results if result.result == "pass"}
    gate = results[0].gate
    named = {one.evidence for one in record.gates if (one.gate, one.result) == (gate, "pass")}
    if named & passed or _is_renumbered(found, named, asked):
        return
    if not passed:
        yield f"{_CLAIMS} `{gate}` passed, and {results[0].actual}"
    elif named:
        told = " or ".join(str(one) if one else "no record" for one in named)
        yield f"{_CLAIMS} `{gate}` passed by {told}, which is not what it was judged by"


def _is_renumbered(found: Reproductions, named: Set[Digest | None], asked: Value) -> bool:
    """Whether a result names a record that a merge renumbered since, and that opens the gate."""
    here = {digest for _, digest in found}
    former = {digest: one for digest, one in _list_former(found).items() if digest not in here}
    opening = [one for digest, one in former.items() if digest in named]
    return any(_judge([(one, Digest.of_bytes(b""))], asked).result == "pass" for one in opening)


def _judge(view: Reproductions, asked: Value) -> GateResult:
    return judge_reproduction(replace(NOBODY, reproductions=tuple(view)), asked)


def _read_reproductions(project: Project, record: PromotionRecord) -> Reproductions:
    """Read those of the promoted record that are not from after the promotion."""
    latest = count_seconds(record.created) + CLOCK_TOLERANCE_S
    # One that cannot be read is named by its own check.
    with suppress(MlverError):
        found = read_digested_reproductions(project.registry, record.model, record.version)
        own = [pair for pair in found if pair[0].record == record.record]
        return [pair for pair in own if count_seconds(pair[0].created) <= latest]
    return ()


def _list_former(found: Reproductions) -> dict[Digest, ReproductionRecord]:
    """List the digests that these may have had before a merge renumbered some of them: a record has
    another number and follows another one since, and says the same otherwise.
    """
    followed: dict[int, list[Digest | None]] = {0: [None]}
    former: dict[Digest, ReproductionRecord] = {}
    records = sorted((pair[0] for pair in found), key=lambda record: record.created)
    for record in records[-_MOST_MERGED:]:
        for sequence in range(len(followed), 0, -1):
            for prior in followed[sequence - 1]:
                one = replace(record, sequence=sequence, prior=prior)
                digest = Digest.of_bytes(codec.encode_document("reproduction", one.to_document()))
                followed.setdefault(sequence, []).append(digest)
                former[digest] = record
    return former
