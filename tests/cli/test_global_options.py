"""The options of mlver itself, and the variables that stand for them."""

from __future__ import annotations

import pytest

from mlver.terminal.preferences import VARIABLES
from tests.cli.conftest import assert_refused, assert_works
from tests.conftest import Repository

NEXT = ("note: ", "next: ", "keep large files")
WRONG = {
    "MLVER_WAIT": "soon",
    "MLVER_QUIET": "maybe",
    "MLVER_COLOR": "red",
    "MLVER_PROGRESS": "2",
}


@pytest.mark.parametrize("way", ["-q", "--quiet", "MLVER_QUIET"])
def test_quiet_keeps_results_and_errors_only(
    project: Repository, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    project.write(".gitignore", "/data/\n")
    project.git("commit", "--quiet", "--message", "Ignore less", ".gitignore")
    project.write("helper.py", "")
    register = ("register", "digits", "--weights", "model", "-m", "First")
    begun = assert_works(project, "init")
    assert any(word in begun for word in NEXT)
    loud = project.mlver(*register, "--dry-run")
    assert any(word in loud.out for word in NEXT)
    options = () if way == "MLVER_QUIET" else (way,)
    if way == "MLVER_QUIET":
        monkeypatch.setenv(way, "1")
    shown = assert_works(project, *options, *register)
    assert "Registered digits 1.0.0" in shown
    assert not any(word in shown for word in NEXT)
    said = assert_refused(project, *options, "show", "digits@2.0.0")
    assert said.startswith("error: ")
    assert "\nhint: " in said


def test_quiet_notes_nothing_and_changes_no_exit_code(second: Repository) -> None:
    config = second.path / ".mlver/config.yaml"
    config.write_text(f"{config.read_text()}weather: {{}}\n")
    assert "note: " in second.mlver("show", "digits").err
    assert second.mlver("-q", "show", "digits").err == ""
    assert second.mlver("-q", "diff", "digits@1.0.0", "@1.1.0", "--exit-code").code == 1


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_variable_is_named(
    second: Repository, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, WRONG[name])
    said = assert_refused(second, "list", code=2)
    assert f"error: the variable {name} is `{WRONG[name]}`; it takes " in said
    assert said.endswith(f"hint: unset {name}\n")
    monkeypatch.setenv(name, "")
    assert_works(second, "list")


@pytest.mark.parametrize("seconds", ["-1", "nan", "inf"])
def test_a_wait_is_a_number_of_seconds(
    second: Repository, monkeypatch: pytest.MonkeyPatch, seconds: str
) -> None:
    monkeypatch.setenv("MLVER_WAIT", seconds)
    assert "MLVER_WAIT" in assert_refused(second, "list", code=2)


def test_colours_can_be_forced_into_a_pipe(
    second: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b[" not in assert_works(second, "list")
    assert "\x1b[" in assert_works(second, "--color", "always", "list")
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "1")
            assert "\x1b[" in assert_works(second, "list")
            assert "\x1b[" not in assert_works(second, "--color", "never", "list")
            patch.setenv(name, "0")
            assert "\x1b[" not in assert_works(second, "list")


def test_an_error_of_the_command_line_heeds_them(second: Repository) -> None:
    said = second.mlver("--color", "always", "list", "--nonsense")
    assert said.code == 2
    assert said.err.startswith("\x1b[31merror: \x1b[0m")


def test_every_variable_stands_for_an_option_that_exists(second: Repository) -> None:
    shown = assert_works(second, "--help")
    for variable in VARIABLES:
        assert variable.option in shown
        assert variable.name in shown
