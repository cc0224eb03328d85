"""What a Python program gives that is of no use: each mistake names the argument."""

from __future__ import annotations

from typing import Any

import pytest

import mlver
from mlver.errors import UsageError
from tests.conftest import Repository
from tests.project.helpers import initialise_project, new_repository


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A project with digits 1.0.0, and weights that no version has yet."""
    repository = new_repository(tmp_path_factory.mktemp("types") / "repository")
    initialise_project(repository)
    repository.write(".gitignore", "net.onnx\n")
    repository.commit("Ignore weights")
    repository.write("net.onnx", "one")
    mlver.register("digits", "first", weights="net.onnx", path=repository.path)
    repository.write("net.onnx", "two")
    return repository


@pytest.mark.parametrize(
    ("function", "words", "options", "argument"),
    [
        ("register", ("digits", None), {}, "message"),
        ("register", (None, "x"), {}, "model"),
        ("note", ("digits@1.0.0", None), {}, "message"),
        ("note", ("digits@1.0.0", b"x"), {}, "message"),
        ("retire", ("digits@1.0.0", None), {}, "message"),
        ("retire", ("digits@1.0.0", "x"), {"in_favour_of": 3}, "in_favour_of"),
        ("restore", ("digits@1.0.0", 3), {}, "message"),
        ("promote", ("digits",), {"to": None, "message": "x"}, "to"),
        ("promote", ("digits",), {"to": "staging", "message": None}, "message"),
        ("rollback", ("digits",), {"stage": 1, "message": "x"}, "stage"),
        ("rollback", ("digits",), {"stage": "staging", "message": None}, "message"),
        ("rollback", ("digits",), {"stage": "staging", "message": "x", "to": 1.0}, "to"),
        ("rollback", (3,), {"stage": "staging", "message": "x"}, "model"),
        ("empty_stage", ("digits",), {"stage": None, "message": "x"}, "stage"),
        ("empty_stage", ("digits",), {"stage": "staging", "message": None}, "message"),
        ("empty_stage", (3,), {"stage": "staging", "message": "x"}, "model"),
        ("versions", (3,), {}, "model"),
        ("versions", (), {"path": None}, "path"),
        ("open", (), {"path": 3}, "path"),
        ("note", ("digits@1.0.0", "x"), {"path": b"."}, "path"),
    ],
)
def test_a_wrong_type_names_the_argument(
    ground: Repository,
    function: str,
    words: tuple[object, ...],
    options: dict[str, object],
    argument: str,
) -> None:
    head = ground.git("rev-parse", "HEAD")
    with pytest.raises(TypeError, match=rf"^{argument}\b.* takes a .*, not "):
        getattr(mlver, function)(*words, **{"path": ground.path, **options})
    assert ground.git("rev-parse", "HEAD") == head


def test_nothing_is_no_version(ground: Repository) -> None:
    unset: Any = None
    with pytest.raises(TypeError, match=r"^resolve\(\) takes a text that names a version"):
        mlver.open(ground.path).resolve(unset)


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("labels", {"a": 1}),
        ("labels", {1: "a"}),
        ("licenses", {"weights": None}),
        ("batches", {"weights": 3}),
        ("data", {"train": 3}),
        ("data", {3: "train"}),
        ("metrics", None),
        ("owner", 3),
        ("description", b"x"),
        ("version", 1.0),
        ("pre", 1),
        ("parent", 1),
        ("command", ["train"]),
        ("update", 1),
        ("weights", 3),
        ("environment", 3),
        ("params_files", None),
        ("metrics_files", [3]),
        ("param_keys", 3),
        ("metric_keys", [None]),
        ("unstored", True),
        ("uses", [3]),
    ],
)
def test_an_option_of_a_wrong_type_is_named(ground: Repository, option: str, given: Any) -> None:
    with pytest.raises(TypeError, match=rf"^{option} of register\(\) takes a .*, not "):
        mlver.register("digits", "x", path=ground.path, bump="patch", **{option: given})


@pytest.mark.parametrize("option", ["owner", "description", "weights", "parent", "environment"])
def test_an_option_that_is_none_is_left_out(ground: Repository, option: str) -> None:
    given: Any = {option: None}
    done = mlver.register("digits", "x", path=ground.path, bump="patch", dry_run=True, **given)
    assert done.version == "1.0.1"


@pytest.mark.parametrize(
    ("function", "words", "options"),
    [
        ("register", ("digits", "a\0b"), {"bump": "patch"}),
        ("note", ("digits@1.0.0", "a\0b"), {}),
        ("retire", ("digits@1.0.0", "a\0b"), {}),
        ("promote", ("digits@1.0.0",), {"to": "staging", "message": "a\0b"}),
        ("rollback", ("digits",), {"stage": "staging", "message": "a\0b"}),
        ("empty_stage", ("digits",), {"stage": "staging", "message": "a\0b"}),
        ("register", ("digits", "x"), {"bump": "patch", "owner": "a\0b"}),
        ("register", ("digits", "x"), {"bump": "patch", "labels": {"a": "a\0b"}}),
        ("register", ("digits", "x"), {"bump": "patch", "command": "a\0b"}),
    ],
)
def test_a_nul_is_refused(
    ground: Repository, function: str, words: tuple[str, ...], options: dict[str, Any]
) -> None:
    """No process takes one in an argument."""
    head = ground.git("rev-parse", "HEAD")
    with pytest.raises(UsageError, match="has a NUL character"):
        getattr(mlver, function)(*words, path=ground.path, **options)
    assert ground.git("rev-parse", "HEAD") == head


def test_a_path_with_a_nul_is_no_path() -> None:
    with pytest.raises(UsageError, match="is not a path; name a folder"):
        mlver.open("a\0b")
