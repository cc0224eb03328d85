"""Retired versions are marked wherever a version is shown, and filters find them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

REASON = "trained on leaked data; use 1.1.0"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Three versions; the one in production was retired, in favour of the next."""
    made = Repository(tmp_path_factory.mktemp("retired") / "repository")
    made.path.mkdir()
    made.git("init", "--quiet")
    made.write("train.py", "")
    made.commit("First")
    assert_works(made, "init")
    for number, accuracy, width in (("1.0.0", 0.9, 8), ("1.1.0", 0.94, 16), ("1.2.0", 0.97, 32)):
        made.write("weights.bin", f"weights of {number}")
        words = ["--metric", f"acc={accuracy}", "--metric", f"width={width}", "-m", "Try"]
        words += ["--param", f"width={width}", "--param", f"lr={accuracy}"]
        assert_works(made, "register", "m", "--version", number, "--weights", "weights.bin", *words)
    for stage in ("staging", "production"):
        assert_works(made, "promote", "m@1.0.0", "--to", stage, "-m", "Go")
    words = ["--in-favour-of", "1.1.0", "-m", "trained on leaked data"]
    assert_works(made, "retire", "m@1.0.0", *words)
    return made


def test_stages_mark_what_they_hold(registry: Repository) -> None:
    shown = assert_works(registry, "stages").splitlines()
    assert all("1.0.0 retired" in line for line in shown[1:])
    document = read_document(registry.mlver("stages", "--json"), "stages")
    assert [stage["retired"] for stage in document["stages"]] == [REASON] * 2


def test_compare_says_why(registry: Repository) -> None:
    shown = assert_works(registry, "compare", "1.0.0", "1.1.0")
    assert shown.splitlines()[1] == f"  1.0.0 is retired: {REASON}"
    rows = list(csv.reader(io.StringIO(assert_works(registry, "compare", "1.0", "1.1", "--csv"))))
    assert rows[-1] == ["retired", REASON, ""]
    table = assert_works(registry, "compare", "1.0", "1.1", "--markdown")
    assert table.splitlines()[-1] == f"| retired | `{REASON}` |  |"
    for words in (("compare", "1.1", "1.2"), ("compare", "1.1", "1.2", "--csv")):
        assert "retired" not in assert_works(registry, *words)
    document = read_document(registry.mlver("compare", "1.0", "1.1", "--json"), "compare")
    assert [version["retired"] for version in document["versions"]] == [REASON, None]


def test_lists_mark_them_in_every_form(registry: Repository) -> None:
    rows = list(csv.DictReader(io.StringIO(assert_works(registry, "list", "--csv"))))
    assert [row["retired"] for row in rows] == ["", "", REASON]
    shown = assert_works(registry, "list", "--columns", "version,acc")
    assert "  1.0.0 retired  " in shown
    table = assert_works(registry, "list", "--markdown").splitlines()
    assert table[0].endswith("| message | retired |")
    assert table[-1].endswith(f"| `{REASON}` |")
    table = assert_works(registry, "list", "--markdown", "--where", "not retired").splitlines()
    assert table[0].endswith("| message |")


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("retired", ["1.0.0"]),
        ("not retired", ["1.2.0", "1.1.0"]),
        ("retired = no and acc < 0.95", ["1.1.0"]),
        ("retired.reason ~ leaked", ["1.0.0"]),
        ("acc >= 0.94", ["1.2.0", "1.1.0"]),
        ("acc in (0.9, 0.97)", ["1.2.0", "1.0.0"]),
    ],
)
def test_filters_know_them_and_bare_metrics(
    registry: Repository, where: str, expected: list[str]
) -> None:
    shown = assert_works(registry, "list", "--csv", "-c", "version,retired", "--where", where)
    assert [row["version"] for row in csv.DictReader(io.StringIO(shown))] == expected


def test_a_name_that_means_two_things_is_refused_with_both(registry: Repository) -> None:
    done = registry.mlver("list", "--where", "acc > 0.9 and width > 8")
    assert (done.code, done.out) == (2, "")
    reason = "`width` is in metrics and in params; write metrics.width or params.width"
    assert f"error: the filter cannot be read: {reason}\n" in done.err
    assert f"{'acc > 0.9 and width > 8':>25}\n{'^':>17}\n" in done.err


def test_a_parameter_is_not_taken_for_a_metric_silently(registry: Repository) -> None:
    done = registry.mlver("list", "--where", "lr > 0.9")
    assert "no version of m has metrics.lr; is it params.lr?" in done.err
    assert_works(registry, "list", "--where", "params.width > 8 and metrics.width > 8")


def test_a_retirement_that_cannot_be_read_hides_no_stage(
    registry: Repository, tmp_path: Path
) -> None:
    registry.git("clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone")
    clone.write(".mlver/models/m/retired/1.0.0/0001.yaml", "no record")
    shown = assert_works(clone, "stages")
    assert "production  1.0.0" in shown
    assert "unreadable: .mlver/models/m/retired/1.0.0/0001.yaml" in shown
