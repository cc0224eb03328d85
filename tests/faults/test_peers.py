"""What other tools lose at the same faults, measured: the table of the README comes from here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.faults import peers, power
from tests.programs import install_packages

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        bool(power.why_no_power_cut()), reason=f"NO PEER WAS MEASURED: {power.why_no_power_cut()}"
    ),
]


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with git-lfs and DVC on it; where they are missing they are installed if possible."""
    if shutil.which("git-lfs") is None and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-qq", "git-lfs"], capture_output=True, check=False)
    if shutil.which("dvc"):
        return os.environ["PATH"]
    own = tmp_path_factory.mktemp("dvc")
    install_packages(own / "environment", "adopting")
    (own / "bin").mkdir()
    (own / "bin/dvc").symlink_to(own / "environment/bin/dvc")
    return f"{own / 'bin'}:{os.environ['PATH']}"


def test_what_others_lose(tools: str, capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.peers", "3"],
        cwd=CHECKOUT,
        env={**os.environ, "PATH": tools, "PYTHONPATH": os.fspath(CHECKOUT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    with capsys.disabled():
        sys.stdout.write(f"\n{done.stdout}")
    (ours,) = [line for line in done.stdout.splitlines() if line.startswith("| mlver")]
    cells = [cell.strip() for cell in ours.split("|")[2:-1]]
    assert cells[-3:-1] == ["refused", "named"]
    assert all(cell.startswith("0 of ") and cell != "0 of 0" for cell in (*cells[:-3], cells[-1]))


def test_every_peer_is_measured_or_named() -> None:
    assert len({peer.name for peer in peers.PEERS}) == len(peers.PEERS)
    assert Path(peers.CHECKOUT) == CHECKOUT
