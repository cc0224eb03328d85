"""A git before 2.31, whose `rev-parse` prints an option it does not know, as the real 2.30 does."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import Repository

# Each word goes behind the last, but for those that are answered; then the first ones go.
SCRIPT = """\
#!/bin/sh
count=$#
for word; do
  case $word in
    --version) echo 'git version 2.30.2'; exit ;;
    --path-format=*) echo "$word"; continue ;;
  esac
  set -- "$@" "$word"
done
shift "$count"
exec {git} "$@"
"""


@pytest.fixture
def old_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.which("git")
    assert real is not None
    script = tmp_path / "old/git"
    script.parent.mkdir()
    script.write_text(SCRIPT.replace("{git}", real))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")


def listing(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


@pytest.mark.parametrize(
    "words",
    [
        ("init",),
        ("register", "m", "--weights", "README.md", "-m", "x"),
        ("list",),
        ("doctor",),
        ("hook", "install"),
    ],
    ids=" ".join,
)
def test_it_is_refused_before_anything_is_written(
    repository: Repository, old_git: None, words: tuple[str, ...]
) -> None:
    before = listing(repository.path)
    done = repository.mlver(*words)
    assert (done.code, done.out) == (3, "")
    assert "git 2.30.2 is too old: mlver needs git 2.31 or newer\nhint: git --version" in done.err
    assert listing(repository.path) == before


def test_outside_a_repository_it_says_that_there_is_none(old_git: None, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "is not in a git repository" in Repository(tmp_path / "empty").mlver("init").err
