"""The manual pages are what they would be now, and `man` shows them without a complaint."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mlver.cli.app import COMMANDS
from tests.conftest import CHECKOUT
from tests.docs import manual

FOLDER = CHECKOUT / manual.FOLDER
PAGES = manual.write_pages()
needs_man = pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")


def test_every_page_is_as_it_would_be_written_now() -> None:
    found = {page.name: page.read_text() for page in FOLDER.iterdir()}
    assert found == PAGES, "if a page is behind: python -m tests.docs"


@needs_man
@pytest.mark.parametrize("name", sorted(PAGES))
def test_man_shows_a_page(name: str, tmp_path: Path) -> None:
    shown = open_page(tmp_path, "man", "--warnings", name.removesuffix(".1"))
    assert shown.stderr == ""
    command = name.removesuffix(".1").removeprefix("mlver-")
    if command in COMMANDS:
        assert f"mlver {command}" in shown.stdout
        assert "\n       --help, -h" not in shown.stdout
    else:
        assert "MLVER_PAGER" in shown.stdout


@needs_man
def test_git_opens_the_page(tmp_path: Path) -> None:
    program = tmp_path / "git-mlver"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    shown = open_page(tmp_path, "git", "mlver", "--help")
    assert "Version models with git" in shown.stdout


def open_page(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    pages = folder / "share/man/man1"
    pages.parent.mkdir(parents=True)
    shutil.copytree(FOLDER, pages)
    variables = {"MANPATH": os.fspath(pages.parent), "MANPAGER": "cat", "MANWIDTH": "80"}
    variables["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    variables["LC_ALL"] = "C.UTF-8"
    return subprocess.run(
        words, env={**os.environ, **variables}, capture_output=True, text=True, check=True
    )
