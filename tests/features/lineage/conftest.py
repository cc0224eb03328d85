"""A repository in which versions come of each other, of data and of code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import assert_works, copy_repository
from tests.conftest import Repository

TUNED = ("--update", "incremental", "--bump", "minor", "--allow-dirty")


@pytest.fixture(scope="session")
def family_once(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    made = Repository(tmp_path_factory.mktemp("family") / "repository")
    made.path.mkdir()
    made.git("init", "--quiet")
    made.write(".gitignore", "/rows/\n/w\n")
    made.write("rows/a.csv", "first rows")
    made.write("rows/b.csv", "more rows")
    made.write("w", "1")
    assert_works(made, "init")
    made.commit("Ground")
    data = ("--weights", "w", "--data", "train=rows")
    assert_works(made, "register", "digits", *data, "-m", "first")
    made.write("w", "2")
    assert_works(made, "register", "digits", "--parent", "1.0.0", *TUNED, "-m", "second")
    made.write("w", "3")
    made.write("rows/a.csv", "other rows")
    assert_works(made, "register", "digits", "--parent", "1.1.0", *TUNED, "-m", "third")
    made.write("rows/a.csv", "first rows")
    assert_works(made, "register", "words", *data, "--allow-dirty", "-m", "words")
    assert_works(made, "promote", "digits@1.1.0", "--to", "staging", "-m", "try")
    made.pack()
    return made


@pytest.fixture
def family(family_once: Repository, tmp_path: Path) -> Repository:
    """digits 1.0.0 → 1.1.0 (staging) → 1.2.0, the last on other data; words has that of 1.0.0."""
    return copy_repository(family_once, tmp_path / "repository")
