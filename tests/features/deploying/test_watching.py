"""A watch deploys what changed meanwhile, tells a failure once, and ends cleanly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from mlver.errors import UsageError
from mlver.features.deploying.watching import watch_target
from mlver.project.project import Project
from mlver.project.reporter import SilentReporter
from mlver.project.serving.deploying import DeployOptions
from tests.cli.conftest import assert_refused
from tests.conftest import Repository
from tests.features.deploying.conftest import list_records, promote, read_served


class NotedReporter(SilentReporter):
    """Keeps what a person would have been told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def show_note(self, text: str) -> None:
        self.notes.append(text)


def watch(
    repository: Repository, steps: list[Callable[[], None]], name: str = "host"
) -> tuple[list[str], list[str]]:
    """Do the steps in the pauses of a watch, then end it; what was deployed, and the notes."""
    reporter = NotedReporter()
    waiting = iter(steps)

    def pause(seconds: float) -> bool:
        assert seconds == 7
        step = next(waiting, None)
        if step is None:
            return True
        step()
        return False

    results = watch_target(
        lambda: Project.open_existing(repository.path, reporter),
        name,
        DeployOptions(),
        every=7,
        pause=pause,
    )
    return [result.roles["stable"].version for result in results], reporter.notes


def test_it_deploys_what_changed_and_nothing_else(hosted: Repository) -> None:
    steps = [lambda: None, lambda: promote(hosted, "1.1.0"), lambda: None]
    assert watch(hosted, steps) == (["1.0.0", "1.1.0"], [])
    assert list_records(hosted) == ["0001.yaml", "0002.yaml"]


def test_a_failure_is_told_once_and_tried_again(hosted: Repository) -> None:
    folder = hosted.path / "serving"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    steps = [lambda: None, (folder / "mine.txt").unlink, lambda: None]
    deployed, notes = watch(hosted, steps)
    assert deployed == ["1.0.0"]
    (note,) = notes
    assert note.endswith("it is tried again")


def test_what_no_time_makes_right_ends_it(hosted: Repository) -> None:
    with pytest.raises(UsageError):
        watch(hosted, [], "other")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(hosted: Repository, number: signal.Signals) -> None:
    words = ("deploy", "host", "--watch", "--every", "3600", "--json")
    command = [sys.executable, "-m", "mlver", "-C", os.fspath(hosted.path), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        # The document ends with a brace of its own, once the first deployment is done.
        lines = iter(watching.stdout.readline, "")
        document = ""
        for line in lines:
            document += line
            if line.startswith("}"):
                break
        assert json.loads(document)["changed"]
        watching.send_signal(number)
        assert watching.wait(timeout=20) == 0
    assert read_served(hosted.path / "serving")["version"] == "1.0.0"


def test_options_that_exclude_each_other_are_refused(hosted: Repository) -> None:
    for words in (
        ("--watch", "--check"),
        ("--watch", "--dry-run"),
        ("--watch", "--every", "0"),
        ("--at", "today", "--check"),
        ("--reload", ""),
        ("--reload", "'"),
        ("--at", "some day"),
    ):
        assert_refused(hosted, "deploy", "host", *words, code=2)
