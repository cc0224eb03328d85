"""One writer at a time, and whoever waits is told for whom."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.project.project import Project
from mlver.project.transaction import editing
from mlver.system import lock
from tests.conftest import CHECKOUT, Repository
from tests.project.helpers import initialise_project

HOLD = """
import sys
from pathlib import Path
from mlver.system import lock
sys.argv = ["mlver", "register", "digits"]
with lock.hold_lock(Path({directory!r})):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def other(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until the block ends."""
    program = HOLD.format(directory=str(directory))
    with subprocess.Popen(
        [sys.executable, "-B", "-c", program],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_holder_is_named_and_nobody_waits_who_will_not(tmp_path: Path) -> None:
    with other(tmp_path) as holder:
        began = time.monotonic()
        with (
            pytest.raises(
                MlverError, match=rf"process {holder.pid} \(mlver register digits\)"
            ) as refused,
            lock.hold_lock(tmp_path, wait=0),
        ):
            pytest.fail("two hold it")
        assert time.monotonic() - began < 5
        assert "waited 0 s" in refused.value.message
        assert "--wait" in (refused.value.hint or "")


def test_a_killed_holder_leaves_nothing_to_clear(tmp_path: Path) -> None:
    with other(tmp_path) as holder:
        holder.kill()
        holder.wait()
        with lock.hold_lock(tmp_path, wait=0):
            pass


def test_whoever_waits_gets_it(tmp_path: Path) -> None:
    with other(tmp_path) as holder:
        assert holder.stdin is not None
        holder.stdin.close()
        with lock.hold_lock(tmp_path, wait=30):
            pass


def test_it_is_let_go_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lock.hold_lock(tmp_path, wait=0):
        raise ZeroDivisionError
    with lock.hold_lock(tmp_path, wait=0):
        pass


def test_without_its_directory_the_path_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(
            MlverError,
            match=r"locking the repository failed: No such file or directory: .*nowhere/lock",
        ),
        lock.hold_lock(tmp_path / "nowhere", wait=0),
    ):
        pytest.fail("held")


def test_work_trees_share_one_lock(repository: Repository, tmp_path: Path) -> None:
    project = initialise_project(repository)
    repository.commit()
    repository.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "linked"))
    linked = replace(Project.open_existing(tmp_path / "linked"), wait=0)
    with (
        editing(project, "here"),
        pytest.raises(MlverError, match="another mlver is writing here"),
        editing(linked, "there"),
    ):
        pytest.fail("two are writing")
