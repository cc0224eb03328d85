"""A proposal of which way a metric is better."""

from __future__ import annotations

import pytest

from mlver.policy.directions import guess_direction


@pytest.mark.parametrize("metric", ["mse", "val/loss", "log_loss", "eval.RMSE", "accuracy_error"])
def test_losses_and_errors_are_better_if_lower(metric: str) -> None:
    assert guess_direction(metric) == "lower"


@pytest.mark.parametrize("metric", ["accuracy", "test.f1", "ROC-AUC", "top5_acc", "loss_f1"])
def test_scores_are_better_if_higher(metric: str) -> None:
    assert guess_direction(metric) == "higher"


@pytest.mark.parametrize("metric", ["", "epoch", "gloss", "métrique", "accurately"])
def test_other_names_say_nothing(metric: str) -> None:
    assert guess_direction(metric) is None
