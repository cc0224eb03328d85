"""What the commands that look tell of a candidate with a share of the traffic."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

_SHARE = ("rollout", "digits@1.1.0", "--to", "production")


def set_clock(clock: pytest.MonkeyPatch, time: str) -> None:
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        clock.setenv(name, time)
    seconds = json.dumps(_EPOCH + int(time[8:10]) * 86_400)
    clock.setenv("SOURCE_DATE_EPOCH", seconds)


_EPOCH = 1_772_236_800  # 2026-02-28, so that the day of March counts from there


@pytest.fixture
def shared(second: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """1.1.0 has a tenth of production since the first of March, half of it since the second."""
    set_clock(monkeypatch, "2026-03-01T00:00:00Z")
    assert_works(second, *_SHARE, "--share", "10", "-m", "a tenth")
    set_clock(monkeypatch, "2026-03-02T00:00:00Z")
    ab = ("--strategy", "ab", "--header", "X-User-Id")
    assert_works(second, *_SHARE, "--share", "50", *ab, "-m", "half")
    set_clock(monkeypatch, "2026-03-04T00:00:00Z")
    return second


def test_an_open_share_is_told_everywhere(shared: Repository) -> None:
    (stage,) = read_document(shared.mlver("stages", "--json"), "stages")["stages"]
    told = {"version": "1.1.0", "strategy": "ab", "share": 50, "header": "X-User-Id"}
    assert told.items() <= stage["rollout"].items()
    assert "1.0.0 + 1.1.0 at 50 % (ab by X-User-Id)" in assert_works(shared, "stages")
    (model,) = read_document(shared.mlver("status", "--json"), "status")["models"]
    assert model["rollouts"] == [stage["rollout"]]
    rollout_line = "rollout: 1.1.0 at 50 % (ab by X-User-Id) of production"
    assert rollout_line in shared.mlver("status").out
    shown = read_document(shared.mlver("show", "digits@1.1.0", "--json"), "show")
    assert [one["share"] for one in shown["rollouts"]] == [10, 50]
    assert shown["shares"] == [stage["rollout"]]
    text = assert_works(shared, "show", "digits@1.1.0")
    assert "has 50 % of production (ab) since 2026-03-02" in text
    other = read_document(shared.mlver("show", "digits@1.0.0", "--json"), "show")
    assert (other["rollouts"], other["shares"]) == ([], [])


def test_what_is_over_is_history(shared: Repository) -> None:
    assert_works(shared, *_SHARE, "--withdraw", "-m", "worse")
    (stage,) = read_document(shared.mlver("stages", "--json"), "stages")["stages"]
    assert stage["rollout"] is None
    (model,) = read_document(shared.mlver("status", "--json"), "status")["models"]
    assert model["rollouts"] == []
    text = assert_works(shared, "show", "digits@1.1.0")
    assert "has 50 %" not in text
    assert "withdrawn" in text


def test_the_log_has_every_move(shared: Repository) -> None:
    assert_works(shared, *_SHARE, "--share", "0", "--strategy", "canary", "-m", "worse")
    events = read_document(shared.mlver("log", "--json"), "log")["events"]
    told = [(event["event"], event["share"]) for event in events if event["share"] is not None]
    assert told == [("withdrawn", 0), ("share moved", 50), ("rolled out", 10)]
    assert all(event["commit"] for event in events)
    text = assert_works(shared, "log", "--stage", "production")
    assert "production: 50 %" in text


@pytest.mark.parametrize(
    ("at", "share"), [("2026-02-20", None), ("2026-03-01T12:00Z", 10), ("2026-03-03", 50)]
)
def test_what_share_had_which_version_that_day(
    shared: Repository, at: str, share: int | None
) -> None:
    assert_works(shared, "promote", "digits@1.1.0", "--to", "production", "-m", "better")
    log = read_document(shared.mlver("log", "--at", at, "--json"), "log")
    assert [one["share"] for one in log["shares"]] == ([] if share is None else [share])
    text = shared.mlver("log", "--at", at).out
    assert ("shared with" in text) == (share is not None)


def test_a_promotion_ends_what_the_log_tells(shared: Repository) -> None:
    assert_works(shared, "promote", "digits@1.1.0", "--to", "production", "-m", "better")
    assert read_document(shared.mlver("log", "--at", "2026-03-05", "--json"), "log")["shares"] == []


def test_one_that_cannot_be_read_hides_no_stage(shared: Repository) -> None:
    shared.write(".mlver/models/digits/rollouts/production/0002.yaml", "\x1b[31m: [\n")
    for command in ("stages", "status", "log"):
        done = shared.mlver(command)
        assert done.code in (0, 1)
        assert "rollouts/production/0002.yaml" in done.out + done.err
        assert "\x1b[31m" not in done.out + done.err
    assert shared.mlver("show", "digits@1.1.0").code == 0
