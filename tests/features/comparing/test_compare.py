"""`mlver compare`: the fields in which versions differ, on screens of any width and in tables."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from mlver.features.comparing.compare import (
    ComparedRow,
    ComparedVersion,
    CompareResult,
    compare_versions,
)
from mlver.features.comparing.compare_screen import (
    draw_compare,
    draw_compare_csv,
    draw_compare_markdown,
)
from mlver.project.project import Project
from mlver.terminal.screen import TextScreen
from tests.cli.conftest import assert_refused, assert_works, copy_repository
from tests.cli.results import read_document
from tests.conftest import Repository

# Of each version: number, accuracy, loss, width of a layer, and whether it is fast.
RUNS = (
    ("1.0.0", 0.91, 0.31, 16, "yes"),
    ("1.1.0", 0.94, 0.35, 32, "yes"),
    ("1.2.0", 0.94, 0.28, 32, "no"),
)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Three versions; of their metrics, `model.yaml` names the loss first."""
    made = Repository(tmp_path_factory.mktemp("compare") / "repository")
    made.path.mkdir()
    made.git("init", "--quiet")
    made.write("weights.bin", "weights")
    made.write("train.csv", "1,2\n")
    made.commit("First")
    assert made.mlver("init").code == 0
    for number, accuracy, loss, width, fast in RUNS:
        made.write("weights.bin", f"weights of {number}")
        words = ["--metric", f"accuracy={accuracy}", "--metric", f"loss={loss}"]
        words += ["--param", f"width={width}", "--param", "seed=1", "--label", f"fast={fast}"]
        words += ["--weights", "weights.bin", "--data", "train=train.csv", "-m", "Try"]
        if number == "1.2.0":
            words += ["--param", "dropout=0.5"]
        done = made.mlver("register", "m", "--version", number, *words)
        assert done.code == 0, done.err
    settings = made.path / ".mlver/models/m/model.yaml"
    settings.write_text(settings.read_text() + "directions: {loss: lower, accuracy: higher}\n")
    made.commit("Directions")
    return made


def test_the_rows_that_differ_are_shown_with_the_best_values(registry: Repository) -> None:
    document = read_document(
        registry.mlver("compare", "m@1.0.0", "@1.1.0", "1.2", "--json"), "compare"
    )
    assert [side["version"] for side in document["versions"]] == ["1.0.0", "1.1.0", "1.2.0"]
    rows = {row["field"]: row for row in document["rows"]}
    assert list(rows) == [
        "metrics.loss",
        "metrics.accuracy",
        "params.width",
        "params.dropout",
        "weights.digest",
        "labels.fast",
        "code.commit",
    ]
    assert rows["metrics.loss"]["best"] == [2]
    assert rows["metrics.accuracy"]["best"] == [1, 2]
    assert rows["metrics.accuracy"]["values"] == [0.91, 0.94, 0.94]
    assert rows["params.dropout"]["values"] == [None, None, 0.5]
    assert rows["params.width"]["best"] == []
    assert document["differs"] is True
    assert document["same"] > 3


def test_nothing_differs_from_itself(registry: Repository) -> None:
    said = assert_works(registry, "compare", "m@1.0.0", "@1.0")
    assert said == "m\n  1.0.0, 1.0.0: the same in every part\n"


def test_directions_that_models_disagree_about_tell_nothing(
    registry: Repository, tmp_path: Path
) -> None:
    clone = copy_repository(registry, tmp_path / "clone")
    words = ("--weights", "weights.bin", "--metric", "loss=0.1", "--metric", "accuracy=0.9")
    assert_works(clone, "register", "n", *words, "-m", "Try", "--label", "x=y")
    settings = clone.path / ".mlver/models/n/model.yaml"
    settings.write_text(settings.read_text() + "directions: {loss: higher}\n")
    result = compare_versions(Project.open_existing(clone.path), ["m@1.0.0", "n"])
    best = {row.field: row.best for row in result.rows if row.group == "metrics"}
    assert best == {"metrics.loss": (), "metrics.accuracy": (0,)}


