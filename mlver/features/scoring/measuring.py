"""What answers are measured by, and the measurement of one version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mlver.errors import MlverError, UsageError, printable_name
from mlver.features.scoring.joining import AnswerJoin, JoinedAnswer
from mlver.features.scoring.request import HINT, ScoreRequest
from mlver.policy.scoring.answers import read_number
from mlver.policy.scoring.classes import (
    MACRO,
    MOST_CLASSES,
    ClassScores,
    TooManyClasses,
    choose_average,
)
from mlver.policy.scoring.feedback import FeedbackScores, read_feedback
from mlver.policy.scoring.numbers import NumberScores
from mlver.records.values import Metrics

ScaleKind = Literal["class", "number", "feedback"]
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class ChosenScale:
    """What answers are, and of classes whose precision is meant; see `ScoreResult.average`."""

    kind: ScaleKind
    average: str | None = None

    def nest_metrics(self, metrics: Mapping[str, float]) -> Metrics:
        """Name metrics as a record has them: feedback is no accuracy, so it stands apart."""
        return {"feedback": metrics} if self.kind == "feedback" else metrics


@dataclass(slots=True)
class AnswerMeasurement:
    """The scores of one version; see `ScoredVersion` for `late` and `early`."""

    count: int = 0
    late: int = 0
    early: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)

    def add_times(self, joined: JoinedAnswer, late: float) -> None:
        self.count += 1
        if joined.known is not None:
            delay = joined.known - joined.time
            self.late += delay > late
            self.early += delay < 0


def choose_scale(join: AnswerJoin, request: ScoreRequest) -> ChosenScale:
    """Choose it by what is known: numbers that are not all whole are no classes.

    Raise MlverError for feedback that says nothing, and UsageError for a positive class that
    nothing is.
    """
    if request.feedback:
        for said in join.list_known():
            if read_feedback(said) is None:
                raise MlverError(
                    f"users said `{printable_name(said[:40])}`, which is neither accepted, rejected"
                    " nor a number",
                    hint=HINT,
                )
        return ChosenScale("feedback")
    kind = request.kind or guess_kind(join)
    if kind == "number":
        return ChosenScale("number")
    classes = _list_classes(join)
    if request.positive is None:
        return ChosenScale("class", choose_average(classes))
    if request.positive not in classes:
        raise UsageError(
            f"no truth is the class {printable_name(request.positive)}, which --positive names",
            hint=HINT,
        )
    return ChosenScale("class", request.positive)


def guess_kind(join: AnswerJoin) -> ScaleKind:
    """Guess what is known: numbers, where it is nothing else and not all of it is whole."""
    has_fractions = False
    for value in join.list_known():
        number = read_number(value)
        if number is None:
            return "class"
        has_fractions = has_fractions or not number.is_integer()
    return "number" if has_fractions else "class"


def _list_classes(join: AnswerJoin) -> frozenset[str]:
    classes: set[str] = set()
    for value in join.list_known():
        classes.add(value)
        if len(classes) > MOST_CLASSES:
            raise build_class_error()
    return frozenset(classes)


def build_class_error() -> UsageError:
    """Build the error for more classes than anybody tells apart."""
    return UsageError(
        f"there are more than {MOST_CLASSES:,} classes: are these numbers? --as number", hint=HINT
    )


def measure_answers(
    join: AnswerJoin, version: str, scale: ChosenScale, late: float
) -> AnswerMeasurement:
    """Measure the answers of a version of which something is known."""
    measured = AnswerMeasurement()
    if scale.kind == "number":
        _measure_numbers(join, version, measured, late)
    elif scale.kind == "feedback":
        feedback = FeedbackScores()
        for joined in join.list_joined(version):
            measured.add_times(joined, late)
            feedback.add(joined.truth)
        measured.metrics = feedback.find_metrics()
    else:
        _measure_classes(join, version, measured, scale.average or MACRO, late)
    measured.metrics = {name: round(value, _DIGITS) for name, value in measured.metrics.items()}
    return measured


def _measure_classes(
    join: AnswerJoin, version: str, measured: AnswerMeasurement, average: str, late: float
) -> None:
    scores = ClassScores()
    try:
        for joined in join.list_joined(version):
            measured.add_times(joined, late)
            scores.add(joined.answer, joined.truth)
    except TooManyClasses:
        raise build_class_error() from None
    if scores.count:
        measured.metrics = scores.find_metrics(average)


def _measure_numbers(
    join: AnswerJoin, version: str, measured: AnswerMeasurement, late: float
) -> None:
    scores = NumberScores()
    for joined in join.list_joined(version):
        answer, truth = read_number(joined.answer), read_number(joined.truth)
        if answer is None or truth is None:
            wrong = joined.truth if truth is None else joined.answer
            raise MlverError(
                f"`{printable_name(wrong[:40])}` is no number, and answers are measured as numbers:"
                " --as class counts them as classes",
                hint=HINT,
            )
        measured.add_times(joined, late)
        scores.add(answer, truth)
    if scores.count:
        measured.metrics = scores.find_metrics()
