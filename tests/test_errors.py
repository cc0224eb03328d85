"""Hints can be pasted: a name is one word of a command, whatever it holds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.errors import InvalidDocument, MlverError, shell_command, summarise_error
from mlver.git.process import GitFailed

HOSTILE = [
    "$(touch${IFS}PWN)@v1.0.0",
    "my modl",
    "it's",
    "`id`",
    "a;b",
    "",
    "a\nb",
    "~",
    "*",
    "#x",
    "a&b",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_shell_reads_a_name_as_it_is(name: str, tmp_path: Path) -> None:
    told = shell_command("printf", "%s.", name, "-m", "WHY")
    done = subprocess.run(
        ["/bin/sh", "-c", told], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{name}.-m.WHY."
    assert list(tmp_path.iterdir()) == []


@given(name=st.from_regex(r"\A[A-Za-z0-9._/@:+-]+\Z"))
def test_plain_names_stay_plain(name: str) -> None:
    assert shell_command("mlver", "show", name) == f"mlver show {name}"


@pytest.mark.parametrize(
    ("error", "subject", "summary"),
    [
        (InvalidDocument("a.yaml", ("one", "two")), "a.yaml", "is not valid: one; two"),
        (InvalidDocument("a.yaml", ("one",)), "b.yaml", "a.yaml is not valid: one"),
        (InvalidDocument("a.yaml", ("one",)), "", "a.yaml is not valid: one"),
        (MlverError("a.yaml: is gone"), "a.yaml", "is gone"),
        (
            MlverError("model cannot be read:\n  pipe is\n  odd"),
            "model",
            "cannot be read: pipe is odd",
        ),
        (MlverError("models cannot be read"), "model", "models cannot be read"),
    ],
)
def test_a_summary_is_one_line_that_does_not_repeat_its_subject(
    error: MlverError, subject: str, summary: str
) -> None:
    assert summarise_error(error, subject) == summary


def test_a_hint_of_a_hook_is_among_what_git_said() -> None:
    said = "not today\nhint: run ./scripts/clean.sh first\nhint:\n"
    failed = GitFailed("commit", said)
    assert failed.message == (
        "git could not commit; it said:\n  not today\n  hint: run ./scripts/clean.sh first\n  hint:"
    )
    assert failed.output == said
