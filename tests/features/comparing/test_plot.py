"""`mlver plot`: metrics over versions, as text, picture, page and table."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mlver.features.comparing.plot import PlotResult, PlottedMetric, PlottedVersion
from mlver.features.comparing.plot_page import build_page
from mlver.features.comparing.plot_screen import draw_plot
from mlver.terminal.screen import TextScreen
from tests.cli.conftest import assert_refused, assert_works, copy_repository
from tests.cli.results import read_document
from tests.conftest import Repository

# Of each version: accuracy, and the loss where it was measured.
RUNS = {
    "1.0.0": ("0.91", "0.31"),
    "1.1.0": ("0.94", None),
    "1.2.0": ("0.93", "0.28"),
    "2.0.0-rc.1": ("0.95", "-1e308"),
}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Four versions; production went from the first to the second, and the third is retired."""
    made = Repository(tmp_path_factory.mktemp("plot") / "repository")
    made.path.mkdir()
    made.git("init", "--quiet")
    made.write("train.py", "")
    made.commit("First")
    assert_works(made, "init")
    for number, (accuracy, loss) in RUNS.items():
        made.write("weights.bin", f"weights of {number}")
        words = ["--metric", f"accuracy={accuracy}", "--weights", "weights.bin", "-m", "Try"]
        if loss is not None:
            words += ["--metric", f"loss={loss}"]
        assert_works(made, "register", "m", "--version", number, *words)
    for number in ("1.0.0", "1.1.0"):
        assert_works(made, "promote", f"m@{number}", "--to", "staging", "-m", "Go")
        assert_works(made, "promote", f"m@{number}", "--to", "production", "-m", "Go")
    assert_works(made, "retire", "m@1.2.0", "-m", "<b>leaked</b>")
    assert_works(made, "config", "set", "--model", "m", "directions.accuracy", "higher")
    made.commit("Directions")
    return made


def test_values_stages_and_retirements_are_read(registry: Repository) -> None:
    document = read_document(registry.mlver("plot", "--json"), "plot")
    assert document["total"] == 4
    accuracy, loss = document["metrics"]
    assert accuracy == {
        "metric": "accuracy",
        "direction": "higher",
        "values": [0.91, 0.94, 0.93, 0.95],
        "best": [3],
    }
    assert loss["values"] == [0.31, None, 0.28, -1e308]
    assert (loss["direction"], loss["best"]) == (None, [])
    first, second, third, _ = document["versions"]
    assert (first["stages"], first["held"]) == ([], ["production", "staging"])
    assert second["stages"] == ["production", "staging"]
    assert third["retired"] == "<b>leaked</b>"


def test_the_screen_marks_what_holds_and_what_is_retired(registry: Repository) -> None:
    drawn = assert_works(registry, "plot", "m", "--metric", "metrics.accuracy")
    lines = drawn.splitlines()
    assert lines[1] == "accuracy  higher is better, best 0.95 (2.0.0-rc.1)"
    assert re.fullmatch(r"  production  △ +▲", lines[-4])
    assert re.fullmatch(r"     retired  +✕", lines[-2])
    both = assert_works(registry, "plot", "--metric", "loss", "--metric", "accuracy")
    assert both.index("loss  no direction set") < both.index("accuracy  higher is better")
    assert "which way is better: mlver config set --model m directions.loss lower" in both


def test_only_the_newest_are_shown(registry: Repository) -> None:
    drawn = assert_works(registry, "plot", "m", "-n", "2", "--metric", "accuracy")
    assert drawn.startswith("m  the newest 2 of 4 versions\n")
    assert "1.1.0" not in drawn


def test_a_metric_that_no_version_has_is_refused_with_the_one_that_was_meant(
    registry: Repository,
) -> None:
    said = assert_refused(registry, "plot", "m", "--metric", "acuracy", code=2)
    assert "is it `accuracy`?" in said
    assert re.search("^hint: mlver .*plot m --metric accuracy$", said, re.MULTILINE)
    said = assert_refused(registry, "plot", "m", "--metric", "bleu", code=2)
    assert "no version of m has the metric `bleu`; it has accuracy and loss\n" in said


