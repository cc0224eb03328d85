"""Whether a model should be trained again is said with every reason, and with what is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from mlver.records import layout
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.drifting.made_tables import write_rows
from tests.features.evaluating.exams import PYTHON, pin_exam

DUE = ("due", "digits", "--json")


def set_due(repository: Repository, text: str) -> None:
    path = repository.path / layout.CONFIG
    path.write_text(path.read_text() + f"\ndue:\n  digits: {text}\n")
    repository.commit("Say when digits is due")


def read_model(repository: Repository, *options: str, code: int) -> Any:
    done = repository.mlver(*DUE, *options)
    document = read_document(done, "due")
    assert (done.code, document["ok"]) == (code, code == 0)
    (model,) = document["models"]
    return model


def list_answers(model: Any) -> dict[str, str]:
    return {check["check"]: check["answer"] for check in model["checks"]}


def test_what_nobody_knows_is_said(first: Repository) -> None:
    model = read_model(first, code=0)
    assert (model["answer"], model["key"], model["next"]) == ("unknown", None, None)
    assert list_answers(model) == {"data train": "current", "drift": "unknown"}
    said = assert_works(first, "due", "digits").splitlines()
    assert said[0] == "Not due, as far as anybody can tell: digits 1.0.0"
    assert said[-1] == "hint: mlver drift digits@1.0.0 --live FILE --record"


def test_changed_data_is_a_reason_with_a_key_of_its_own(first: Repository) -> None:
    first.write("data/train.csv", "a,b\n1,3\n")
    before = first.git("rev-parse", "HEAD"), first.git("status", "--porcelain")
    model = read_model(first, code=1)
    assert (model["answer"], model["next"]) == ("due", "mlver run digits -- COMMAND")
    done = first.mlver("due")
    assert (done.code, done.err) == (1, "")
    assert done.out.splitlines()[0] == "Due: digits 1.0.0"
    first.write("data/train.csv", "a,b\n1,4\n")
    assert read_model(first, code=1)["key"] != model["key"]
    first.write("data/train.csv", "a,b\n1,3\n")
    assert read_model(first, code=1)["key"] == model["key"]
    assert (first.git("rev-parse", "HEAD"), first.git("status", "--porcelain")) == before


def test_a_version_that_was_trained_on_the_new_data_is_not_due(first: Repository) -> None:
    first.write("data/train.csv", "a,b\n1,3\n")
    first.write("model/weights.safetensors", "other weights\n" * 100)
    assert_works(first, "register", "digits", "--bump", "minor", "-m", "New rows")
    assert list_answers(read_model(first, code=0))["data train"] == "current"
    # the one in production was trained on the old rows
    assert_works(first, "promote", "digits@1.0.0", "--to", "production", "-m", "Release")
    model = read_model(first, "--stage", "production", code=1)
    assert (model["version"], list_answers(model)["data train"]) == ("1.0.0", "due")


def test_missing_data_is_unknown_and_a_pin_counts_for_it(first: Repository) -> None:
    (first.path / "data/train.csv").unlink()
    model = read_model(first, code=0)
    assert list_answers(model)["data train"] == "unknown"
    pin_exam(first, name="train")
    assert list_answers(read_model(first, code=1))["data train"] == "due"


def test_a_recorded_drift_is_a_reason(first: Repository) -> None:
    first.write("data/train.csv", write_rows(1))
    assert_works(first, "register", "digits", "--bump", "minor", "-m", "More rows")
    first.write("live.csv", write_rows(2, shift=2.0))
    assert first.mlver("drift", "digits", "--live", "live.csv", "--record").code == 1
    (first.path / "live.csv").unlink()
    model = read_model(first, code=1)
    assert list_answers(model) == {"data train": "current", "drift": "due"}
    set_due(first, "{drift: false}")
    assert list_answers(read_model(first, code=0)) == {"data train": "current"}


def test_a_fallen_score_and_age_are_reasons(
    first: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin_exam(first)
    assert_works(first, "evaluate", "digits@1.0.0", "--on", "golden", "--", PYTHON, "evaluate.py")
    set_due(first, "{age: 30d, drift: false, metric: {accuracy: 0.6}}")
    answers = list_answers(read_model(first, code=0))
    assert answers == {
        "data train": "current",
        "age": "current",
        "metric accuracy on golden": "current",
    }
    assert_works(first, "config", "set", "due.digits.metric.accuracy", "0.7")
    assert list_answers(read_model(first, code=1))["metric accuracy on golden"] == "due"
    assert_works(first, "config", "set", "due.digits.metric.accuracy", "0.6")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(1767323045 + 31 * 86_400))
    model = read_model(first, code=1)
    assert list_answers(model)["age"] == "due"
    (said,) = [check["says"] for check in model["checks"] if check["check"] == "age"]
    assert said == "31 days old, of at most 30d"


def test_what_does_not_exist_is_refused(first: Repository) -> None:
    assert_refused(first, "due", "digit")
    assert_refused(first, "due", "digits", "--stage", "nowhere", code=2)
    model = read_model(first, "--stage", "production", code=0)
    assert (model["version"], model["answer"]) == (None, "unknown")


@pytest.mark.parametrize(
    "text", ["{age: 30}", "{age: 0d}", "{drift: maybe}", "{metric: {accuracy: high}}", "{at: 1}"]
)
def test_settings_that_mean_nothing_are_refused_by_their_place(
    first: Repository, text: str
) -> None:
    set_due(first, text)
    assert "due.digits" in assert_refused(first, "due", "digits")
