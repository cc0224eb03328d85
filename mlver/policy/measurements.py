"""What a version's records say of a metric, and on which data it was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from mlver.digest import Digest
from mlver.policy.gates.gate import RecordedVersion
from mlver.policy.metric_names import find_metrics
from mlver.policy.quantities import read_decimal, show_decimal
from mlver.records.artifact import Artifact
from mlver.records.evaluation import EvaluationRecord

_LISTED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The values of a metric by their names, many where the name has a `*`.

    `evidence` is the digest of the record that says so, `data` that of what it was measured on.
    `fault` says why there is no value. `earlier` are those that the same version had before on the
    same data, oldest first, and `count` is how many examples it was measured on.
    """

    values: Mapping[str, Decimal] = field(default_factory=dict)
    evidence: Digest | None = None
    data: Digest | None = None
    fault: str | None = None
    earlier: Sequence[str] = ()
    count: int | None = None
    evaluation: EvaluationRecord | None = None

    @property
    def history(self) -> str:
        """What was measured before, in words; empty where it was measured once."""
        if not self.earlier:
            return ""
        shown = ", ".join(self.earlier[-_LISTED:])
        left_out = "" if len(self.earlier) <= _LISTED else "…, "
        return f" (the last of {len(self.earlier) + 1} evaluations; before: {left_out}{shown})"


def find_registered(version: RecordedVersion, metric: str) -> Measurement:
    """Find what a version's own record says of a metric."""
    return _read_values(
        find_metrics(version.record.metrics, metric),
        evidence=version.digest,
        missing=f"{version.record.version} has no {metric}",
    )


def find_evaluated(version: RecordedVersion, metric: str, name: str, data: Digest) -> Measurement:
    """Find what was measured of a version on a data set of this name and digest.

    The last evaluation counts. Where different commands measured, that is the last of one of them
    that has the metric: one that no longer has it takes it away.
    """
    number = version.record.version
    evaluations = _list_on(version, data)
    if not evaluations:
        return Measurement(fault=_describe_missing(version, name))
    latest = {record.command: (record, digest) for record, digest in evaluations}
    candidates = [
        (record, digest)
        for record, digest in latest.values()
        if find_metrics(record.metrics, metric)
    ]
    if not candidates:
        return Measurement(fault=f"{number} was evaluated on {name} without {metric}")
    record, digest = max(candidates, key=lambda candidate: candidate[0].sequence)
    if record.untouched is False:
        return Measurement(fault=f"the files of {number} were changed while it was evaluated")
    return _read_values(
        find_metrics(record.metrics, metric),
        evidence=digest,
        data=data,
        missing=f"{number} has no {metric}",
        earlier=_list_earlier(evaluations, record, metric),
        evaluation=record,
    )


def _list_on(version: RecordedVersion, data: Digest) -> list[tuple[EvaluationRecord, Digest]]:
    """List the evaluations of this very record on this very data set, and on nothing else."""
    evaluations: list[tuple[EvaluationRecord, Digest]] = []
    for record, digest in version.evaluations:
        parts = list(record.data.values())
        is_on = bool(parts) and all(
            isinstance(part, Artifact) and part.digest == data for part in parts
        )
        if is_on and record.record == version.digest:
            evaluations.append((record, digest))
    return sorted(evaluations, key=lambda evaluation: evaluation[0].sequence)


def _describe_missing(version: RecordedVersion, name: str) -> str:
    number = version.record.version
    own = [record for record, _ in version.evaluations if record.record == version.digest]
    if any(name in record.data for record in own):
        return f"{number} was evaluated on another {name} than the one that is pinned"
    if version.evaluations and not own:
        return f"the evaluations of {number} are of another record than the one here"
    return f"{number} was not evaluated on {name}"


def _list_earlier(
    evaluations: Sequence[tuple[EvaluationRecord, Digest]], last: EvaluationRecord, metric: str
) -> list[str]:
    """List what was measured before the last time, oldest first."""
    earlier: list[str] = []
    for record, _ in evaluations:
        if record.sequence >= last.sequence:
            continue
        values = find_metrics(record.metrics, metric)
        shown = [_show_value(value) for value in values.values()]
        if shown:
            earlier.append("/".join(shown[:3]))
    return earlier


def _show_value(value: object) -> str:
    number = read_decimal(value)
    return str(value) if number is None else show_decimal(number)


def _read_values(
    found: Mapping[str, object],
    *,
    evidence: Digest,
    missing: str,
    data: Digest | None = None,
    earlier: Sequence[str] = (),
    evaluation: EvaluationRecord | None = None,
) -> Measurement:
    if not found:
        return Measurement(fault=missing)
    values: dict[str, Decimal] = {}
    for name, value in found.items():
        number = read_decimal(value)
        if number is None:
            return Measurement(fault=f"{name} is {value}, which is no finite number")
        values[name] = number
    return Measurement(
        values=values,
        evidence=evidence,
        data=data,
        earlier=earlier,
        count=None if evaluation is None else evaluation.count,
        evaluation=evaluation,
    )
