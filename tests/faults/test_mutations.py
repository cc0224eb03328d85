"""The campaigns themselves, judged: whatever safeguard is taken out, they turn red."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.faults.mutations import MUTATIONS, Mutation

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the campaigns need Linux")


@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_what_it_takes_out_is_still_there(mutation: Mutation) -> None:
    """A mutation of code that has changed would prove nothing."""
    assert (CHECKOUT / "mlver" / mutation.file).read_text().count(mutation.old) == 1


@pytest.mark.long
@pytest.mark.parametrize("mutation", MUTATIONS, ids=str)
def test_a_missing_safeguard_is_noticed(mutation: Mutation, tmp_path: Path) -> None:
    for name in ("mlver", "schemas", "tests/faults"):
        shutil.copytree(CHECKOUT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "mlver" / mutation.file
    path.write_text(path.read_text().replace(mutation.old, mutation.new))
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", f"{mutation.campaign}=150", mutation.subject],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.fspath(tmp_path), "PYTHONHASHSEED": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0, f"nothing noticed that it is gone: {mutation}"
    assert '"red": {' in done.stdout, done.stderr
