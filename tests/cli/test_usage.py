"""A wrong command line is answered with one that works here: own models, stages and values."""

from __future__ import annotations

import pytest

from tests.cli.conftest import assert_refused, assert_works, train_model
from tests.conftest import Repository


def refuse(repository: Repository, *words: str, code: int = 2) -> str:
    """What is said of a command line, as if it had been typed in the repository."""
    said = assert_refused(repository, *words, code=code)
    return said.replace(f"-C {repository.path} ", "")


@pytest.fixture
def renamed(project: Repository) -> Repository:
    """With ocr 1.0.0 and 1.1.0 registered."""
    assert_works(project, "init")
    for run, words in ((1, ("--weights", "model")), (2, ("--bump", "minor"))):
        train_model(project, run, commit=run > 1)
        assert_works(project, "register", "ocr", *words, "-m", f"Run {run}", "--allow-dirty")
    return project


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("promote",), "mlver promote ocr@1.1.0 --to production -m 'first release'"),
        (("show", "a", "b"), "mlver show ocr@1.1.0"),
        (("promote", "ocr@1"), "mlver promote ocr@1 --to production -m WHY"),
        (("rollback", "ocr", "-m", "x"), "mlver rollback ocr -m x --stage production"),
        (("judge", "ocr"), "mlver judge ocr --stage production"),
        (("watch", "ocr", "--once"), "mlver watch ocr --once --stage production"),
        (("list", "-n", "0"), "mlver list -n 1"),
        (("diff", "ocr", "--data"), "mlver diff digits@1.2.0 @1.3.0 --data train --key id"),
        (("plot", "ocr", "--format", "svg"), "mlver plot ocr"),
        (("plot", "x", "--metric=x", "-n", "x"), "mlver plot x --metric=x -n 1"),
        (("register", "nul", "--update", "nul"), "mlver register nul --update full"),
        (("list", "--limit=x"), "mlver list --limit=1"),
        (("register", "ocr", "--update", "ful"), "mlver register ocr --update full"),
        (("--color", "alway", "list"), "mlver --color always list"),
        (("--color", "red", "list"), "mlver --color auto list"),
        (("--wait", "soon", "list"), "mlver --wait 0 list"),
    ],
)
def test_a_hint_is_a_command_for_this_project(
    renamed: Repository, words: tuple[str, ...], hint: str
) -> None:
    said = refuse(renamed, *words)
    assert f"\nhint: {hint}\n" in said


def test_a_missing_stage_names_those_of_the_project(renamed: Repository) -> None:
    said = assert_refused(renamed, "promote", "ocr@1", code=2)
    assert said.startswith(
        "error: missing option '--to'; the stages here are staging, production\n"
    )


def test_outside_a_project_an_example_stands_as_it_is(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    elsewhere = Repository(tmp_path_factory.mktemp("elsewhere"))
    said = assert_refused(elsewhere, "promote", "x", code=2)
    assert "error: missing option '--to'\n" in said
    assert 'hint: mlver promote digits@1.0.0 --to production -m "first release"\n' in said


@pytest.mark.parametrize(("number", "said"), [("x", "is no number"), ("0", "the lowest is 1")])
def test_a_number_is_refused_in_plain_words(renamed: Repository, number: str, said: str) -> None:
    assert said in assert_refused(renamed, "list", "-n", number, code=2)


def test_the_hint_after_a_refused_registration_keeps_what_was_given(renamed: Repository) -> None:
    given = ("--param", "lr=3", "--label=team=mt", "--allow-dirty", "-m", "it's better")
    said = refuse(renamed, "register", "ocr", *given)
    kept = "--param lr=3 --label team=mt --allow-dirty -m 'it'\"'\"'s better'"
    assert f"hint: mlver register ocr {kept} --bump patch\n" in said
    said = refuse(renamed, "register", "ocr", "--version", "1.1.0", *given, code=3)
    assert f"hint: mlver register ocr {kept} --bump patch\n" in said
    said = refuse(renamed, "register", "ocr", "--version", "0.1.0", *given, code=3)
    assert f"hint: mlver register ocr {kept} --version 0.1.0 --allow-lower\n" in said


@pytest.mark.parametrize(
    "words",
    [
        ("rollback", "ocr", "--stage", "production", "--if-holds", "1.0.0", "--dry-run"),
        ("rollback", "--stage=production", "--golden"),
        ("promote", "ocr@1.1.0", "--to", "production", "--force"),
        ("rollout", "ocr@1.1.0", "--to", "production", "--share", "5", "--strategy", "ab"),
    ],
)
@pytest.mark.parametrize("reason", [(), ("-m", " "), ("--message=WHY",)])
def test_a_hint_for_a_reason_keeps_each_condition(
    renamed: Repository, words: tuple[str, ...], reason: tuple[str, ...]
) -> None:
    if reason == ("--message=WHY",) and "--dry-run" in words:
        words = words[:-1]
    said = refuse(renamed, *words, *reason)
    assert f"hint: mlver {' '.join(words)} -m WHY\n" in said


@pytest.mark.parametrize("empty", ["", "  "])
def test_a_hint_asks_for_the_message_that_was_empty(renamed: Repository, empty: str) -> None:
    said = refuse(renamed, "register", "ocr", "-m", empty, "--bump", "patch", "--allow-dirty")
    assert "hint: mlver register ocr --bump patch --allow-dirty -m WHY\n" in said


def test_a_hint_keeps_an_empty_value(renamed: Repository) -> None:
    given = ("--command", "", "--allow-dirty", "-m", "again")
    said = refuse(renamed, "register", "ocr", *given)
    kept = "--command '' --allow-dirty -m again"
    assert f"hint: mlver register ocr {kept} --bump patch\n" in said
