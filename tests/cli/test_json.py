"""Every command as a program reads it: one document, its schema and exit code; and dry runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.conftest import assert_works, train_model
from tests.cli.results import digest_tree, read_document
from tests.conftest import Repository

DRY_RUNS: dict[str, tuple[str, ...]] = {
    "init": ("init",),
    "register": ("register", "digits", "--bump", "major", "-m", "Third"),
    "tag": ("tag",),
    "promote": ("promote", "digits@1.1.0", "--to", "production", "-m", "Better"),
    "rollback": (
        "rollback",
        "digits",
        "--stage",
        "production",
        "--to",
        "1.0.0",
        "-m",
        "Back",
        "--checkout",
    ),
    "checkout": ("checkout", "digits@1.0.0", "--force"),
    "ci": ("ci", "github"),
}


def test_a_story_for_programs(project: Repository) -> None:
    def run(kind: str, *arguments: str, code: int = 0) -> Any:
        done = project.mlver(kind, *arguments, "--json")
        assert (done.code, done.err) == (code, "")
        return read_document(done, kind)

    made = run("init")
    assert made["created"] == [".mlver/.gitattributes", ".mlver/config.yaml"]
    assert run("init")["created"] == []
    assert run("list")["models"] == []
    paths = ("--weights", "model", "--data", "train=data/train.csv", "--params", "params.yaml")
    registered = run(
        "register",
        "digits",
        *paths,
        "--metrics",
        "metrics.json",
        "--label",
        "team=mt",
        "-m",
        "First",
    )
    assert (registered["version"], registered["tag"], registered["parent"]) == (
        "1.0.0",
        "digits@v1.0.0",
        None,
    )
    assert registered["commit"] == project.git("rev-parse", "HEAD")
    assert registered["record"] in project.git("tag", "--list", "--format=%(contents)")
    assert registered["metrics"] == {"accuracy": 0.91, "log_loss": 1.0}
    shown = run("show", "digits")
    assert (shown["digest"], shown["record"]["labels"]) == (registered["record"], {"team": "mt"})
    moved = run("promote", "digits", "--to", "production", "-m", "Release")
    assert (moved["ok"], moved["outcome"], moved["sequence"]) == (True, "promoted", 1)
    assert not run("status")["differs"]
    train_model(project, 2)
    status = run("status", "--exit-code", code=1)
    assert (status["differs"], status["models"][0]["bump"], status["models"][0]["next"]) == (
        True,
        "minor",
        "1.1.0",
    )
    assert run("diff", "digits")["differs"]
    assert run("register", "digits", "--bump", "minor", "-m", "Second")["artifacts"][1]["unchanged"]
    diff = run("diff", "digits@1.0.0", "@1.1.0", "--exit-code", code=1)
    assert diff["params"] == [{"key": "lr", "kind": "changed", "old": 0.001, "new": 0.002}]
    assert [artifact["state"] for artifact in diff["artifacts"]] == ["changed", "unchanged"]
    assert [commit["subject"] for commit in diff["code"]["commits"]] == ["Training run 2"]
    run("promote", "digits", "--to", "production", "-m", "Better")
    back = run("rollback", "digits", "--stage", "production", "-m", "Too slow", "--checkout")
    assert (back["version"], back["previous"], back["checkout"]["written"]) == ("1.0.0", "1.1.0", 1)
    assert run("checkout", "digits@1.1.0")["files"]["written"] == 1
    assert run("list")["models"][0]["stages"] == {"production": "1.0.0"}
    assert [event["event"] for event in run("log")["events"]] == [
        *("rolled back", "promoted", "promoted", "registered", "registered")
    ]
    assert run("tag")["made"] == []
    assert run("verify", "--all")["ok"]
    assert run("doctor")["ok"]
    assert [file["state"] for file in run("ci", "github")["files"]] == ["written"] * 3


def _prepare_change(second: Repository, name: str) -> None:
    if name == "rollback":  # it goes only to a version that held the stage before
        assert_works(second, "promote", "digits@1.1.0", "--to", "production", "-m", "Better")
    train_model(second, 3)
    second.git("tag", "--delete", "digits@v1.0.0")


@pytest.mark.parametrize("name", DRY_RUNS)
@pytest.mark.parametrize("json", [False, True], ids=["screen", "json"])
def test_a_dry_run_changes_nothing(second: Repository, name: str, json: bool) -> None:
    _prepare_change(second, name)
    before = digest_tree(second.path)
    done = second.mlver(*DRY_RUNS[name], "--dry-run", *(["--json"] if json else []))
    assert (done.code, done.err) == (0, "")
    assert digest_tree(second.path) == before
    if json:
        assert read_document(done, name)["dry_run"] is True
    elif name != "init":
        assert done.out.startswith("Would ")


@pytest.mark.parametrize("name", [name for name in DRY_RUNS if name != "init"])
def test_the_same_without_dry_run_does_change_something(second: Repository, name: str) -> None:
    _prepare_change(second, name)
    before = digest_tree(second.path)
    assert second.mlver(*DRY_RUNS[name]).code == 0
    assert digest_tree(second.path) != before


def test_a_dry_run_of_init_tells_what_it_would_write(project: Repository) -> None:
    before = digest_tree(project.path)
    done = project.mlver("init", "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert (
        done.out == f"Would write {project.path}\n  .mlver/.gitattributes\n  .mlver/config.yaml\n"
    )
    assert digest_tree(project.path) == before


def _refused(second: Repository) -> None:
    second.git("tag", "--delete", "digits@v1.1.0")


def _nothing(_: Repository) -> None:
    pass


@pytest.mark.parametrize(
    ("prepare", "words", "code", "answer"),
    [
        (_refused, (), 1, ("refused", False, False)),
        (_refused, ("--dry-run",), 1, ("refused", False, False)),
        (_refused, ("--force",), 0, ("promoted", True, True)),
        (_refused, ("--force", "--dry-run"), 0, ("promoted", True, True)),
        (_nothing, ("--dry-run",), 0, ("promoted", True, False)),
    ],
)
def test_a_promotion_and_its_dry_run_answer_alike(
    second: Repository,
    prepare: Callable[[Repository], None],
    words: tuple[str, ...],
    code: int,
    answer: tuple[str, bool, bool],
) -> None:
    prepare(second)
    done = second.mlver("promote", "digits@1.1.0", "--to", "staging", "-m", "Try", *words, "--json")
    assert (done.code, done.err) == (code, "")
    found = read_document(done, "promote")
    assert (found["outcome"], found["ok"], found["forced"]) == answer
    assert (found["commit"] is None) == (found["dry_run"] or found["outcome"] == "refused")
