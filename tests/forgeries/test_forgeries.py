"""Every kind of forgery, however it arrives, is named in a fresh clone and refused by the hooks.

The forger may push to main, and may make tags; moves and deletes none.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlver.features.hooks.push import judge_pre_receive
from tests.conftest import CHECKOUT, Repository
from tests.copies import copy_folder
from tests.faults.sampling import read_turn
from tests.forgeries.arrivals import (
    ARRIVALS,
    HEAD,
    ORDINARY_ARRIVALS,
    bring_forgery,
    choose_arrivals,
    read_trees,
)
from tests.forgeries.claims import list_every_forgery, list_placeholders
from tests.forgeries.ground import STORE, Ground, build_ground
from tests.forgeries.kinds import Forgery

UNCONFIRMED = "other author"
_ABSENT = "0" * 40
_TURN = read_turn(CHECKOUT)


@dataclass(frozen=True, slots=True)
class CaseVerdict:
    """What each judge answered about one forgery, by exit code; `report` is what verify said."""

    verify: int
    strict: int
    audit: int
    check: int
    receive: int
    report: Mapping[str, Any]

    def names(self, subject: str) -> bool:
        """Say whether the report names a record, by its path or by its stage's folder."""
        findings = [*self.report["broken"], *self.report["unconfirmed"]]
        words = json.dumps(findings)
        # A chain with a gap is named by its stage's folder.
        folder = subject.rpartition("/")[0]
        place = subject.removeprefix(".mlver/models/").removesuffix(".yaml").split("/")
        spoken = f"{place[0]} {place[2]}"
        return folder in words or spoken in words


@dataclass(frozen=True, slots=True)
class ForgeryJudge:
    """Brings each forgery to a copy of the remote, and asks everybody who judges.

    `references` are those of the remote before.
    """

    ground: Ground
    references: Set[str]
    trees: Mapping[str, Mapping[str, bytes]]
    top: Path

    def judge_forgery(self, forgery: Forgery, arrival: str, *, alone: int = 0) -> CaseVerdict:
        """Judge a forgery; so many of its first commits came in pushes of their own."""
        remote = Repository(self.top / "remote.git")
        copy_folder(self.ground.remote.path, remote.path)
        bring_forgery(remote, self.ground, self.trees, forgery, arrival)
        clone = Repository(self.top / "clone")
        self.ground.repository.git("clone", "--quiet", str(remote.path), str(clone.path))
        copy_folder(self.ground.repository.path / STORE, clone.path / STORE)
        base = self.ground.tip
        if alone:
            line = remote.git("rev-list", "--first-parent", "--reverse", f"{base}..{HEAD}")
            base = line.split()[alone - 1]
        verdict = self._ask_everybody(clone, remote, base)
        shutil.rmtree(clone.path)
        shutil.rmtree(remote.path)
        return verdict

    def _ask_everybody(self, clone: Repository, remote: Repository, base: str) -> CaseVerdict:
        verified = clone.mlver("verify", "--all", "--json")
        strict = verified.code
        if strict == 0:
            strict = clone.mlver("verify", "--all", "--strict", "--json").code
        audited = clone.mlver("audit", "--strict", "--json")
        checked = clone.mlver("hook", "check", "--from", base, "--to", "HEAD")
        received = judge_pre_receive(remote.path, self._take_back(remote, base))
        report = json.loads(verified.out)
        return CaseVerdict(
            verified.code, strict, audited.code, checked.code, received.exit_code, report
        )

    def _take_back(self, remote: Repository, base: str) -> list[str]:
        """Take the forger's last push back, and say it as git tells a pre-receive hook."""
        references = _list_references(remote)
        lines = [f"{base} {references[HEAD]} {HEAD}"]
        orders = [f"update {HEAD} {base}"]
        for reference in sorted(references.keys() - self.references):
            orders.append(f"delete {reference}")
            if reference.startswith("refs/tags/"):
                lines.append(f"{_ABSENT} {references[reference]} {reference}")
        subprocess.run(
            ["git", "update-ref", "--stdin"],
            cwd=remote.path,
            input="\n".join([*orders, ""]).encode(),
            check=True,
        )
        return lines


