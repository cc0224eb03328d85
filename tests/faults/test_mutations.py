"""The campaigns themselves, judged: whatever safeguard is taken out, they turn red."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.faults.mutate import Mutation
from tests.faults.mutations import MUTATIONS
from tests.servers.install import CACHE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the campaigns need Linux")

_SETTINGS = {"PYTHONHASHSEED": "0", "MLVER_TESTS_CACHE": os.fspath(CACHE)}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_what_it_takes_out_is_still_there(mutation: Mutation) -> None:
    """A mutation of code that has changed, or one that leaves no program, would prove nothing."""
    path = mutation.find_file(CHECKOUT / "mlver")
    source = path.read_text()
    changed = ast.parse(mutation.change_source(source))
    assert ast.dump(changed) != ast.dump(ast.parse(source))
    compile(changed, path, "exec")


# The first mutation of each of these subjects is tried in every run.
_QUICK = ("promote", "checkout", "object")


@pytest.mark.parametrize("subject", _QUICK)
def test_a_campaign_can_turn_red(subject: str, tmp_path: Path) -> None:
    notice(next(mutation for mutation in MUTATIONS if mutation.subject == subject), tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_a_missing_safeguard_is_noticed(mutation: Mutation, tmp_path: Path) -> None:
    notice(mutation, tmp_path)


def notice(mutation: Mutation, copy: Path) -> None:
    """Fail unless the mutation's campaign turns red, at a point that is green without it."""
    tests = "tests" if mutation.campaign == "tests" else "tests/faults"
    for name in ("mlver", "schemas", tests):
        # compiled files go along, but for those that a process is just writing
        shutil.copytree(CHECKOUT / name, copy / name, ignore=shutil.ignore_patterns("*.pyc.*"))
    path = mutation.find_file(copy / "mlver")
    path.write_text(mutation.change_source(path.read_text()))
    if mutation.campaign == "tests":
        shutil.copy(CHECKOUT / "pyproject.toml", copy)
        # the servers that some tests start are installed by these
        shutil.copytree(CHECKOUT / "locks", copy / "locks")
        command = ["pytest", "-qx", "-p", "no:cacheprovider", mutation.subject]
    else:
        # All points, from the last one on: a sample may leave out the few that tell.
        command = ["tests.faults", "--first", mutation.campaign, mutation.subject]
    environment = {**os.environ, **_SETTINGS, "PYTHONPATH": os.fspath(copy)}
    # It would look for servers beside the folders of all runs of tests.
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=copy,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, (
        f"nothing noticed that it is gone: {mutation}\n{done.stdout[-2000:]}{done.stderr}"
    )
    # and not because it could not even begin
    assert re.search(r'"red": {|\d (failed|error)', done.stdout), done.stdout + done.stderr
