"""Entries of the list `gates` that ask a version to answer as the stage's holder does.

Both were measured on the same bytes of a data set, with samples: one line for each row. A row
agrees where both gave the same answer, or got the same score where the samples have no answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlver.errors import shell_command
from mlver.policy.gates import confident, metric
from mlver.policy.gates.gate import Gate, StageCandidate
from mlver.policy.gates.sampled import NOT_HERE, find_samples
from mlver.policy.quantities import read_decimal, show_decimal
from mlver.policy.samples import measure_agreement
from mlver.records.promotion import GateResult
from mlver.records.values import Value

_KEY = "agreement"


def split_entries(setting: Value) -> Iterator[Value]:
    """Split the list `gates`: an entry that asks for agreement is one question."""
    if not isinstance(setting, Sequence) or isinstance(setting, str):
        return
    for entry in setting:
        if isinstance(entry, Mapping) and _KEY in entry:
            yield entry
        elif isinstance(entry, Mapping) and confident.KEY in entry:
            yield from confident.split_confident(entry)
        else:
            yield from metric.split_bounds([entry])


def judge_entry(candidate: StageCandidate, setting: Mapping[str, Any]) -> GateResult:
    if _KEY in setting:
        return judge_agreement(candidate, setting)
    if confident.KEY in setting:
        return confident.judge_confidence(candidate, setting)
    return metric.judge_metric(candidate, setting)


def judge_agreement(candidate: StageCandidate, setting: Mapping[str, Any]) -> GateResult:
    least, name = read_decimal(setting[_KEY]), str(setting.get("on"))
    asked = GateResult(
        gate=f"{_KEY} on {name}",
        result="inconclusive",
        expected=f"at least {setting[_KEY]} of the rows as the holder has them",
        actual="",
    )
    if candidate.recorded is None or candidate.stage is None:
        return replace(asked, actual="nobody looked at its records")
    holder = candidate.stage.holder
    if holder is None:
        return replace(asked, result="pass", actual=metric.NO_BASELINE)
    pin = metric.find_pin(candidate, name)
    if pin is None or least is None:
        return replace(asked, actual=f"{name} is not pinned under `datasets`")
    own = find_samples(candidate.recorded, name, pin)
    before = find_samples(holder, name, pin)
    asked = replace(asked, data=pin, evidence=own.evidence)
    if own.samples is None or before.samples is None:
        return replace(asked, actual=own.fault or before.fault)
    if len(own.samples) != len(before.samples):
        rows = f"{len(own.samples):,} rows, and {holder.record.version} has {len(before.samples):,}"
        return replace(asked, actual=f"its samples have {rows}")
    agreement = measure_agreement(own.samples, before.samples)
    # In whole rows, so that no rounding decides: a tie passes.
    is_enough = agreement.alike >= least * agreement.rows
    share = show_decimal(read_decimal(round(agreement.alike / agreement.rows, 6)) or least)
    actual = f"{share}: the same {agreement.of} in {agreement.alike:,} of {agreement.rows:,} rows"
    expected = f"at least {setting[_KEY]} of the rows as {holder.record.version} has them"
    result = replace(asked, result="pass" if is_enough else "fail", expected=expected)
    return replace(result, actual=actual)


def suggest_commands(ref: str, result: GateResult) -> tuple[str, ...]:
    """What measures what is missing, or brings it here."""
    if not result.gate.startswith(_KEY):
        return metric.suggest_commands(ref, result)
    if str(result.actual).endswith(NOT_HERE):
        model = ref.partition("@")[0]
        number, data = str(result.actual).split()[3], result.gate.rpartition(" ")[2]
        measured = f"{model}@{number}"
        words = ("mlver", "evaluate", measured, "--on", data)
        return (shell_command("mlver", "pull", measured), f"{shell_command(*words)} -- COMMAND")
    return metric.suggest_commands(ref, replace(result, gate=f"metric {result.gate}, {_KEY}"))


GATE = Gate(judge=judge_entry, suggest_commands=suggest_commands, split=split_entries)
