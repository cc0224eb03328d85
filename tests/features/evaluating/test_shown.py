"""What was measured later is shown beside what training said, so that a decline is seen."""

from __future__ import annotations

import pytest

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.evaluating.exams import PYTHON, ROWS, pin_exam

RUN = ("--", PYTHON, "evaluate.py")


@pytest.fixture
def measured(examined: Repository) -> Repository:
    """With both versions evaluated on golden."""
    assert_works(examined, "evaluate", "digits", "--on", "golden", "--all", "-m", "Monthly", *RUN)
    return examined


def read_evaluated(repository: Repository) -> dict[str, dict[str, float]]:
    document = read_document(repository.mlver("list", "digits", "--json"), "list")
    return {item["version"]: item["evaluated"] for item in document["models"][0]["versions"]}


def test_list_has_a_column_for_each_metric_on_a_data_set(measured: Repository) -> None:
    shown = assert_works(measured, "list", "digits")
    assert "accuracy@golden" in shown
    row = next(line for line in shown.splitlines() if line.strip().startswith("1.0.0"))
    assert "0.666667" in row
    table = assert_works(measured, "list", "digits", "--csv")
    assert "accuracy@golden" in table.splitlines()[0]
    assert read_evaluated(measured) == {
        "1.1.0": {"accuracy@golden": 1.0},
        "1.0.0": {"accuracy@golden": 2 / 3},
    }


def test_a_direction_marks_the_best_on_a_data_set_too(measured: Repository) -> None:
    assert_works(measured, "config", "set", "--model", "digits", "directions.accuracy", "higher")
    shown = assert_works(measured, "list", "digits")
    row = next(line for line in shown.splitlines() if line.strip().startswith("1.1.0"))
    assert "1.0*" in row or "1*" in row


def test_only_what_was_measured_on_the_pinned_bytes_is_compared(measured: Repository) -> None:
    pin_exam(measured, f"{ROWS}worse,0\n")
    assert read_evaluated(measured) == {"1.1.0": {}, "1.0.0": {}}
    assert_works(measured, "evaluate", "digits@1.0.0", "--on", "golden", *RUN)
    assert read_evaluated(measured) == {"1.1.0": {}, "1.0.0": {"accuracy@golden": 0.5}}


def test_the_last_evaluation_counts_and_none_that_changed_what_it_measured(
    measured: Repository,
) -> None:
    script = "chmod u+w {data}; echo >> {data}; printf '{\"accuracy\": 0}' > {metrics}"
    words = ("evaluate", "digits@1.0.0", "--on", "golden", "--", "sh", "-c")
    assert measured.mlver(*words, "printf '{\"accuracy\": 0.5}' > {metrics}").code == 0
    assert measured.mlver(*words, script).code == 0
    assert read_evaluated(measured)["1.0.0"] == {"accuracy@golden": 0.5}


def test_plot_draws_them_over_the_versions(measured: Repository) -> None:
    done = measured.mlver("plot", "digits", "--metric", "accuracy@golden", "--json")
    (metric,) = read_document(done, "plot")["metrics"]
    assert (metric["metric"], metric["values"]) == ("accuracy@golden", [2 / 3, 1.0])
    names = [
        item["metric"]
        for item in read_document(measured.mlver("plot", "digits", "--json"), "plot")["metrics"]
    ]
    assert names == ["accuracy", "log_loss", "accuracy@golden"]


def test_log_and_show_say_what_was_measured(measured: Repository) -> None:
    logged = assert_works(measured, "log", "digits")
    assert "on golden: accuracy 1; Monthly" in logged
    document = read_document(measured.mlver("log", "digits", "--json"), "log")
    events = [event for event in document["events"] if event["event"] == "evaluated"]
    assert [(event["on"], event["metrics"]) for event in events] == [
        (["golden"], {"accuracy": 1.0}),
        (["golden"], {"accuracy": 2 / 3}),
    ]
    shown = assert_works(measured, "show", "digits@1.0.0")
    assert "evaluated 2026-01-02 03:04 on golden\n  accuracy" in shown


def test_an_evaluation_that_cannot_be_read_hides_no_version(measured: Repository) -> None:
    measured.write(".mlver/models/digits/evaluations/1.0.0/0001.yaml", "schema: nonsense\n")
    document = read_document(measured.mlver("list", "digits", "--json"), "list")
    (model,) = document["models"]
    assert [item["version"] for item in model["versions"]] == ["1.1.0", "1.0.0"]
    assert "evaluations/1.0.0/0001.yaml" in model["faults"][0]


def test_a_report_tells_what_a_version_gained_on_a_data_set(measured: Repository) -> None:
    words = ("report", "digits", "--since", "2026-01-01")
    document = read_document(measured.mlver(*words, "--json"), "report")
    (earlier, later) = document["versions"]
    gains = {metric["name"]: metric["gain"] for metric in later["metrics"]}
    assert gains["accuracy@golden"] == pytest.approx(1 / 3)
    assert {"accuracy", "accuracy@golden"} <= {metric["name"] for metric in earlier["metrics"]}
    assert "accuracy@golden 1 (+0.3333)" in assert_works(measured, *words)
