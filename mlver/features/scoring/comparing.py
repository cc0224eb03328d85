"""How far the logged answers of a version agree with those of a replay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mlver.errors import MlverError
from mlver.features.scoring.joining import AnswerJoin, JoinedAnswer
from mlver.features.scoring.measuring import build_class_error
from mlver.features.scoring.request import HINT
from mlver.policy.scoring.agreement import (
    ClassAgreement,
    NumberAgreement,
    RightAnswers,
    find_uneven_p,
)
from mlver.policy.scoring.answers import read_number
from mlver.policy.scoring.classes import TooManyClasses

_CHANGES_SHOWN = 10
_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedAnswer:
    """How many requests one version answered with `logged`, and the other with `replayed`."""

    logged: str
    replayed: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedReplay:
    """Who was right, of the `count` requests whose truth is known: `logged` answers, `replayed`
    ones, only the first (`lost`), only the second (`won`). `p` is McNemar's.
    """

    count: int
    logged: int
    replayed: int
    lost: int
    won: int
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedVersion:
    """How far the logged answers of `version` agree with those of the replay.

    `answers` were logged with features, and `compared` of these answered again. `p` is McNemar's,
    of two classes. `changes` are the commonest. `judged` is there where classes have a truth.
    """

    version: str
    answers: int
    compared: int
    agreed: int
    metrics: Mapping[str, float]
    p: float | None = None
    changes: tuple[ChangedAnswer, ...] = ()
    judged: JudgedReplay | None = None


def compare_version(join: AnswerJoin, version: str, kind: str) -> ReplayedVersion:
    """Compare what was logged of a version with what is known, the answers of a replay."""
    compared = ReplayedVersion(
        version=version, answers=join.count_answers(version), compared=0, agreed=0, metrics={}
    )
    if kind == "number":
        return _compare_numbers(join, compared)
    return _compare_classes(join, compared)


def _compare_numbers(join: AnswerJoin, version: ReplayedVersion) -> ReplayedVersion:
    agreement = NumberAgreement()
    for joined in join.list_joined(version.version):
        agreement.add(*_read_numbers(joined))
    return replace(
        version,
        compared=agreement.count,
        agreed=agreement.agreed,
        metrics=_round_metrics(agreement.find_metrics()),
    )


def _read_numbers(joined: JoinedAnswer) -> tuple[float, float]:
    logged, replayed = read_number(joined.answer), read_number(joined.truth)
    if logged is None or replayed is None:
        raise MlverError("an answer is no number: --as class compares classes", hint=HINT)
    return logged, replayed


def _compare_classes(join: AnswerJoin, version: ReplayedVersion) -> ReplayedVersion:
    agreement = ClassAgreement()
    try:
        for joined in join.list_joined(version.version):
            agreement.add(joined.answer, joined.truth)
    except TooManyClasses:
        raise build_class_error() from None
    changes = [
        ChangedAnswer(logged=logged, replayed=replayed, count=count)
        for (logged, replayed), count in agreement.changes.most_common(_CHANGES_SHOWN)
    ]
    return replace(
        version,
        compared=agreement.count,
        agreed=agreement.agreed,
        metrics=_round_metrics(agreement.find_metrics()),
        p=agreement.find_p(),
        changes=tuple(changes),
        judged=_judge_classes(join, version.version),
    )


def _judge_classes(join: AnswerJoin, version: str) -> JudgedReplay | None:
    right = RightAnswers()
    for logged, replayed, truth in join.list_labelled(version):
        right.add(logged, replayed, truth)
    if not right.count:
        return None
    return JudgedReplay(
        count=right.count,
        logged=right.both + right.lost,
        replayed=right.both + right.won,
        lost=right.lost,
        won=right.won,
        p=find_uneven_p(right.lost, right.won),
    )


def _round_metrics(metrics: Mapping[str, float]) -> Mapping[str, float]:
    return {name: round(value, _DIGITS) for name, value in metrics.items()}
