"""Parameters and metrics from files and the command line, one over the other."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from mlver import paths
from mlver.errors import InvalidDocument, MlverError, UsageError
from mlver.project.worktree.value_files import (
    ValueSource,
    check_numbers,
    find_linked_file,
    gather_replaced,
    gather_values,
    read_value_file,
)


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
    (top / "x.txt").write_text("lr: 1")
    with pytest.raises(UsageError, match="is no file of values that mlver reads"):
        gather_values(top, ["x.txt"], [])


@pytest.mark.parametrize("link", ["link.yaml", "conf/base.yaml"])
def test_a_link_inside_the_work_tree_is_followed(top: Path, link: str) -> None:
    (top / "configs").mkdir()
    (top / "configs/base.yaml").write_text("lr: 0.7")
    (top / "conf").symlink_to("configs")
    (top / "link.yaml").symlink_to("conf/base.yaml")
    assert gather_values(top, [link], []) == {"lr": 0.7}
    assert find_linked_file(top, link) == "configs/base.yaml"
    assert find_linked_file(top, "a.yaml") == "a.yaml"


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("../outside.yaml", r"link\.yaml is a symlink to .*outside\.yaml, which lies outside"),
        (".mlver/config.yaml", r"config\.yaml, which belongs to git or mlver itself"),
        ("sub/.git/a.yaml", r"a\.yaml, which belongs to git or mlver itself"),
    ],
)
def test_a_link_that_leads_elsewhere_is_refused_with_the_place(
    top: Path, target: str, fault: str
) -> None:
    (top / target).parent.mkdir(parents=True, exist_ok=True)
    (top / target).write_text("lr: 1")
    (top / "link.yaml").symlink_to(target)
    with pytest.raises(MlverError, match=fault) as refused:
        gather_values(top, ["link.yaml"], [])
    assert refused.value.hint == "ls -ld -- link.yaml"


def test_a_link_that_leads_nowhere_or_in_a_circle_is_named(top: Path) -> None:
    (top / "link.yaml").symlink_to("gone.yaml")
    with pytest.raises(MlverError, match=r"link\.yaml does not exist"):
        gather_values(top, ["link.yaml"], [])
    (top / "circle.yaml").symlink_to("circle.yaml")
    with pytest.raises(MlverError, match=r"circle\.yaml"):
        gather_values(top, ["circle.yaml"], [])


@pytest.mark.parametrize("text", [".9", "5.", "+0.5", "0x10", "1e3", "-.5e-2", "+7"])
def test_a_number_reads_alike_in_files_and_on_the_command_line(top: Path, text: str) -> None:
    (top / "n.yaml").write_text(f"x: {text}\n")
    (top / "n.csv").write_text(f"x\n{text}\n")
    (expected,) = gather_values(top, [], [f"x={text}"]).values()
    assert isinstance(expected, int | float)
    for name in ("n.yaml", "n.csv"):
        (found,) = gather_values(top, [name], []).values()
        assert (found, type(found)) == (expected, type(expected)), name


# -- names picked from a mixed file ----------------------------------------------------------------

MIXED = {"config": {"lr": 0.1}, "eval": {"f1": 0.5, "by.class": {"a": 1}}, "loss": 2, "note": "x"}


@pytest.fixture
def mixed(top: Path) -> Path:
    (top / "results.json").write_text(json.dumps(MIXED))
    return top


def pick_from(top: Path, *keys: str, files: tuple[str, ...] = ("results.json",)) -> dict[str, Any]:
    source = ValueSource(files, keys, "--metric-key")
    found, _ = gather_replaced(top, source, (), {})
    assert gather_values(top, files, (), keys) == found
    return found


def test_picked_names_are_values_or_groups_and_keep_their_places(mixed: Path) -> None:
    assert pick_from(mixed) == MIXED
    assert pick_from(mixed, "eval") == {"eval": MIXED["eval"]}
    assert pick_from(mixed, "loss", "eval.f1") == {"eval": {"f1": 0.5}, "loss": 2}
    assert pick_from(mixed, 'eval."by.class".a') == {"eval": {"by.class": {"a": 1}}}
    (mixed / "log.jsonl").write_text('{"loss": 3, "step": 1}\n{"loss": 1.5, "step": 2}\n')
    assert pick_from(mixed, "loss", files=("results.json", "log.jsonl")) == {"loss": 1.5}
    (mixed / "log.csv").write_text("step,loss\n1,0.5\n2,0.25\n")
    assert pick_from(mixed, "loss", files=("log.csv",)) == {"loss": 0.25}


@pytest.mark.parametrize(
    ("key", "known"),
    [
        ("evals", "results.json has config, eval, loss, note"),
        ("eval.accuracy", '`eval` of results.json has f1, "by.class"'),
        ("loss.a", "results.json has config, eval, loss, note"),
        ("", "results.json has config"),
    ],
)
def test_a_name_that_is_not_there_is_refused_with_those_that_are(
    mixed: Path, key: str, known: str
) -> None:
    source = ValueSource(["results.json"], [key], "--metric-key")
    with pytest.raises(UsageError) as refused:
        gather_replaced(mixed, source, (), {})
    assert refused.value.message.startswith(f"there is no `{key}` to pick from results.json (")
    assert known in refused.value.message
    assert gather_values(mixed, ["results.json"], (), [key]) == {}


def test_names_are_picked_from_files_only(mixed: Path) -> None:
    with pytest.raises(UsageError, match="--metric-key picks from files, and no file is named"):
        gather_replaced(mixed, ValueSource([], ["loss"], "--metric-key"), ["loss=1"], {})


def test_of_many_names_the_first_are_listed(top: Path) -> None:
    (top / "many.json").write_text(json.dumps({f"k{number}": 1 for number in range(200)}))
    with pytest.raises(UsageError, match=r"k10, k11 and 188 more$"):
        gather_replaced(top, ValueSource(["many.json"], ["x"], "--param-key"), (), {})


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


NOT_FINITE: dict[str, str] = {
    "a.json": '{"a": 1, "b": NaN, "c": {"d": [-Infinity]}, "e": 1e999}',
    "a.jsonl": '{"a": 2}\n{"a": 1, "b": NaN, "c": {"d": [Infinity]}}\n',
    "a.yaml": "a: 1\nb: .nan\nc: {d: [-.inf]}\ne: 1e999\n",
    "a.toml": "a = 1\nb = nan\n[c]\nd = [inf]\n",
    "a.csv": "a,b,c\n1,nan,-.inf\n",
}


@pytest.mark.parametrize(("name", "text"), NOT_FINITE.items())
def test_only_picked_values_have_to_be_finite(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert gather_values(tmp_path, [name], [], ["a"]) == {"a": 1}
    with pytest.raises(InvalidDocument, match="b: `nan` is not a finite number") as refused:
        gather_values(tmp_path, [name], [], ["a", "b"])
    assert refused.value.where == name
    with pytest.raises(InvalidDocument, match=r"c(\.d\[0\])?: `-?inf` is not a finite number"):
        gather_replaced(tmp_path, ValueSource([name], ["c"]), [], {})
    with pytest.raises(InvalidDocument, match="not a finite number"):
        gather_values(tmp_path, [name], [])


@pytest.mark.parametrize("swapped", ["inner", "inner/values.json"])
def test_a_symlink_that_is_put_on_the_way_after_the_check_is_not_followed(
    top: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    swapped: str,
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "values.json").write_text('{"secret": 1}')
    (top / "inner").mkdir()
    (top / "inner/values.json").write_text('{"lr": 1}')
    assert read_value_file(top, "inner/values.json") == b'{"lr": 1}'
    join_inside = paths.join_inside

    def check_and_swap(root: Path, relative: str) -> Path:
        joined = join_inside(root, relative)
        (top / swapped).rename(top / "former")
        target = outside if swapped == "inner" else outside / "values.json"
        (top / swapped).symlink_to(target)
        return joined

    monkeypatch.setattr(paths, "join_inside", check_and_swap)
    with pytest.raises(MlverError, match=r"inner/values\.json cannot be read: "):
        read_value_file(top, "inner/values.json")


def test_a_symlink_that_goes_away_while_it_is_looked_at_is_told(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (top / "link.json").symlink_to("b.json")

    def read_gone(path: str) -> str:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)

    monkeypatch.setattr(os, "readlink", read_gone)
    # Newer Pythons take it for a file, which is then refused because it is a symlink.
    with pytest.raises(MlverError, match=r"link\.json(?: cannot be read|' passes through)"):
        read_value_file(top, "link.json")
