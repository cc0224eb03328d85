"""A stage may ask that the way back was tried, and not too long ago."""

from __future__ import annotations

import datetime

import pytest

from mlver.records import layout
from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository


@pytest.fixture
def asking(second: Repository) -> Repository:
    text = (second.path / layout.CONFIG).read_text()
    second.write(
        layout.CONFIG,
        text.replace("  production:\n", "  production:\n    requires: {drilled: 30d}\n"),
    )
    second.commit("Production asks for a drill")
    return second


def judge(repository: Repository, stage: str = "production") -> tuple[str, str]:
    words = ("promote", "digits@1.1.0", "--to", stage, "-m", "Try", "--dry-run", "--json")
    for gate in read_document(repository.mlver(*words), "promote")["gates"]:
        if gate["gate"] == "drilled 30d":
            return gate["result"], gate["actual"]
    raise AssertionError(words)


def set_days_later(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    moment += datetime.timedelta(days=days)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(moment.timestamp())))
    monkeypatch.setenv("GIT_COMMITTER_DATE", moment.isoformat())


def test_a_recorded_drill_opens_the_gate_for_a_while(
    asking: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, actual = judge(asking)
    assert (result, actual) == (
        "inconclusive",
        "no drill is recorded: try a rollback of production to 1.0.0 first",
    )
    refused = asking.mlver("promote", "digits@1.1.0", "--to", "production", "-m", "Try")
    assert "hint: mlver drill digits --stage production --to 1.0.0 --record" in refused.out
    drill = ("drill", "digits", "--stage", "production", "--to", "1.0.0")
    assert_works(asking, *drill)
    assert judge(asking)[0] == "inconclusive"
    assert_works(asking, *drill, "--record")
    assert judge(asking) == ("pass", "1.0.0 was restored 2026-01-02T03:04:05Z")
    set_days_later(monkeypatch, 30)
    assert judge(asking)[0] == "pass"
    set_days_later(monkeypatch, 31)
    assert judge(asking)[0] == "fail"


def test_a_drill_of_another_stage_does_not_count(asking: Repository) -> None:
    assert_works(asking, "promote", "digits@1.0.0", "--to", "staging", "-m", "Try")
    drill = ("drill", "digits", "--stage", "staging", "--to", "1.0.0", "--record")
    assert_works(asking, *drill)
    assert judge(asking)[0] == "inconclusive"


def test_a_plain_note_is_no_drill(asking: Repository) -> None:
    text = "drill: a rollback of production to 1.0.0 was rehearsed, 1 bytes in 1 s"
    assert_works(asking, "note", "digits@1.0.0", "-m", text)
    assert judge(asking)[0] == "inconclusive"


def test_a_stage_that_was_never_held_has_nothing_to_go_back_to(asking: Repository) -> None:
    text = (asking.path / layout.CONFIG).read_text()
    rule = "stages:\n  canary:\n    requires: {drilled: 30d}\n"
    asking.write(layout.CONFIG, text.replace("stages:\n", rule, 1))
    asking.commit("Canary")
    assert judge(asking, "canary")[0] == "pass"


def test_what_nobody_committed_opens_nothing(asking: Repository) -> None:
    drill = ("drill", "digits", "--stage", "production", "--to", "1.0.0", "--record")
    assert_works(asking, *drill)
    assert judge(asking)[0] == "pass"
    asking.git("reset", "--quiet", "--mixed", "HEAD~1")
    assert judge(asking)[0] == "inconclusive"
