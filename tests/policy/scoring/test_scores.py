"""Scores as scikit-learn and NumPy have them."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.policy.scoring.agreement import (
    ClassAgreement,
    NumberAgreement,
    RightAnswers,
    find_uneven_p,
)
from mlver.policy.scoring.classes import (
    MACRO,
    MOST_CLASSES,
    ClassScores,
    TooManyClasses,
    choose_average,
)
from mlver.policy.scoring.feedback import FeedbackScores
from mlver.policy.scoring.numbers import NumberScores
from mlver.policy.statistics import find_mcnemar


def score_pairs(pairs: list[tuple[str, str]], average: str = MACRO) -> dict[str, float]:
    scores = ClassScores()
    for answer, truth in pairs:
        scores.add(answer, truth)
    return dict(scores.find_metrics(average))


def test_the_positive_class_is_the_one_that_is_looked_for() -> None:
    pairs = [("1", "1")] * 6 + [("1", "0")] * 2 + [("0", "1")] * 3 + [("0", "0")] * 9
    assert score_pairs(pairs, "1") == pytest.approx(
        {"accuracy": 15 / 20, "precision": 6 / 8, "recall": 6 / 9, "f1": 12 / 17}
    )
    # By scikit-learn 1.5: precision_recall_fscore_support(…, average="macro").
    assert score_pairs(pairs) == pytest.approx(
        {"accuracy": 0.75, "precision": 0.75, "recall": 0.742424, "f1": 0.744246}, abs=1e-6
    )


def test_a_class_that_was_never_answered_counts_as_0() -> None:
    metrics = score_pairs([("a", "a"), ("a", "b"), ("c", "c")])
    assert metrics == pytest.approx(
        {"accuracy": 2 / 3, "precision": 0.5, "recall": 2 / 3, "f1": (2 / 3 + 0 + 1) / 3}
    )
    assert score_pairs([("a", "a")], "gone")["recall"] == 0


_CLASSES = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcd")), min_size=1)


@given(_CLASSES)
def test_macro_scores_are_means_over_the_classes(pairs: list[tuple[str, str]]) -> None:
    names = {name for pair in pairs for name in pair}
    alone = [score_pairs(pairs, name) for name in names]
    macro = score_pairs(pairs)
    for metric in ("precision", "recall", "f1"):
        assert macro[metric] == pytest.approx(sum(one[metric] for one in alone) / len(names))
        assert 0 <= macro[metric] <= 1


@pytest.mark.parametrize(
    ("classes", "average"),
    [
        ("01", "1"),
        ("1", "1"),
        ("012", MACRO),
        (("false", "true"), "true"),
        ("ab", MACRO),
        ("", MACRO),
    ],
)
def test_the_positive_class_is_known_by_its_name(classes: str, average: str) -> None:
    assert choose_average(frozenset(classes)) == average


def test_nobody_tells_very_many_classes_apart() -> None:
    scores = ClassScores()
    for number in range(MOST_CLASSES):
        scores.add(str(number), str(number))
    with pytest.raises(TooManyClasses):
        scores.add("0", "one more")


_NUMBERS = st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(_NUMBERS, _NUMBERS), min_size=2, max_size=50))
def test_errors_of_numbers_are_those_of_numpy(pairs: list[tuple[float, float]]) -> None:
    scores = NumberScores()
    for answer, truth in pairs:
        scores.add(answer, truth)
    answers, truths = np.array(pairs).T
    metrics = scores.find_metrics()
    assert metrics["mae"] == pytest.approx(float(np.abs(answers - truths).mean()))
    assert metrics["rmse"] == pytest.approx(math.sqrt(float(((answers - truths) ** 2).mean())))
    spread = float(((truths - truths.mean()) ** 2).sum())
    if spread > 1e-3:
        left = float(((answers - truths) ** 2).sum())
        assert metrics["r2"] == pytest.approx(1 - left / spread, rel=1e-6, abs=1e-6)


def test_what_is_not_finite_is_no_metric() -> None:
    scores = NumberScores()
    for _ in range(3):
        scores.add(1e308, -1e308)
    assert scores.find_metrics() == {}


def test_feedback_is_a_share_and_a_mean() -> None:
    scores = FeedbackScores()
    for said in ("accepted", "Rejected", "yes", "4", "2"):
        scores.add(said)
    scores.add("perhaps")
    assert scores.count == 5
    assert scores.find_metrics() == {"accepted": pytest.approx(2 / 3), "rating": 3.0}


def test_changes_of_two_classes_have_a_p() -> None:
    agreement = ClassAgreement()
    for logged, replayed, times in (("0", "0", 50), ("0", "1", 9), ("1", "0", 1)):
        for _ in range(times):
            agreement.add(logged, replayed)
    assert (agreement.count, agreement.agreed) == (60, 50)
    # scipy.stats.binomtest(1, 10).pvalue
    assert agreement.find_p() == pytest.approx(0.021484375)
    agreement.add("2", "2")
    assert agreement.find_p() is None


def test_the_p_of_many_changes_is_close_to_the_exact_one() -> None:
    chance = random.Random(1)
    for _ in range(20):
        lost = 5_000 + chance.randrange(-150, 150)
        assert find_uneven_p(lost, 10_001 - lost) == pytest.approx(
            find_mcnemar(lost, 10_001 - lost), abs=2e-3
        )
    assert find_uneven_p(6_000_000, 6_000_000) == 1.0


def test_who_was_right_is_counted() -> None:
    right = RightAnswers()
    for words in ("aaa", "aba", "aba", "baa", "bcb", "bca"):
        right.add(*words)
    assert (right.count, right.both, right.lost, right.won) == (6, 1, 3, 1)


def test_numbers_agree_by_how_far_they_are_apart() -> None:
    agreement = NumberAgreement()
    for pair in ((1.0, 1.0), (2.0, 2.5), (3.0, 1.0)):
        agreement.add(*pair)
    assert agreement.find_metrics() == pytest.approx(
        {"agreement": 1 / 3, "mean_difference": 2.5 / 3, "largest_difference": 2.0}
    )
    assert NumberAgreement().find_metrics() == {}
