"""Shares of a stage's traffic, from the command line."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from mlver.project.project import Project
from mlver.project.remote.series import read_series
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.faults.hostile import check_outcome

CANDIDATE = ("rollout", "digits@1.1.0", "--to", "production", "-m", "try it")


def roll_out(repository: Repository, *options: str) -> dict[str, Any]:
    document: dict[str, Any] = read_document(
        repository.mlver(*CANDIDATE, *options, "--json"), "rollout"
    )
    return document


def set_rule(repository: Repository, rule: str) -> None:
    path = repository.path / ".mlver/config.yaml"
    path.write_text(path.read_text().replace("  production:\n", f"  production:\n{rule}"))
    repository.git("commit", "--quiet", "-am", "Ask for more")


def test_a_share_is_recorded_with_what_let_it_in(second: Repository) -> None:
    told = roll_out(second, "--share", "10")
    assert (told["outcome"], told["share"], told["baseline"]) == ("opened", 10, "1.0.0")
    assert {gate["gate"] for gate in told["gates"]} == {"sealed", "verified bytes"}
    record = (second.path / told["path"]).read_text()
    assert "strategy: canary\nshare: 10\n" in record
    assert 'baseline:\n  version: "1.0.0"\n' in record
    assert "policy:\n  commit: " in record
    assert second.git("log", "-1", "--format=%H").strip() == told["commit"]
    assert_works(second, "verify", "--all")


def test_each_move_follows_the_one_before(second: Repository) -> None:
    roll_out(second, "--strategy", "shadow")
    moved = roll_out(second, "--strategy", "ab", "--share", "12.5", "--header", "X-User-Id")
    assert (moved["outcome"], moved["previous"], moved["header"]) == ("moved", 0, "X-User-Id")
    kept = roll_out(second, "--share", "50")
    assert (kept["strategy"], kept["header"], kept["sequence"]) == ("ab", "X-User-Id", 3)
    assert roll_out(second, "--share", "50")["outcome"] == "already"
    ended = roll_out(second, "--share", "0")
    assert (ended["outcome"], ended["sequence"]) == ("withdrawn", 4)
    assert roll_out(second, "--withdraw")["outcome"] == "already"
    assert_works(second, "verify", "--all")


def test_what_has_no_share_asks_no_gate(second: Repository) -> None:
    set_rule(second, "    after: [staging]\n")
    assert roll_out(second, "--strategy", "shadow")["gates"] == []
    assert roll_out(second, "--strategy", "blue-green", "--share", "0")["outcome"] == "moved"
    done = second.mlver(*CANDIDATE, "--share", "100")
    assert done.code == 1
    assert "may not have a share of production" in done.out
    assert roll_out(second, "--share", "100", "--force")["forced"]
    assert_works(second, "verify", "--all")


def test_a_verdict_comes_only_from_use(second: Repository) -> None:
    set_rule(second, "    requires: {verdict: pass}\n")
    assert roll_out(second, "--share", "5")["outcome"] == "opened"
    promote = ("promote", "digits@1.1.0", "--to", "production", "-m", "good")
    done = second.mlver(*promote)
    assert done.code == 1
    assert "inconclusive  verdict pass" in done.out
    assert_works(second, *promote, "--force")
    assert_works(second, "verify", "--all")


def test_the_promotion_of_the_candidate_closes_it(second: Repository) -> None:
    path = roll_out(second, "--share", "5")["path"]
    assert_works(second, "promote", "digits@1.1.0", "--to", "production", "-m", "good")
    record = (second.path / ".mlver/models/digits/stages/production/0002.yaml").read_text()
    digest = sha256((second.path / path).read_bytes()).hexdigest()
    assert f'rollout: "sha256:{digest}"\n' in record
    assert_refused(second, *CANDIDATE, "--share", "5")
    assert_refused(second, *CANDIDATE, "--withdraw")
    assert_works(second, "verify", "--all")


def test_another_holder_ends_it(second: Repository) -> None:
    roll_out(second, "--share", "5")
    assert_works(second, "register", "digits", "--version", "2.0.0", "-m", "Third", "--allow-mixed")
    done = second.mlver("promote", "digits@2.0.0", "--to", "production", "-m", "urgent")
    assert done.code == 0
    assert "this ends the rollout of digits 1.1.0, which had 5 % of production" in done.err
    assert roll_out(second, "--share", "5")["baseline"] == "2.0.0"
    assert_works(second, "verify", "--all")


def test_a_rollback_withdraws_the_candidate_and_no_more(second: Repository) -> None:
    roll_out(second, "--share", "5")
    back = ("rollback", "digits", "--stage", "production", "-m", "errors")
    assert_refused(second, *back, "--checkout", code=2)
    told = read_document(second.mlver(*back, "--if-holds", "1.1.0", "--json"), "rollback")
    assert (told["changed"], told["version"], told["withdrawn"]) == (True, "1.0.0", "1.1.0")
    assert told["sequence"] is None
    again = read_document(second.mlver(*back, "--if-holds", "1.1.0", "--json"), "rollback")
    assert not again["changed"]
    assert_works(second, "verify", "--all")


def test_evidence_against_a_candidate_counts_once(second: Repository) -> None:
    second.write("log", "errors\n")
    back = ("rollback", "digits", "--stage", "production", "-m", "errors", "--because", "log")
    roll_out(second, "--share", "5")
    assert_works(second, *back, "--if-holds", "1.1.0")
    roll_out(second, "--share", "5")
    told = assert_works(second, *back, "--if-holds", "1.1.0")
    assert "acted on already: see the rollout production/0002\n" in told


def test_a_rollback_to_a_version_moves_the_stage_and_ends_it(second: Repository) -> None:
    assert_works(second, "promote", "digits@1.1.0", "--to", "production", "-m", "better")
    assert_works(second, "register", "digits", "--version", "2.0.0", "-m", "Third", "--allow-mixed")
    third = ("rollout", "digits@2.0.0", "--to", "production", "--share", "5", "-m", "try it")
    assert_works(second, *third)
    back = ("rollback", "digits", "--stage", "production", "--to", "1.0.0", "-m", "both", "--json")
    told = read_document(second.mlver(*back), "rollback")
    assert (told["version"], told["withdrawn"]) == ("1.0.0", "2.0.0")
    assert_works(second, "verify", "--all")


def test_what_cannot_be_is_refused(second: Repository) -> None:
    for options in (
        (),
        ("--share", "101"),
        ("--share", "-1"),
        ("--share", "nan"),
        ("--share", "5", "--strategy", "shadow"),
        ("--share", "5", "--strategy", "blue-green"),
        ("--share", "5", "--strategy", "ab"),
        ("--share", "5", "--header", "X-User-Id"),
        ("--share", "5", "--strategy", "ab", "--header", "X: y"),
        ("--withdraw", "--share", "5"),
    ):
        assert_refused(second, *CANDIDATE, *options, code=2)
    holder = ("rollout", "digits@1.0.0", "--to", "production", "--share", "5", "-m", "why not")
    assert "holds production already" in assert_refused(second, *holder)
    assert "no version of digits holds staging" in assert_refused(
        second, "rollout", "digits@1.1.0", "--to", "staging", "--share", "5", "-m", "try"
    )
    assert_refused(second, *CANDIDATE[:2], "--to", "nowhere", "--share", "5", "-m", "x", code=2)
    assert_works(second, "retire", "digits@1.1.0", "-m", "wrong data")
    assert "is retired" in assert_refused(second, *CANDIDATE, "--share", "5")


def test_a_stage_has_one_rollout(second: Repository) -> None:
    roll_out(second, "--share", "5")
    assert_works(second, "register", "digits", "--version", "2.0.0", "-m", "Third", "--allow-mixed")
    other = ("rollout", "digits@2.0.0", "--to", "production", "--share", "5", "-m", "me too")
    told = assert_refused(second, *other)
    assert "a stage has one rollout at a time" in told
    assert "mlver rollout digits@1.1.0 --to production --withdraw -m WHY" in told


@pytest.mark.parametrize("option", ["--share=5", "--withdraw"])
def test_a_dry_run_writes_nothing(second: Repository, option: str) -> None:
    if option == "--withdraw":
        roll_out(second, "--share", "5")
    head = second.git("rev-parse", "HEAD")
    assert roll_out(second, option, "--dry-run")["commit"] is None
    assert second.git("rev-parse", "HEAD") == head
    assert second.git("status", "--porcelain", ".mlver") == ""


def test_who_retires_a_candidate_is_told_of_its_share(second: Repository) -> None:
    roll_out(second, "--share", "5")
    done = second.mlver("retire", "digits@1.1.0", "-m", "wrong data")
    assert done.code == 0
    assert "it has a share of production still (5 %): mlver rollout digits@1.1.0" in done.err
    assert_refused(second, *CANDIDATE, "--share", "10")
    assert roll_out(second, "--withdraw")["outcome"] == "withdrawn"


def test_the_files_of_a_candidate_stay_whole(second: Repository) -> None:
    """They are the second of a series, which gc would keep in parts otherwise."""
    project = Project.open_existing(second.path)

    def list_parted() -> list[str]:
        return [file.digest for file in read_series(project) if file.parent and not file.is_whole]

    assert list_parted()
    roll_out(second, "--share", "5")
    assert list_parted() == []


def test_a_record_that_git_has_and_the_work_tree_lacks_is_missed(second: Repository) -> None:
    path = roll_out(second, "--share", "5")["path"]
    (second.path / path).unlink()
    assert "is not what HEAD has there" in assert_refused(second, *CANDIDATE, "--share", "50")


_HOSTILE = {
    "brackets": "[" * 100_000,
    "object": "!!python/object/apply:os.system ['false']\n",
    "control": 'schema: "\\e[2J"\nx\x1b[2J: 1\n',
    "newer": "schema: mlver/rollout/2\n",
    "other": "schema: mlver/note/1\n",
    "empty": "",
}


@pytest.mark.parametrize("name", _HOSTILE)
def test_a_hostile_record_stops_no_rollback(second: Repository, name: str) -> None:
    assert_works(second, "promote", "digits@1.1.0", "--to", "production", "-m", "better")
    second.write(".mlver/models/digits/rollouts/production/0001.yaml", _HOSTILE[name])
    second.commit("docs")
    for argv in (
        (*CANDIDATE, "--share", "5"),
        ("stages",),
        ("show", "digits@1.1.0"),
        ("log", "--at", "today"),
        ("verify", "--all"),
        ("hook", "check", "--from", "HEAD~1", "--to", "HEAD"),
        ("retire", "digits@1.1.0", "-m", "wrong", "--dry-run"),
    ):
        check_outcome(second.mlver(*argv))
    assert second.mlver("verify", "--all").code == 1
    done = second.mlver("rollback", "digits", "--stage", "production", "-m", "errors")
    check_outcome(done, 0)
    assert "passed over the rollouts to production" in done.err
