"""The example of gates: a real model, real sentences, and a gate that shuts for a real reason."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A Python with scikit-learn, and mlver beside it."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    install = ("-m", "pip", "install", "--quiet", "scikit-learn>=1.4")
    subprocess.run([environment / "bin/python", *install], check=True)
    program = environment / "bin/mlver"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={CHECKOUT} exec "{sys.executable}" -m mlver "$@"\n')
    program.chmod(0o755)
    return environment / "bin"


@pytest.mark.long
def test_a_gate_opens_on_one_set_and_shuts_on_another(programs: Path) -> None:
    done = subprocess.run(
        ["bash", CHECKOUT / "examples/gates/run.sh"],
        env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    told = done.stdout.decode()
    assert done.returncode == 0, told
    refused = told[
        told.index("sentiment@1.1.0 --to production") : told.index("One that learned both")
    ]
    assert "pass  metric accuracy on reviews, min" in refused
    assert "fail  metric accuracy on tweets, max_drop" in refused
    assert "Promoted sentiment 1.2.0 to production (was 1.0.0)" in told
    assert "All is well" in told
