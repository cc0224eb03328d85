"""Recorded drifts of made-up columns, of which some moved."""

from __future__ import annotations

from typing import Any

from mlver.digest import Digest
from mlver.policy.drift.probabilities import find_ks_p
from mlver.policy.drift.recorded import METRICS, OTHER_SIDE, judge_recorded, summarise_drift
from mlver.records.evaluation import EvaluationRecord, ServedData
from mlver.records.measured_drift import MeasuredColumn, MeasuredDrift
from mlver.records.sections.insight import DriftThresholds

TRAIN, SERVED = Digest.of_bytes(b"train"), Digest.of_bytes(b"served")


def make_column(name: str, *, moved: bool = False, **fields: Any) -> MeasuredColumn:
    usual: dict[str, Any] = {"kind": "number", "old_count": 400, "new_count": 400}
    usual.update(ks=0.05, psi=0.01, js=0.001)
    if moved:
        usual.update(ks=0.5, psi=1.0, js=0.3)
    values = {**usual, **fields}
    if values["ks"] is not None:
        values.setdefault("p", find_ks_p(values["ks"], values["old_count"], values["new_count"]))
    return MeasuredColumn(name=name, **values)


def make_drift(moved: int = 0, count: int = 5, **fields: Any) -> MeasuredDrift:
    """A drift of so many columns, of which the first `moved` ones did."""
    columns = tuple(make_column(f"c{place}", moved=place < moved) for place in range(count))
    usual: dict[str, Any] = {
        "kind": "skew",
        "dataset": "train",
        "digest": TRAIN,
        "old_rows": 400,
        "new_rows": 400,
        "exact": True,
        "thresholds": DriftThresholds(),
        "columns": columns,
    }
    return MeasuredDrift(**{**usual, **fields})


def make_drift_record(drift: MeasuredDrift, **fields: Any) -> EvaluationRecord:
    """A record of a drift, which agrees with itself."""
    table = judge_recorded(drift, drift.thresholds)
    usual: dict[str, Any] = {
        "model": "m",
        "version": "1.1.0",
        "sequence": 1,
        "created": "2026-01-02T03:04:05Z",
        "author": "Kim <kim@example.org>",
        "message": "",
        "record": Digest.of_bytes(b"record"),
        "data": {OTHER_SIDE[drift.kind]: ServedData(served="today.csv", digest=SERVED)},
        "metrics": {METRICS: summarise_drift(table)},
        "drift": drift,
    }
    return EvaluationRecord(**{**usual, **fields})
