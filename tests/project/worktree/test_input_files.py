"""Which values in params and metrics files are not those of a record."""

from __future__ import annotations

from typing import Any

import pytest

from mlver.errors import MlverError
from mlver.project.worktree.input_files import (
    InputGroup,
    InputKind,
    compare_contents,
    find_foreign,
)

Contents = dict[str, bytes | MlverError | None]
CASES: dict[str, tuple[InputKind, dict[str, Any], Contents, list[tuple[str, str]]]] = {
    "a later file counts": (
        "params",
        {"lr": 1, "opt": {"name": "sgd", "beta": 2}},
        {"a.yaml": b"lr: 5\nopt: {name: sgd}\n", "b.json": b'{"lr": 1, "opt": {"beta": 2}}'},
        [],
    ),
    "the file that counts is named": (
        "params",
        {"lr": 5, "seed": 1},
        {"a.yaml": b"lr: 5\nseed: 1\n", "b.json": b'{"lr": 1}'},
        [("b.json", "changed")],
    ),
    "a number may be written either way": (
        "params",
        {"a": 1, "b": [1, 2]},
        {"a.yaml": b"a: 1.0\nb: [1, 2]\n"},
        [],
    ),
    "true is no number": ("params", {"a": 1}, {"a.yaml": b"a: true\n"}, [("a.yaml", "changed")]),
    "what the version has not": ("params", {}, {"a.yaml": b"x: 1\n"}, [("a.yaml", "changed")]),
    "text is no metric": ("metrics", {"f1": 0.5}, {"m.json": b'{"f1": 0.5, "model": "x"}'}, []),
    "text is a parameter": (
        "params",
        {"f1": 0.5},
        {"m.json": b'{"f1": 0.5, "model": "x"}'},
        [("m.json", "changed")],
    ),
    "no file, and nothing to be in it": ("metrics", {}, {"m.json": None}, []),
    "no file": ("metrics", {"f1": 0.5}, {"m.json": None}, [("m.json", "missing")]),
    "no values in it": ("metrics", {}, {"m.json": b"[1]"}, [("m.json", "unreadable")]),
    "no file of values": ("metrics", {}, {"m.csv": b"f1\n"}, [("m.csv", "unreadable")]),
    "no leave to read it": (
        "metrics",
        {},
        {"m.json": MlverError("no")},
        [("m.json", "unreadable")],
    ),
}


@pytest.mark.parametrize(("kind", "recorded", "contents", "expected"), CASES.values(), ids=CASES)
def test_foreign_files(
    kind: InputKind, recorded: dict[str, Any], contents: Contents, expected: list[tuple[str, str]]
) -> None:
    group = InputGroup(kind, recorded, tuple(contents))
    found = find_foreign(group, compare_contents(group, contents), None)
    assert [(file.path, file.state) for file in found] == expected


def test_a_value_that_only_the_record_has_was_in_the_file_of_then() -> None:
    group = InputGroup("params", {"lr": 1, "seed": 2, "given": 3}, ("a.yaml", "b.yaml"))
    then = compare_contents(group, {"a.yaml": b"lr: 1\n", "b.yaml": b"seed: 2\n"})
    now = compare_contents(group, {"a.yaml": b"lr: 1\n", "b.yaml": b"{}\n"})
    (found,) = find_foreign(group, now, then)
    assert (found.path, found.names) == ("b.yaml", ("seed",))
