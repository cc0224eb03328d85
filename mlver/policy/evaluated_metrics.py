"""The metrics that evaluations gave a version, as lists and plots name them: `accuracy@golden`."""

from __future__ import annotations

from collections.abc import Mapping

from mlver.digest import Digest
from mlver.records.evaluation import EvaluationHistory, EvaluationRecord
from mlver.records.values import flatten_values

_ON = "@"
# How many columns had moved, among the metrics of a recorded drift.
_MOVED = "drift.columns"


def choose_evaluations(
    history: EvaluationHistory, record: Digest, pins: Mapping[str, Digest]
) -> dict[str, EvaluationRecord]:
    """Choose the last evaluation of a version's record on each data set, by the set's name.

    Of a data set that the settings pin, only those on the pinned bytes count: versions are compared
    by the same exam. One whose command changed what it measured counts nowhere.
    """
    chosen: dict[str, EvaluationRecord] = {}
    for evaluation, _ in history:
        if evaluation.record != record or evaluation.untouched is False:
            continue
        for name, data in evaluation.data.items():
            if pins.get(name, data.digest) == data.digest:
                chosen[name] = evaluation
    return chosen


def name_metrics(chosen: Mapping[str, EvaluationRecord]) -> dict[str, float]:
    """Name the metrics of these evaluations, each with the data set that it was measured on.

    Of a drift, only how many columns had moved.
    """
    metrics: dict[str, float] = {}
    for name, evaluation in chosen.items():
        for metric, value in flatten_values(evaluation.metrics).items():
            if evaluation.drift is None or metric == _MOVED:
                metrics[f"{metric}{_ON}{name}"] = value
    return metrics


def find_plain_name(metric: str) -> str:
    """Find the name of a metric without the data set, by which settings know its direction."""
    return metric.partition(_ON)[0]
