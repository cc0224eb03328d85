"""Which events a verdict counts: of several logs, after a warm-up, in pairs; and its end."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from mlver.document import codec
from mlver.project.project import Project
from mlver.project.registry.attached import VERDICTS
from mlver.records import layout
from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.monitoring.prediction_logs import make_event, write_log

RECORD = layout.verdict_path("digits", "production", 1)
JUDGE = ("judge", "digits", "--stage", "production")


def judge(repository: Repository, *options: str) -> dict[str, Any]:
    done = repository.mlver(*JUDGE, *options, "--json")
    document: dict[str, Any] = read_document(done, "judge")
    assert done.code == {"pass": 0, "fail": 1, "inconclusive": 4}[document["answer"]]
    return document


def set_verdict(repository: Repository, name: str, value: str) -> None:
    assert_works(repository, "config", "set", f"verdict.{name}", value)
    repository.commit(f"Say {name}")


def write_events(repository: Repository, name: str, events: list[dict[str, Any]]) -> None:
    repository.write(name, "".join(json.dumps(event) + "\n" for event in events))


def test_several_logs_count_as_if_they_were_one(serving: Repository) -> None:
    log = write_log(420, bad=1)
    serving.write("log.jsonl", log)
    whole = judge(serving, "--predictions", "log.jsonl", "--dry-run")
    lines = log.splitlines(keepends=True)
    serving.write("logs/a.jsonl", "".join(lines[::3]))
    serving.write("logs/b.jsonl", "".join(lines[1::3]))
    serving.write("more/c.jsonl", "".join(lines[2::3]))
    for words in (["logs", "more/c.jsonl"], ["*o*/?.jsonl"]):
        options = [word for name in words for word in ("--predictions", name)]
        parted = judge(serving, *options, "--dry-run")
        assert (parted["counted"], parted["intervals"], parted["looks"]) == (
            whole["counted"],
            whole["intervals"],
            whole["looks"],
        )
    twice = serving.mlver(*JUDGE, "--predictions", "logs", "--predictions", "logs/a.jsonl")
    assert (twice.code, "is meant twice" in twice.err) == (2, True)
    serving.write("bad.jsonl", write_log(210, bad=20))
    judge(serving, "--predictions", "bad.jsonl", "--predictions", "logs/*.jsonl")
    registry = Project.open_existing(serving.path).registry
    record = VERDICTS.read(registry, "digits", "production", 1)
    assert record.source.predictions == "bad.jsonl *.jsonl"
    assert_works(serving, "verify", "--all")


def test_a_warm_up_does_not_count(serving: Repository) -> None:
    set_verdict(serving, "warm_up", "10m")
    slow = [make_event("1.1.0", n, outcome="error") for n in range(300)]
    slow += [make_event("1.0.0", n) for n in range(300)]
    late = [{**event, "time": "2026-01-02T03:04:00Z"} for event in slow]
    write_events(serving, "log.jsonl", late)
    options = ("--predictions", "log.jsonl", "--dry-run", "--since")
    document = judge(serving, *options, "2026-01-02T03:00:00Z")
    assert (document["counted"]["candidate"], document["answer"]) == (0, "inconclusive")
    assert document["window"]["from"] == "2026-01-02T03:10:00Z"
    assert judge(serving, *options, "2026-01-02T02:54:00Z")["answer"] == "fail"


def test_only_what_was_said_beforehand_follows_from_the_time_being_over(
    serving: Repository,
) -> None:
    serving.write("log.jsonl", write_log(150, bad=1))
    options = ("--predictions", "log.jsonl", "--since", "2026-01-01T01:00Z")
    held = judge(serving, *options, "--dry-run")
    assert (held["answer"], held["deadline"], held["act"], held["next"]) == (
        "inconclusive",
        True,
        None,
        None,
    )
    set_verdict(serving, "on_timeout", "rollback")
    assert judge(serving, "--predictions", "log.jsonl", "--dry-run")["act"] is None
    over = judge(serving, *options)
    assert (over["answer"], over["act"], over["sequence"]) == ("inconclusive", "rollback", 1)
    command = "mlver rollback digits --stage production --if-holds 1.1.0"
    assert over["next"] == f"{command} --because {RECORD} -m WHY"
    assert b"\nact: rollback\n" in (serving.path / RECORD).read_bytes()
    assert_works(serving, "verify", "--all")


@pytest.mark.parametrize("forged", ["settings", "window", "length", "answer"])
def test_no_other_record_says_that_something_follows(serving: Repository, forged: str) -> None:
    set_verdict(serving, "on_timeout", "rollback")
    serving.write("log.jsonl", write_log(150, bad=1))
    judge(serving, "--predictions", "log.jsonl", "--since", "2026-01-01T01:00Z")
    registry = Project.open_existing(serving.path).registry
    record = VERDICTS.read(registry, "digits", "production", 1)
    changes: dict[str, Any] = {
        "settings": replace(record.settings, on_timeout="hold"),
        "window": replace(record.window, end="2030-01-01T00:00:00Z"),
        "length": replace(record.window, start="2026-01-01T02:59:00Z"),
        "answer": "fail",
    }
    name = "window" if forged == "length" else forged
    changed = replace(record, **{name: changes[forged]})
    serving.git("reset", "--quiet", "--hard", "HEAD~1")
    serving.write(RECORD, codec.encode_document("verdict", changed.to_document()))
    serving.commit("A verdict")
    found = serving.mlver("verify", "--all")
    assert (found.code, "says that something follows from it" in found.out) == (1, True), found.out


def make_pairs(both: int, ours: int, theirs: int, neither: int) -> list[dict[str, Any]]:
    """Make answers of both versions to so many requests: badly by both, by either, by none."""
    answers = [("error", "error")] * both + [("error", "ok")] * ours
    answers += [("ok", "error")] * theirs + [("ok", "ok")] * neither
    events: list[dict[str, Any]] = []
    for number, outcomes in enumerate(answers):
        for version, outcome in zip(("1.1.0", "1.0.0"), outcomes, strict=True):
            events.append(make_event(version, number, outcome=outcome))
    # As a shadow answers later, and in another order.
    return sorted(events, key=lambda event: (int(event["id"][1:]) % 7, event["data"]["version"]))


def test_a_shadow_is_compared_request_by_request(serving: Repository) -> None:
    events = make_pairs(100, 40, 2, 858)
    alone = [make_event("1.0.0", number) for number in range(5_000, 5_400)]
    write_events(serving, "log.jsonl", [*events, *alone, *events[:50]])
    document = judge(serving, "--predictions", "log.jsonl", "--paired")
    counted = document["counted"]
    assert (counted["candidate"], counted["baseline"]) == (1_000, 1_000)
    assert counted["metrics"]["errors"] == {
        "candidate": {"bad": 140, "events": 1_000},
        "baseline": {"bad": 102, "events": 1_000},
        "both": 100,
    }
    assert document["repeated"] == 50
    record = VERDICTS.read(Project.open_existing(serving.path).registry, "digits", "production", 1)
    assert record.answer == document["answer"] == "fail"
    assert record.looks[-1].metrics["errors"].both is not None
    assert_works(serving, "verify", "--all")


def test_without_pairs_nothing_is_known_of_a_shadow(serving: Repository) -> None:
    events = [make_event("1.1.0", number) for number in range(200)]
    events += [make_event("1.0.0", number) for number in range(200, 400)]
    write_events(serving, "log.jsonl", events)
    document = judge(serving, "--predictions", "log.jsonl", "--paired")
    assert document["answer"] == "inconclusive"
    assert document["reason"].startswith("there is no request that both versions answered from")


def test_the_table_is_of_the_look_that_the_intervals_are_of(serving: Repository) -> None:
    serving.write("log.jsonl", write_log(390, bad=1))
    lines = serving.mlver(*JUDGE, "--predictions", "log.jsonl").out.splitlines()
    assert lines[1:6] == [
        "  390 events beside 3,510, 2 looks",
        "  the last look was at 200 events beside 1,791:",
        "  metric  limit                   bad      beside          between",
        *lines[4:6],
    ]
    assert lines[4].split()[:6] == ["errors", "margin", "not", "sure", "1.00%", "(2)"]
    assert max(map(len, lines[1:])) <= 80


def test_settings_that_lack_something_are_told_in_words(serving: Repository) -> None:
    done = serving.mlver("config", "set", "verdict.metrics.odd", '{"bad": "outcome=\\"x\\""}')
    assert done.code != 0
    assert "needs `bad` or `over`, and `margin` or `max`" in done.err, done.err


def test_a_time_of_very_many_digits_is_slow_and_one_that_is_none_tells_nothing(
    serving: Repository,
) -> None:
    times = (10**400, -1, float("nan"), float("inf"), True)
    events = [make_event("1.1.0", one, latency_ms=time) for one, time in enumerate(times)]
    write_events(serving, "log.jsonl", events)
    document = judge(serving, "--predictions", "log.jsonl", "--dry-run")
    slow = document["counted"]["metrics"]["slow"]["candidate"]
    assert (document["answer"], slow) == ("inconclusive", {"bad": 1, "events": 1})
