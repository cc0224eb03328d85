"""Entries of the list `gates` that ask a version to answer as the stage's holder does.

Both were measured on the same bytes of a data set, with samples: one line for each row. A row
agrees where both gave the same answer, or got the same score where the samples have no answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlver.digest import Digest
from mlver.errors import shell_command
from mlver.policy.gates import metric
from mlver.policy.gates.gate import Gate, RecordedVersion, StageCandidate
from mlver.policy.quantities import read_decimal, show_decimal
from mlver.policy.samples import Samples, measure_agreement
from mlver.records.promotion import GateResult
from mlver.records.values import Value

_KEY = "agreement"
_NOT_HERE = "are not here"


@dataclass(frozen=True, slots=True)
class _Sampled:
    """The samples of a version on a data set; `fault` says why there are none."""

    samples: Samples | None = None
    evidence: Digest | None = None
    fault: str | None = None


def split_entries(setting: Value) -> Iterator[Value]:
    """Split the list `gates`: an entry that asks for agreement is one question."""
    if not isinstance(setting, Sequence) or isinstance(setting, str):
        return
    for entry in setting:
        if isinstance(entry, Mapping) and _KEY in entry:
            yield entry
        else:
            yield from metric.split_bounds([entry])


def judge_entry(candidate: StageCandidate, setting: Mapping[str, Any]) -> GateResult:
    if _KEY in setting:
        return judge_agreement(candidate, setting)
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
    own = _find_samples(candidate.recorded, name, pin)
    before = _find_samples(holder, name, pin)
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


def _find_samples(version: RecordedVersion, name: str, pin: Digest) -> _Sampled:
    """Find the samples of the last evaluation of this very record on these very bytes."""
    number = version.record.version
    last = None
    for evaluation, digest in version.evaluations:
        data = [part.digest for part in evaluation.data.values()]
        if evaluation.record == version.digest and data == [pin]:
            last = (evaluation, digest)
    if last is None:
        return _Sampled(fault=f"{number} was not evaluated on {name}")
    evaluation, digest = last
    if evaluation.untouched is False:
        return _Sampled(fault=f"the files of {number} were changed while it was evaluated")
    if evaluation.samples is None:
        return _Sampled(fault=f"{number} was evaluated on {name} without samples")
    samples = version.samples.get(evaluation.samples)
    if samples is None:
        return _Sampled(fault=f"the samples of {number} on {name} {_NOT_HERE}")
    return _Sampled(samples, digest)


def suggest_commands(ref: str, result: GateResult) -> tuple[str, ...]:
    """What measures what is missing, or brings it here."""
    if not result.gate.startswith(_KEY):
        return metric.suggest_commands(ref, result)
    if str(result.actual).endswith(_NOT_HERE):
        model = ref.partition("@")[0]
        number, data = str(result.actual).split()[3], result.gate.rpartition(" ")[2]
        measured = f"{model}@{number}"
        words = ("mlver", "evaluate", measured, "--on", data)
        return (shell_command("mlver", "pull", measured), f"{shell_command(*words)} -- COMMAND")
    return metric.suggest_commands(ref, replace(result, gate=f"metric {result.gate}, {_KEY}"))


GATE = Gate(judge=judge_entry, suggest_commands=suggest_commands, split=split_entries)
