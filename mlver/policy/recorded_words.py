"""What a promotion recorded of a gate, beside what judging it again gives, word by word. Pure.

The words of results are kept in records for ever, so they are part of the format: whoever changes
what a gate says has to keep reading what it said before.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Literal

from mlver.policy.gates.table import find_gate
from mlver.policy.quantities import show_decimal
from mlver.records.promotion import GateResult, PromotionRecord
from mlver.records.values import Leaf

# How closely: all words, all but those of what was measured before, or values alone.
Comparison = Literal["words", "last words", "values"]

# These gates judge by the last evaluation that says something of it, and name it.
BY_LAST = ("drift",)
# What follows is what was measured before.
BEFORE = " (the last of "


def find_difference(
    recorded: GateResult, judged: GateResult, comparison: Comparison = "words"
) -> str | None:
    """Say in which words a recorded result differs from the same gate judged again."""
    claim = f"says that its gate `{recorded.gate}` passed"
    if recorded.data != judged.data or _differs(recorded.actual, judged.actual, comparison):
        pinned = ", on the data set that its rule pins" if judged.data is not None else ""
        return f"{claim} with {recorded.actual}; its evidence says {judged.actual}{pinned}"
    if _differs(recorded.baseline, judged.baseline, "words"):
        return (
            f"{claim} beside {_name(recorded.baseline)} in the version that held the stage, which"
            f" has {_name(judged.baseline)}"
        )
    if comparison == "values":
        return None
    if recorded.evidence != judged.evidence:
        return f"{claim} by {recorded.evidence}, which is not what it was judged by"
    if recorded.expected != judged.expected:
        return f"{claim}, and asked for {recorded.expected}; its rule asks for {judged.expected}"
    return None


def _differs(recorded: Leaf, judged: Leaf, comparison: Comparison) -> bool:
    written = [str(recorded), str(judged)]
    if comparison != "words":
        written = [text.partition(BEFORE)[0] for text in written]
    # What a gate says of many values names them in words.
    if comparison == "values" and _read_number(written[1]) is None:
        return False
    own, _, own_history = written[0].partition(BEFORE)
    other, _, other_history = written[1].partition(BEFORE)
    if own_history != other_history:
        return True
    return own != other and own not in _list_spellings(other)


def _list_spellings(text: str) -> Sequence[str]:
    number = _read_number(text)
    return [] if number is None else [show_decimal(number)]


def _read_number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _name(value: Leaf) -> str:
    return "nothing" if value is None else str(value)


def find_invented_terms(record: PromotionRecord, asked: Sequence[GateResult]) -> list[str]:
    """Say which gates a promotion says asked for something else than its rule does.

    `asked` are the gates of the rule, applied to nobody. Those of the list `gates` ask for what the
    holder has as well, and are judged by that (`mlver.policy.recorded_results`).
    """
    faults: list[str] = []
    for term in asked:
        if find_gate(term.gate) is find_gate("metric"):
            continue
        named = [result for result in record.gates if result.gate == term.gate]
        # Where two rules judged, each recorded a result of this name.
        if named and not any(_asks_the_same(result, term, record.stage) for result in named):
            claim = f"says that its gate `{term.gate}` asked for {named[0].expected}"
            faults.append(f"{claim}; its rule asks for {term.expected}")
        elif term.gate.split()[0] not in BY_LAST and any(map(_names_evidence, named)):
            faults.append(f"says that its gate `{term.gate}` measured something, which none does")
    return faults


def _asks_the_same(result: GateResult, term: GateResult, stage: str) -> bool:
    # Who counted approvals knew for which stage.
    return result.expected in (term.expected, f"{term.expected}, for {stage}")


def _names_evidence(result: GateResult) -> bool:
    # Reproductions and verdicts measured nothing of the kind, and their digests name them all the
    # same.
    is_named = find_gate(result.gate) in (find_gate("reproduced"), find_gate("verdict"))
    evidence = None if is_named else result.evidence
    return (result.baseline, result.data, evidence) != (None, None, None)
