"""The forgeries that other tools are given come as they say, and what a tool says is heard."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.forgeries.peers import of_dvc, of_gto, of_mlflow
from tests.forgeries.peers.git_ground import ARRIVALS, GitGround, bring_forgery, list_arrivals
from tests.forgeries.peers.judging import (
    CaseOutcome,
    CommandResult,
    ToolCommand,
    ToolReport,
    is_believed,
    list_noticing,
)
from tests.forgeries.peers.tables import KINDS, format_table

LOCK = """\
stages:
  train:
    outs:
    - path: metrics.json
      hash: md5
      md5: 23a83a594bb746e174c0e9a92ff85ef1
      size: 18
    - path: model.bin
      hash: md5
      md5: 75f411f97546e4dbfedabae4b13a05c5
      size: 808
"""


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> GitGround:
    return of_gto.build_ground(tmp_path_factory.mktemp("gto"), dict(os.environ))


def test_every_kind_is_played_or_its_absence_is_explained(
    ground: GitGround, tmp_path: Path
) -> None:
    ground.git(tmp_path, "init", "--quiet")
    (tmp_path / "dvc.lock").write_text(LOCK)
    ground.git(tmp_path, "add", "--all")
    ground.git(tmp_path, "commit", "--quiet", "-m", "Lock")
    locked = GitGround(tmp_path, {}, dict(os.environ))
    played = {
        "gto": ({forgery.kind for forgery in of_gto.list_forgeries(ground)}, of_gto.ABSENT),
        "dvc": ({forgery.kind for forgery in of_dvc.list_forgeries(locked)}, of_dvc.ABSENT),
        "mlflow": ({forgery.kind for forgery in of_mlflow.list_forgeries()}, of_mlflow.ABSENT),
    }
    for name, (kinds, absent) in played.items():
        assert sorted([*kinds, *absent]) == sorted(KINDS), name


@pytest.mark.parametrize("arrival", ARRIVALS)
def test_main_moves_forward_only_and_ends_in_the_forged_files(
    ground: GitGround, tmp_path: Path, arrival: str
) -> None:
    forgery = next(iter(of_gto.list_forgeries(ground)))
    remote = tmp_path / "remote.git"
    ground.git(tmp_path, "clone", "--quiet", "--bare", str(ground.remote), str(remote))
    assert bring_forgery(ground, remote, tmp_path / "forger", forgery, arrival) == []
    tip = ground.points["tip"]
    first_line = ground.git(remote, "rev-list", "--first-parent", "main").split()
    assert tip in ground.git(remote, "rev-list", "main").split()
    assert (tip in first_line) == (arrival != ARRIVALS[2])
    for name, data in forgery.steps[0].items():
        assert data is not None
        assert ground.git(remote, "show", f"main:{name}") == data.decode().strip()


def test_a_tag_that_is_there_has_to_be_forced(ground: GitGround, tmp_path: Path) -> None:
    (forgery,) = [
        forgery for forgery in of_gto.list_forgeries(ground) if forgery.kind == "reordered"
    ]
    (arrival,) = list_arrivals(ground, forgery)
    remote = tmp_path / "remote.git"
    ground.git(tmp_path, "clone", "--quiet", "--mirror", str(ground.remote), str(remote))
    assert arrival == "tag moved by force"
    assert bring_forgery(ground, remote, tmp_path / "forger", forgery, arrival) == [
        "`git push` (until forced)"
    ]


def test_each_registry_forgery_comes_in_one_way() -> None:
    for forgery in of_mlflow.list_forgeries():
        ways = [way for way in (forgery.statements, forgery.call, forgery.files) if way]
        assert len(ways) == 1, forgery.forged


def test_a_new_complaint_or_a_new_failure_is_heard() -> None:
    check = ToolCommand("tool check", ("tool", "check"))
    answer = ToolCommand("tool show", ("tool", "show"), check=False)
    honest = [CommandResult(check, 0, "warning: old\n", ""), CommandResult(answer, 0, "1\n", "")]
    same = [CommandResult(check, 0, "warning: old\n", ""), CommandResult(answer, 0, "1\n", "")]
    louder = [CommandResult(check, 0, "modified: x\n", ""), CommandResult(answer, 0, "2\n", "")]
    failing = [CommandResult(check, 0, "", ""), CommandResult(answer, 1, "", "")]
    assert (list_noticing(honest, same), is_believed(honest, same)) == ([], False)
    assert (list_noticing(honest, louder), is_believed(honest, louder)) == (["`tool check`"], True)
    assert list_noticing(honest, failing) == ["`tool show`"]


def test_the_table_tells_what_was_noticed_from_what_was_not() -> None:
    outcomes = [
        CaseOutcome(kind="edited", forged="a", arrival="x", noticed=["`tool check`"]),
        CaseOutcome(kind="edited", forged="b", arrival="x", believed=True),
        CaseOutcome(kind="edited", forged="b", arrival="y", believed=True),
        CaseOutcome(kind="edited", forged="c", arrival="x"),
    ]
    absent = dict.fromkeys(KINDS[1:], "it has none")
    lines = list(format_table([ToolReport("T", "1.0", "for tests", outcomes, absent)]))
    assert lines[3] == (
        "| edited | **noticed by `tool check`**: a<br>**not noticed**: b<br>**without effect**: c |"
    )
    assert lines[4] == "| inserted | does not apply: it has none |"


@pytest.mark.long
def test_what_other_tools_notice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.forgeries.peers", os.fspath(tmp_path)],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": os.fspath(CHECKOUT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    with capsys.disabled():
        sys.stdout.write(f"\n{done.stdout}")
    (line,) = [
        line
        for line in done.stdout.splitlines()
        if line.startswith("| DVC | edited | metrics.json | fast-forward |")
    ]
    assert "noticed by `dvc status`" in line
