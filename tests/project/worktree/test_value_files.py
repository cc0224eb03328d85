"""Parameters and metrics from files and the command line, one over the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlver.errors import InvalidDocument, MlverError, UsageError
from mlver.project.worktree.value_files import check_numbers, gather_values


@pytest.fixture
def top(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text("lr: 0.1\nlayers: [1, 2]\nopt: {name: sgd, momentum: 0.9}\n")
    (tmp_path / "b.json").write_text(
        '{"lr": 0.2, "opt": {"momentum": 0.95}, "big": 12345678901234567890}'
    )
    (tmp_path / "c.toml").write_text('epochs = 3\n[opt]\nname = "adam"\n')
    return tmp_path


CASES: dict[str, tuple[list[str], list[str], dict[str, Any]]] = {
    "nothing": ([], [], {}),
    "one file": (["c.toml"], [], {"epochs": 3, "opt": {"name": "adam"}}),
    "later files over earlier ones": (
        ["a.yaml", "b.json", "c.toml"],
        [],
        {
            "lr": 0.2,
            "layers": [1, 2],
            "opt": {"name": "adam", "momentum": 0.95},
            "big": 12345678901234567890,
            "epochs": 3,
        },
    ),
    "the command line over files": (
        ["a.yaml"],
        ["lr=0.3", "opt.momentum=1", "opt.nesterov=true", "new.deep.er=x", "layers=[3]"],
        {
            "lr": 0.3,
            "layers": [3],
            "opt": {"name": "sgd", "momentum": 1, "nesterov": True},
            "new": {"deep": {"er": "x"}},
        },
    ),
    "words stay words": ([], ["a=no", "b=1.10.0", "c=", "d=null", 'e="1"', "f=a=b"], {
        "a": "no", "b": "1.10.0", "c": "", "d": None, "e": "1", "f": "a=b",
    }),
}  # fmt: skip


@pytest.mark.parametrize(("files", "given", "expected"), CASES.values(), ids=CASES)
def test_what_is_gathered(
    top: Path, files: list[str], given: list[str], expected: dict[str, Any]
) -> None:
    assert gather_values(top, files, given) == expected


def test_numbers_keep_their_kind() -> None:
    found = gather_values(Path(), [], ["a=1", "b=1.0", "c=true", "d=1e3"])
    assert [type(value) for value in found.values()] == [int, float, bool, float]


@pytest.mark.parametrize("text", ["lr", "=1", ""])
def test_what_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not KEY=VALUE"):
        gather_values(Path(), [], [text])


@pytest.mark.parametrize("value", ["nan", "NaN", "inf", "-Infinity", ".nan"])
def test_what_is_not_finite_is_refused_wherever_it_stands(top: Path, value: str) -> None:
    with pytest.raises(UsageError, match="not a finite number"):
        gather_values(top, [], [f"lr={value}"])


@pytest.mark.parametrize(
    ("name", "text"),
    [("x.yaml", "lr: .nan\n"), ("x.json", '{"lr": NaN}'), ("x.toml", "lr = nan\n")],
)
def test_nor_does_a_file_bring_it_in(top: Path, name: str, text: str) -> None:
    (top / name).write_text(text)
    with pytest.raises(InvalidDocument, match=name):
        gather_values(top, [name], [])


def test_a_value_cannot_stand_inside_a_value(top: Path) -> None:
    with pytest.raises(UsageError, match="`lr` is a value already"):
        gather_values(top, ["a.yaml"], ["lr.deeper=1"])
    with pytest.raises(UsageError, match="`opt` is a group of values"):
        gather_values(top, ["a.yaml"], ["opt=1"])


def test_files_that_cannot_be_read_are_named(top: Path) -> None:
    with pytest.raises(MlverError, match=r"gone\.yaml does not exist"):
        gather_values(top, ["gone.yaml"], [])
    (top / "folder.yaml").mkdir()
    with pytest.raises(MlverError, match=r"folder\.yaml cannot be read: it is a folder"):
        gather_values(top, ["folder.yaml"], [])
    (top / "link.yaml").symlink_to("a.yaml")
    with pytest.raises(MlverError, match="passes through the symlink"):
        gather_values(top, ["link.yaml"], [])
    (top / "x.txt").write_text("lr: 1")
    with pytest.raises(UsageError, match="is no file of values that mlver reads"):
        gather_values(top, ["x.txt"], [])


def test_an_endless_file_is_not_read_to_its_end(top: Path) -> None:
    with (top / "huge.json").open("wb") as file:
        file.truncate(1 << 32)
    with pytest.raises(MlverError, match="larger than 16 MiB"):
        gather_values(top, ["huge.json"], [])


def test_every_metric_that_is_no_number_is_named_at_once() -> None:
    metrics: dict[str, Any] = {
        "fine": 1,
        "also": {"fine": 0.5},
        "text": "0.93",
        "nested": {"flag": True, "list": [1]},
        "none": None,
        "endless": float("inf"),
    }
    with pytest.raises(InvalidDocument, match=r"metrics\.json is not valid") as refused:
        check_numbers(metrics, "metrics.json")
    assert refused.value.faults == (
        "text: is text, not a number",
        "nested.flag: is true or false, not a number",
        "nested.list: is a list, not a number",
        "none: is null, not a number",
        "endless: is inf, not a number",
    )
    check_numbers({"fine": 1, "also": {"fine": 0.5}}, "metrics.json")


def test_a_name_is_given_once(top: Path) -> None:
    with pytest.raises(UsageError, match="names `a` twice"):
        gather_values(top, [], ["a=1", "a=2"])
