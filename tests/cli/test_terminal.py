"""What a person sees on a real terminal: a pager for long screens only, colours, and quiet."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import Repository
from tests.pseudo_terminal import run_on_terminal

LONG = ("--help",)
needs_less = pytest.mark.skipif(shutil.which("less") is None, reason="less is not installed")


def marked_pager(folder: Path) -> str:
    """A pager that shows what it got between two marks."""
    script = folder / "my pager"
    script.write_text("#!/bin/sh\necho '<paged>'; cat; echo '</paged>'\n")
    script.chmod(0o755)
    return f"'{script}'"


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "--all"),
        ("log",),
        ("show", "digits"),
        ("diff", "digits@1.0.0", "@1.1.0"),
        ("compare", "digits@1.0.0", "@1.1.0"),
        ("stages", "--all"),
    ],
    ids=lambda words: words[0],
)
def test_a_long_screen_is_paged_and_a_short_one_is_not(
    second: Repository, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    pager = marked_pager(tmp_path)
    short = run_on_terminal(arguments, second.path, rows=200, variables={"MLVER_PAGER": pager})
    long = run_on_terminal(arguments, second.path, rows=3, variables={"MLVER_PAGER": pager})
    assert short.code == long.code == 0
    assert "paged" not in short.text
    assert long.text == f"<paged>\n{short.text}</paged>\n"


def test_help_is_paged_where_it_is_long(tmp_path: Path) -> None:
    pager = marked_pager(tmp_path)
    long = run_on_terminal(LONG, tmp_path, variables={"MLVER_PAGER": pager})
    assert long.code == 0
    assert long.text.startswith("<paged>\n")
    assert (
        "paged"
        not in run_on_terminal(LONG, tmp_path, rows=200, variables={"MLVER_PAGER": pager}).text
    )


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (("--no-pager", "log"), {}),
        (("log", "--json"), {}),
        (("list", "--csv"), {}),
        (("log",), {"TERM": "dumb"}),
        (("log",), {"MLVER_PAGER": "cat"}),
        (("log",), {"MLVER_PAGER": "", "PAGER": ""}),
    ],
)
def test_there_are_screens_without_a_pager(
    second: Repository,
    tmp_path: Path,
    arguments: tuple[str, ...],
    variables: dict[str, str],
) -> None:
    given = {"MLVER_PAGER": marked_pager(tmp_path), **variables}
    shown = run_on_terminal(arguments, second.path, rows=3, variables=given)
    assert shown.code == 0
    assert "paged" not in shown.text
    assert "1.1.0" in shown.text


def test_the_pager_is_the_one_that_git_takes(second: Repository, tmp_path: Path) -> None:
    def find_shown(**variables: str) -> str:
        shown = run_on_terminal(("log",), second.path, rows=3, variables=variables)
        assert shown.code == 0
        return shown.text.strip()

    assert find_shown(PAGER="echo from PAGER;:") == "from PAGER"
    git = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.pager"}
    git["GIT_CONFIG_VALUE_0"] = "echo from git;:"
    assert find_shown(PAGER="echo from PAGER;:", **git) == "from git"
    assert find_shown(GIT_PAGER="echo from GIT_PAGER;:", **git) == "from GIT_PAGER"
    assert find_shown(GIT_PAGER="x", MLVER_PAGER="echo from MLVER;:") == "from MLVER"


def test_what_a_repository_names_is_never_run(second: Repository) -> None:
    """Whoever unpacks a copied repository has its configuration, too."""
    second.git("config", "core.pager", "touch hacked; cat")
    assert run_on_terminal(("log",), second.path, rows=3, variables={"PAGER": "cat"}).code == 0
    assert not (second.path / "hacked").exists()


@pytest.mark.parametrize("pager", ["no-such-pager", "no-such-pager | cat -n; exit 127"])
def test_a_missing_pager_leaves_the_text(second: Repository, pager: str) -> None:
    plain = run_on_terminal(("--no-pager", "log"), second.path, rows=3)
    shown = run_on_terminal(("log",), second.path, rows=3, variables={"MLVER_PAGER": pager})
    assert shown.code == 0
    assert f"the pager `{pager}` could not be started\n" in shown.text
    assert shown.text.endswith(plain.text)


@pytest.mark.parametrize("variable", ["MLVER_PAGER", "GIT_PAGER", "PAGER"])
def test_a_pager_of_blanks_is_none(second: Repository, variable: str) -> None:
    plain = run_on_terminal(("--no-pager", "log"), second.path, rows=3)
    assert run_on_terminal(("log",), second.path, rows=3, variables={variable: " "}) == plain


@pytest.mark.parametrize(
    ("pager", "status"), [("false", 1), ("less --x 'unclosed", 2), ("head -c 1; exit 7", 7)]
)
@pytest.mark.parametrize("arguments", [("log",), ("register", "--help")], ids=["log", "help"])
def test_a_pager_that_fails_loses_no_text(
    second: Repository, arguments: tuple[str, ...], pager: str, status: int
) -> None:
    plain = run_on_terminal(("--no-pager", *arguments), second.path, rows=3)
    shown = run_on_terminal(arguments, second.path, rows=3, variables={"MLVER_PAGER": pager})
    assert shown.code == 0
    assert f"the pager `{pager}` failed with status {status}\n" in shown.text
    assert shown.text.endswith(plain.text)


def test_a_pager_that_read_all_may_end_as_it_likes(second: Repository) -> None:
    plain = run_on_terminal(("--no-pager", "log"), second.path, rows=3)
    variables = {"MLVER_PAGER": "cat; exit 1"}
    assert run_on_terminal(("log",), second.path, rows=3, variables=variables) == plain


def test_a_pager_that_ends_early_is_no_error(second: Repository) -> None:
    shown = run_on_terminal(("log",), second.path, rows=3, variables={"MLVER_PAGER": "true"})
    assert shown == (0, "")
    changed = ("diff", "digits@1.0.0", "@1.1.0", "--exit-code")
    assert run_on_terminal(changed, second.path, rows=3, variables={"MLVER_PAGER": "true"}) == (
        1,
        "",
    )


@needs_less
@pytest.mark.parametrize("key", ["q", "\x03q"], ids=["q", "Ctrl-C and q"])
def test_less_is_left_by_q(second: Repository, key: str) -> None:
    # ":" is its prompt; the text goes on behind it.
    shown = run_on_terminal(
        ("log",), second.path, rows=4, keys={"\n:": key}, variables={"PAGER": "less"}
    )
    assert shown.code == 0
    assert "Traceback" not in shown.text
    assert "registered" in shown.text
    assert "\n:" in shown.text, "it waited for the key"
    assert "\x1b[2m" in shown.text, "less keeps our colours, as LESS is not set"


def test_colours_follow_the_documented_order(second: Repository) -> None:
    def is_colored(*options: str, **variables: str) -> bool:
        shown = run_on_terminal((*options, "list"), second.path, variables=variables)
        assert shown.code == 0
        return "\x1b[" in shown.text

    assert is_colored()
    assert is_colored(NO_COLOR="")
    assert not is_colored(NO_COLOR="1")
    assert not is_colored(MLVER_COLOR="never", FORCE_COLOR="1")
    assert is_colored(MLVER_COLOR="always", NO_COLOR="1")
    assert is_colored("--color", "always", MLVER_COLOR="never", NO_COLOR="1")
    assert not is_colored("--color=never", MLVER_COLOR="always", FORCE_COLOR="1")


@pytest.mark.parametrize("options", [("--help",), ("list", "--help")])
def test_help_has_no_colours_where_none_are_wanted(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    assert "\x1b[" in run_on_terminal(("--no-pager", *options), tmp_path).text
    shown = run_on_terminal(("--no-pager", "--color", "never", *options), tmp_path)
    assert shown.code == 0
    assert "\x1b[" not in shown.text
    assert (
        "\x1b["
        not in run_on_terminal(options, tmp_path, rows=200, variables={"NO_COLOR": "1"}).text
    )
