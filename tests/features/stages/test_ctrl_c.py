"""Ctrl-C in a terminal: the signal goes to every process of the command, git and hooks included."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.cli.conftest import assert_works
from tests.conftest import CHECKOUT, Repository

# The hook interrupts all of its group, which the command is given to itself.
_INTERRUPT = "kill -INT 0; sleep 5"


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def run_interrupted(repository: Repository, hook: str, body: str, *arguments: str) -> str:
    """Run a command in a process group of its own, with a hook; return what it said."""
    repository.write(f".git/hooks/{hook}", f"#!/bin/sh\n{body}\n").chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "mlver", *arguments],
        cwd=repository.path,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        start_new_session=True,
        # A shell that starts the tests in the background has them ignore it.
        preexec_fn=_heed_interrupts,
        check=False,
    )
    assert done.returncode == 130
    return done.stderr.strip()


@pytest.fixture
def weighed(project: Repository) -> Repository:
    """A project whose weights git ignores, all committed."""
    assert_works(project, "init")
    project.write(".gitignore", "w\n")
    project.write("w", "one")
    project.commit()
    return project


def test_an_interrupted_register_leaves_nothing_behind(weighed: Repository) -> None:
    head = weighed.git("rev-parse", "HEAD")
    words = ("register", "m", "--weights", "w", "-m", "x")
    said = run_interrupted(weighed, "pre-commit", _INTERRUPT, *words)
    assert said == "interrupted"
    assert weighed.git("rev-parse", "HEAD") == head
    assert weighed.git("status", "--porcelain") == ""
    assert not (weighed.path / ".git/mlver/intent.json").exists()


def test_a_register_that_landed_is_completed_and_told(weighed: Repository) -> None:
    words = ("register", "m", "--weights", "w", "-m", "x")
    said = run_interrupted(weighed, "post-commit", f"trap '' INT; {_INTERRUPT}", *words)
    assert said == "interrupted, but `register m 1.0.0` is done"
    assert weighed.git("tag", "--list") == "m@v1.0.0"
    assert not (weighed.path / ".git/mlver/intent.json").exists()


def test_an_interrupted_rollback_puts_the_files_back(weighed: Repository) -> None:
    for text in ("one", "two"):
        weighed.write("w", text)
        bump = ("--bump", "patch") if text == "two" else ("--weights", "w")
        assert_works(weighed, "register", "m", *bump, "-m", text)
        assert_works(weighed, "promote", "m", "--to", "staging", "-m", text)
    words = ("rollback", "m", "--stage", "staging", "--checkout", "-m", "back")
    said = run_interrupted(weighed, "pre-commit", _INTERRUPT, *words)
    assert said == "interrupted"
    assert (weighed.path / "w").read_text() == "two"
    assert weighed.git("status", "--porcelain") == ""
    assert not (weighed.path / ".git/mlver/intent.json").exists()