def test_one_version_is_no_comparison(registry: Repository) -> None:
    said = assert_refused(registry, "compare", "m@1.0.0", code=2)
    assert "hint: mlver diff m@1.0.0" in said
    assert_refused(registry, "compare", code=2)
    assert_refused(registry, "compare", "m", "m@1.0.0", "--csv", "--markdown", code=2)


VERSIONS = tuple(
    ComparedVersion("kr2en", version) for version in ("1.0.0", "1.1.0", "1.2.0-rc.1", "1.2.0")
)
DIGESTS = tuple(f"sha256:{digit * 64}" for digit in "0123")
RESULT = CompareResult(
    versions=VERSIONS,
    rows=(
        ComparedRow(
            group="metrics",
            field="metrics.bleu",
            values=(31.25, 33, None, 33),
            direction="higher",
            best=(1, 3),
        ),
        ComparedRow(
            group="params",
            field="params.optimizer.schedule",
            values=("linear", "cosine with warm-up and a restart", "=1+1", "a|b"),
            direction=None,
            best=(),
        ),
        ComparedRow(
            group="artifacts", field="weights.digest", values=DIGESTS, direction=None, best=()
        ),
    ),
    same=1,
)
WHOLE = """\
kr2en
                             1.0.0                     1.1.0    1.2.0-rc.1         1.2.0
metrics
  bleu                      31.25                        33*                         33*
params
  optimizer.schedule        linear  cosine with warm-up and…          =1+1           a|b
artifacts
  weights.digest      000000000000              111111111111  222222222222  333333333333
  1 more field is the same
"""


def draw_wide(width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(TextScreen, "width", property(lambda _: width))
    drawn = io.StringIO()
    draw_compare(RESULT, TextScreen(drawn))
    return drawn.getvalue().splitlines()


@pytest.mark.parametrize(("width", "blocks"), [(40, 4), (60, 2), (80, 2), (120, 1), (200, 1)])
def test_what_has_no_room_follows_below(
    width: int, blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = draw_wide(width, monkeypatch)
    assert lines.count("metrics") == blocks
    assert max(map(len, lines)) <= max(width, 46)
    for value in ("31.25", "33*", "linear", "=1+1", "a|b", "333333333333"):
        assert any(value in line for line in lines)


def test_a_wide_screen_shows_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\n".join(draw_wide(120, monkeypatch)) + "\n" == WHOLE


def test_csv_has_every_value_whole_and_runs_no_formula() -> None:
    drawn = io.StringIO()
    draw_compare_csv(RESULT, TextScreen(drawn))
    heading, bleu, schedule, digest = csv.reader(io.StringIO(drawn.getvalue()))
    assert heading == ["field", *(f"kr2en@{side.version}" for side in VERSIONS)]
    assert bleu == ["metrics.bleu", "31.25", "33", "", "33"]
    assert schedule[2:] == ["cosine with warm-up and a restart", "'=1+1", "a|b"]
    assert digest[1:] == list(DIGESTS)


def test_markdown_keeps_texts_in_code_and_the_best_in_bold() -> None:
    drawn = io.StringIO()
    draw_compare_markdown(RESULT, TextScreen(drawn))
    lines = drawn.getvalue().splitlines()
    assert lines[1] == "| --- | --: | --: | --: | --: |"
    assert lines[2] == "| `metrics.bleu` | 31.25 | **33** |  | **33** |"
    assert "`a│b`" in lines[3]


def test_values_that_differ_look_different(registry: Repository, tmp_path: Path) -> None:
    clone = copy_repository(registry, tmp_path / "clone")
    for number, value in (("2.0.0", "0.1234561"), ("2.1.0", "0.1234562")):
        words = ("--version", number, "--param", f"lr={value}", "-m", "Try")
        assert_works(clone, "register", "m", *words)
    (line,) = [
        line for line in assert_works(clone, "compare", "2.0", "2.1").splitlines() if "lr" in line
    ]
    assert line.split() == ["lr", "0.1234561", "0.1234562"]