def test_a_metric_that_only_older_versions_have_is_told_apart(
    registry: Repository, tmp_path: Path
) -> None:
    clone = copy_repository(registry, tmp_path / "clone")
    metrics = [word for at in range(12) for word in ("--metric", f"{at}{'x' * 200}=1")]
    clone.write("weights.bin", "with many metrics")
    assert_works(clone, "register", "m", "--version", "3.0.0", *metrics, "-m", "Many")
    said = assert_refused(clone, "plot", "m", "-n", "1", "--metric", "loss", code=2)
    assert "the newest version of m does not have the metric `loss`; an older one has it" in said
    assert re.search("^hint: mlver .*plot m --metric loss$", said, re.MULTILINE)
    said = assert_refused(registry, "plot", "m", "-n", "1", "--metric", "x", code=2)
    assert "no version of m has the metric `x`; it has accuracy and loss\n" in said
    said = assert_refused(clone, "plot", "m", "--metric", "y" * 9_000, code=2)
    assert "and 6 more\n" in said
    assert len(said.splitlines()[0]) < 700
    clone.write("weights.bin", "without the loss")
    assert_works(clone, "register", "m", "--version", "4.0.0", "--metric", "a=1", "-m", "Few")
    said = assert_refused(clone, "plot", "m", "-n", "2", "--metric", "loss", code=2)
    assert "none of the newest 2 versions of m has the metric `loss`; an older one" in said


def test_csv_has_exact_values(registry: Repository) -> None:
    rows = list(csv.DictReader(io.StringIO(assert_works(registry, "plot", "--csv"))))
    assert [row["loss"] for row in rows] == ["0.31", "", "0.28", "-1e+308"]
    assert rows[1]["stage"] == "production staging"
    assert rows[2]["retired"] == "<b>leaked</b>"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_page_needs_no_network_and_runs_nothing(registry: Repository) -> None:
    text = assert_works(registry, "plot", "--as", "html")
    assert re.findall(r"\w+://[^\"\s]+", text) == ["http://www.w3.org/2000/svg"]
    page = _Page()
    page.feed(text)
    assert {"svg", "table", "caption", "th"} <= page.tags
    assert "b" not in page.tags
    assert "retired: <b>leaked</b>" in page.texts
    assert "0.95*" in page.texts


def test_hostile_names_and_values_that_no_axis_holds() -> None:
    version = PlottedVersion(
        version="1.0.0", created=None, stages=("</td>",), held=("</td>",), retired=None
    )
    values = (float("inf"),)
    metric = PlottedMetric(
        metric="<img src=x onerror=y>\x1b", direction=None, values=values, best=()
    )
    result = PlotResult(model="m", total=1, versions=(version,), metrics=(metric,), faults=())
    page = _Page()
    page.feed(build_page(result))
    assert "img" not in page.tags
    drawn = io.StringIO()
    draw_plot(result, TextScreen(drawn))
    assert "<img src=x onerror=y>\\x1b  no direction set" in drawn.getvalue()


def test_a_model_whose_records_cannot_be_read_says_so(registry: Repository, tmp_path: Path) -> None:
    clone = copy_repository(registry, tmp_path / "clone")
    clone.write(".mlver/models/m/versions/1.1.0.yaml", "schema: mlver/version/2\n")
    drawn = assert_works(clone, "plot", "--metric", "accuracy")
    assert "unreadable: .mlver/models/m/versions/1.1.0.yaml" in drawn
    document = read_document(clone.mlver("plot", "--json"), "plot")
    assert document["metrics"][0]["values"] == [0.91, None, 0.93, 0.95]
    assert len(document["faults"]) == 1


def test_what_there_is_nothing_of_is_said_in_plain_words() -> None:
    version = PlottedVersion(version="1.0.0", created=None, stages=(), held=(), retired=None)
    for versions, said in (
        ((version,), "there are no metrics to draw"),
        ((), "it has no versions"),
    ):
        result = PlotResult(
            model="m", total=len(versions), versions=versions, metrics=(), faults=()
        )
        drawn = io.StringIO()
        draw_plot(result, TextScreen(drawn))
        assert drawn.getvalue().splitlines()[1:] == [f"  {said}"]