def _list_references(repository: Repository) -> dict[str, str]:
    """What each reference points at."""
    listing = repository.git("for-each-ref", "--format=%(refname) %(objectname)")
    return dict(line.rsplit(" ", 1) for line in listing.splitlines())


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return build_ground(tmp_path_factory.mktemp("forgeries"))


@pytest.fixture
def judge(ground: Ground, tmp_path: Path) -> ForgeryJudge:
    known = _list_references(ground.remote).keys()
    return ForgeryJudge(ground, known, read_trees(ground), tmp_path)


def test_the_ground_is_sound(ground: Ground) -> None:
    done = ground.repository.mlver("verify", "--all", "--strict")
    assert done.code == 0, done


def test_there_are_enough_cases(ground: Ground) -> None:
    forgeries = list(list_every_forgery(ground))
    names = [forgery.case_name for forgery in forgeries]
    assert len(set(names)) == len(names)
    assert len(names) * ORDINARY_ARRIVALS >= 200


@pytest.mark.parametrize("number", range(len(ARRIVALS)))
def test_each_forgery_arrives_in_every_way_in_time(number: int) -> None:
    chosen = [choose_arrivals(number, turn) for turn in range(len(ARRIVALS))]
    assert [len(arrivals) for arrivals in chosen] == [ORDINARY_ARRIVALS] * len(ARRIVALS)
    assert set().union(*chosen) == set(ARRIVALS)


@pytest.mark.parametrize("turn", range(len(ARRIVALS)))
def test_three_forgeries_of_a_kind_arrive_in_every_way_at_once(turn: int) -> None:
    chosen = [choose_arrivals(number, turn) for number in range(3)]
    assert set().union(*chosen) == set(ARRIVALS)


@pytest.mark.parametrize("arrival", ARRIVALS)
def test_no_forgery_is_believed(
    judge: ForgeryJudge, arrival: str, pytestconfig: pytest.Config
) -> None:
    every = pytestconfig.getoption("--long")
    missed: list[str] = []
    for number, forgery in enumerate(list_every_forgery(judge.ground)):
        if not every and arrival not in choose_arrivals(number, _TURN):
            continue
        verdict = judge.judge_forgery(forgery, arrival)
        unconfirmed = forgery.kind == UNCONFIRMED
        if verdict.verify != int(not unconfirmed) or not verdict.names(forgery.subject):
            missed.append(f"{forgery.case_name}: verify {verdict.verify}")
        if verdict.strict != 1:
            missed.append(f"{forgery.case_name}: verify --strict {verdict.strict}")
        if verdict.audit != 1:
            missed.append(f"{forgery.case_name}: audit --strict {verdict.audit}")
        if verdict.check != 1:
            missed.append(f"{forgery.case_name}: hook check {verdict.check}")
        if verdict.receive != 1:
            missed.append(f"{forgery.case_name}: pre-receive {verdict.receive}")
    assert missed == []


def test_a_rule_that_was_removed_in_a_push_of_its_own_is_remembered(judge: ForgeryJudge) -> None:
    missed: list[str] = []
    for forgery in list_every_forgery(judge.ground):
        if forgery.kind != "rule removed and restored" or forgery.naming:
            continue
        verdict = judge.judge_forgery(forgery, "fast-forward", alone=1)
        if (verdict.verify, verdict.check, verdict.receive) != (1, 1, 1):
            missed.append(forgery.case_name)
    assert missed == []


@pytest.mark.parametrize("alone", [0, 2])
def test_a_record_that_nobody_can_read_keeps_no_number_free(
    judge: ForgeryJudge, alone: int
) -> None:
    missed: list[str] = []
    for forgery in list_placeholders(judge.ground):
        verdict = judge.judge_forgery(forgery, "fast-forward", alone=alone)
        if (verdict.verify, verdict.check, verdict.receive) != (1, 1, 1):
            missed.append(f"{forgery.name}: {verdict}")
        kinds = {(one["kind"], one["subject"]) for one in verdict.report["broken"]}
        if ("policy", forgery.subject) not in kinds:
            missed.append(f"{forgery.name}: no outdated rule, but {kinds}")
    assert missed == []
