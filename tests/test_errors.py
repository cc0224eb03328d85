"""Hints can be pasted: a name is one word of a command, whatever it holds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.errors import shell_command

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
