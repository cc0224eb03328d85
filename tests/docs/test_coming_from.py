"""The commands of docs/coming-from.md, run beside the real GTO and DVC, which take a minute to
install.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT, Repository
from tests.programs import install_packages

PAGE = (CHECKOUT / "docs/coming-from.md").read_text()
BLOCK = re.compile(r"(?<=^```sh\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)


class Workplace:
    """A repository in which GTO, DVC and mlver are run as a person types them."""

    def __init__(self, repository: Repository, programs: Path) -> None:
        self.repository = repository
        place = repository.path.parent / "bin"
        place.mkdir()
        mlver = place / "mlver"
        mlver.write_text(f'#!/bin/sh\nPYTHONPATH={CHECKOUT} exec {sys.executable} -m mlver "$@"\n')
        mlver.chmod(0o755)
        self._environment = dict(os.environ)
        # GTO's own git cannot read the first; what the tools make is of today
        for name in ("GIT_COMMITTER_DATE", "GIT_AUTHOR_DATE", "SOURCE_DATE_EPOCH"):
            self._environment.pop(name, None)
        self._environment["PATH"] = f"{place}:{programs}:{os.environ['PATH']}"
        self._environment["DVC_NO_ANALYTICS"] = "1"

    def run(self, script: str) -> str:
        done = subprocess.run(
            ["bash", "-euc", script],
            cwd=self.repository.path,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture
def workplace(repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    folder = tmp_path_factory.mktemp("tools") / "venv"
    return Workplace(repository, install_packages(folder, "adopting"))


def read_blocks(heading: str) -> str:
    """The commands below a heading of the page."""
    _, _, rest = PAGE.partition(f"\n## {heading}\n")
    section, _, _ = rest.partition("\n## ")
    return "".join(BLOCK.findall(section))


@pytest.mark.long
def test_a_team_comes_from_gto(workplace: Workplace) -> None:
    workplace.repository.write("models/churn.bin", "weights")
    workplace.repository.commit("Training")
    workplace.run("gto register churn --version v1.0.0; gto assign churn --stage prod")
    shown = workplace.run(read_blocks("From GTO"))
    assert re.search(r"^churn  prod +1\.0\.0 ", shown, re.MULTILINE)
    workplace.repository.write("models/churn.bin", "better weights")
    workplace.repository.commit("Training")
    workplace.run("mlver register churn --bump minor -m Better")
    workplace.run("mlver promote churn@1.1.0 --to prod -m Better")
    assert json.loads(workplace.run("gto show --json"))["churn"]["stage"] == {"prod": "v1.1.0"}
    workplace.run("mlver rollback churn --stage prod -m Latency")
    assert json.loads(workplace.run("gto show --json"))["churn"]["stage"] == {"prod": "v1.0.0"}
    workplace.run("mlver verify --all")


@pytest.mark.long
def test_a_team_leaves_dvc(workplace: Workplace) -> None:
    workplace.run("dvc init --quiet && git commit -qm 'Set up DVC'")
    for number in (1, 2):
        workplace.repository.write("models/m.pkl", f"weights {number}")
        workplace.repository.write("data/a.csv", f"row {number}")
        workplace.run("dvc add --quiet models/m.pkl data && git add -A && git commit -qm Training")
        workplace.run(f"git tag -a v{number}.0.0 -m 'Training {number}'")
    workplace.run(read_blocks("From DVC"))
    assert workplace.run("git status --short") == ""
    record = json.loads(workplace.run("mlver show digits@2.1.0 --json"))["record"]
    assert (record["weights"]["stored"], record["data"]["train"]["stored"]) == (True, True)
    # DVC has nothing to say of these files any more, and its cache still serves what was adopted
    assert "no data or pipelines" in workplace.run("dvc status")
    workplace.run("mlver checkout digits@1.0.0")
    assert (workplace.repository.path / "models/m.pkl").read_text() == "weights 1"
    # what mlver keeps needs DVC no more
    workplace.run("mv .dvc/cache away && mlver checkout digits@2.1.0 && mlver verify digits@2.1.0")
    assert (workplace.repository.path / "models/m.pkl").read_text() == "weights 2"
