"""Verdicts on a version in use, from a log of predictions."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.document import codec
from mlver.project.project import Project
from mlver.project.registry.attached import VERDICTS
from mlver.records import layout
from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import NOW_EPOCH, Repository
from tests.features.monitoring.prediction_logs import make_event, write_log

JUDGE = ("judge", "digits", "--stage", "production", "--predictions", "log.jsonl")
RECORD = layout.verdict_path("digits", "production", 1)


def judge(repository: Repository, *options: str) -> dict[str, Any]:
    done = repository.mlver(*JUDGE, *options, "--json")
    document: dict[str, Any] = read_document(done, "judge")
    assert done.code == {"pass": 0, "fail": 1, "inconclusive": 4}[document["answer"]]
    return document


def test_a_good_version_passes_and_the_record_can_be_computed_again(serving: Repository) -> None:
    serving.write("log.jsonl", write_log(3_300, bad=1))
    document = judge(serving)
    assert (document["answer"], document["version"], document["baseline"]) == (
        "pass",
        "1.1.0",
        "1.0.0",
    )
    record = VERDICTS.read(Project.open_existing(serving.path).registry, "digits", "production", 1)
    assert record.source.digest == Digest.of_bytes((serving.path / "log.jsonl").read_bytes())
    assert [look.candidate for look in record.looks] == [100 << n for n in range(len(record.looks))]
    assert record.looks[0].metrics["errors"].candidate.bad == 1
    assert serving.git("show", "--format=%s", "--name-only", "HEAD").split("\n\n") == [
        "mlver: verdict on digits 1.1.0 in production: pass",
        RECORD,
    ]
    assert_works(serving, "verify", "--all")


def test_a_bad_version_fails_early_and_asking_again_records_nothing(serving: Repository) -> None:
    serving.write("log.jsonl", write_log(210, bad=20))
    first = judge(serving)
    assert (first["answer"], first["looks"], first["sequence"]) == ("fail", 1, 1)
    again = judge(serving)
    assert (again["answer"], again["sequence"], again["commit"]) == ("fail", 1, None)
    said = serving.mlver(*JUDGE, "--dry-run").out
    assert said.startswith(
        "Fail: digits 1.1.0 in production beside 1.0.0: too many bad events: 20.00% of errors"
        " beside 1.01%, a difference between +"
    )
    assert said.endswith("next: mlver rollback digits --stage production --if-holds 1.1.0 -m WHY\n")
    assert "fail, too many bad events" in assert_works(serving, "show", "digits@1.1.0")
    assert "judged" in assert_works(serving, "log", "digits")


def test_what_nobody_can_tell_is_not_recorded(serving: Repository) -> None:
    serving.write("log.jsonl", write_log(150, bad=1))
    document = judge(serving)
    assert (document["answer"], document["sequence"]) == ("inconclusive", None)
    assert document["next_look"] == 200
    serving.write("log.jsonl", "")
    assert judge(serving)["reason"] == (
        "there is no event of 1.1.0 (the candidate) from 2026-01-02T03:04:05Z to"
        " 2026-01-02T03:04:05Z"
    )
    serving.write("log.jsonl", write_log(20, bad=1))
    assert judge(serving)["reason"] == "there are too few events for the first look"
    assert not (serving.path / RECORD).exists()


def test_the_time_to_decide_ends(serving: Repository) -> None:
    serving.write("log.jsonl", write_log(150, bad=1))
    document = judge(serving, "--since", "2026-01-01T01:00Z")
    assert (document["answer"], document["deadline"], document["sequence"]) == (
        "inconclusive",
        True,
        1,
    )
    assert document["reason"].startswith("the time to decide is over: there is no event")


def test_a_version_that_went_silent_does_not_pass(serving: Repository) -> None:
    log = write_log(3_300, bad=1).replace("2026-01-02T03:04", "2026-01-02T02:04")
    serving.write("log.jsonl", log)
    document = judge(serving, "--since", "2026-01-02T02:00Z")
    assert document["answer"] == "inconclusive"
    assert document["reason"].startswith("the last event of 1.1.0 (the candidate) is of")


def test_another_share_of_the_traffic_than_planned_tells_nothing(serving: Repository) -> None:
    serving.write("log.jsonl", write_log(210, bad=20))
    assert judge(serving, "--share", "10", "--dry-run")["answer"] == "fail"
    document = judge(serving, "--share", "50", "--dry-run")
    assert "50.00% was planned" in document["reason"]


def test_slow_answers_and_other_models_stages_and_types(serving: Repository) -> None:
    events = [make_event("1.1.0", n, latency_ms=400 if n % 2 else 100) for n in range(200)]
    events += [make_event("1.0.0", n) for n in range(200)]
    for odd in ({"model": "other"}, {"stage": "staging"}, {"version": "9.9.9"}):
        event = make_event("1.1.0", 1, outcome="error")
        events += [{**event, "data": {**event["data"], **odd}}] * 50
    events.append({"type": "other"})
    serving.write("log.jsonl", "\n".join(map(json.dumps, events)) + '\n{"torn": ')
    document = judge(serving)
    assert (document["answer"], document["counted"]["candidate"]) == ("fail", 200)
    assert document["reason"].startswith("too many bad events: 50.00% of slow beside 0.00%,")


def test_events_that_come_again_count_once(serving: Repository) -> None:
    events = [make_event("1.1.0", n) for n in range(60)]
    # Both versions answered the same requests.
    events += [make_event("1.0.0", n) for n in range(60)]
    lines = [json.dumps(event) + "\n" for event in events]
    serving.write("log.jsonl", "".join([*lines, *lines]))
    document = judge(serving)
    counted = document["counted"]
    assert (counted["candidate"], counted["baseline"], document["looks"]) == (60, 60, 0)
    assert (document["repeated"], document["forgotten"]) == (120, 0)
    assert "120 events came again, and count once" in serving.mlver(*JUDGE).out
    serving.write("log.jsonl", "".join(lines * 2).replace('"id": ', '"other": '))
    assert judge(serving)["counted"]["candidate"] == 120


def test_named_versions_are_judged(serving: Repository) -> None:
    serving.write("log.jsonl", write_log(210, bad=20))
    document = judge(
        serving, "--candidate", "@1.0.0", "--baseline", "@1.1.0", "--since", "1h", "--dry-run"
    )
    assert (document["version"], document["baseline"]) == ("1.0.0", "1.1.0")
    itself = serving.mlver(*JUDGE, "--baseline", "@1.1.0")
    assert (itself.code, "1.1.0 would be compared with itself" in itself.err) == (2, True)


def plan(repository: Repository, *options: str) -> dict[str, Any]:
    words = ("judge", "digits", "--stage", "production", "--plan", *options, "--json")
    document: dict[str, Any] = read_document(repository.mlver(*words), "verdictplan")
    return document


def test_a_plan_says_how_many_events_a_verdict_needs(serving: Repository) -> None:
    assumed = plan(serving, "--share", "10")
    needed = {one["metric"]: (one["to_pass"], one["to_fail"]) for one in assumed["limits"]}
    assert (assumed["assumed"], assumed["ratio"]) == (True, pytest.approx(9))
    assert needed["errors"] == (3_200, 400)
    serving.write("log.jsonl", write_log(200, bad=1))
    counted = plan(serving, "--predictions", "log.jsonl")
    assert (counted["assumed"], counted["ratio"], counted["per_hour"]) == (False, 9, None)
    assert counted["limits"][0]["base"] == 0.01
    assert not (serving.path / RECORD).exists()


def test_events_are_needed_and_from_one_place(serving: Repository) -> None:
    for options, words in (
        ((), "name one of them"),
        (("--predictions", "x", "--prometheus", "http://127.0.0.1"), "not both"),
        (("--predictions", "x", "--prometheus-token", "t"), "is for the server that --prometheus"),
        (("--prometheus", "http://127.0.0.1", "--paired"), "goes by ids of requests"),
        (("--predictions", "x", "--paired", "--share", "10"), "there is no --share"),
    ):
        done = serving.mlver("judge", "digits", "--stage", "production", *options)
        assert (done.code, words in done.err) == (2, True), done


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"[" * 100_000, "is not one event in JSON"),
        (b"9" * 5_000, "is not one event in JSON"),
        (b"\xff\xfe", "is not one event in JSON"),
        (b'{"type": "mlver.prediction"', "is not one event in JSON"),
        (b"[1]", "is not an event, which is a JSON object"),
        (b'{"type": "mlver.prediction"}', "has no `data`"),
        (
            b'{"type": "mlver.prediction", "data": {"model": "digits"}}',
            "does not say which version answered",
        ),
        (
            b'{"type": "mlver.prediction",'
            b' "data": {"model": "digits", "version": "1.1.0", "stage": 1}}',
            "has a `stage` that is no name",
        ),
        (
            b'{"type": "mlver.prediction", "time": "now\\u001b[31m",'
            b' "data": {"model": "digits", "version": "1.1.0"}}',
            "has no `time` such as",
        ),
        (b" " * (1 << 20) + b"{}", "is longer than 1 MiB"),
    ],
)
def test_hostile_lines_are_refused_by_their_place(
    serving: Repository, line: bytes, words: str
) -> None:
    serving.write("log.jsonl", json.dumps({"type": "x"}).encode() + b"\n" + line + b"\n")
    done = serving.mlver(*JUDGE)
    assert (done.code, f"log.jsonl, line 2 {words}" in done.err) == (3, True)


def test_what_is_no_file_is_refused(serving: Repository) -> None:
    for name in ("gone.jsonl", "data"):
        done = serving.mlver("judge", "digits", "--stage", "production", "--predictions", name)
        assert (done.code, name in done.err) == (3, True)


def test_settings_that_name_no_metric_are_refused(second: Repository) -> None:
    second.write("log.jsonl", "")
    done = second.mlver(*JUDGE)
    assert (done.code, "`verdict.metrics` names none" in done.err) == (3, True)
    # What is proposed is done as it is.
    _, _, command = done.err.rpartition("hint: ")
    assert_works(second, *shlex.split(command.strip())[1:])
    assert_works(second, "config", "set", "verdict.metrics.errors.margin", "0.02")
    assert "names none" not in second.mlver(*JUDGE).err


def forge(repository: Repository, **changes: Any) -> None:
    """Change what the recorded verdict says, and commit that as a record of its own."""
    registry = Project.open_existing(repository.path).registry
    record = replace(VERDICTS.read(registry, "digits", "production", 1), **changes)
    data = codec.encode_document("verdict", record.to_document())
    repository.git("reset", "--quiet", "--hard", "HEAD~1")
    repository.write(RECORD, data)
    repository.commit("A verdict")


def ask_for_verdict(repository: Repository) -> None:
    assert_works(repository, "config", "set", "stages.staging.requires.verdict", "pass")
    repository.commit("Staging asks for a verdict")


PROMOTE = ("promote", "digits@1.1.0", "--to", "staging", "-m", "It passed")


def test_a_gate_asks_for_a_verdict(serving: Repository) -> None:
    ask_for_verdict(serving)
    shut = serving.mlver(*PROMOTE)
    assert (shut.code, "no verdict on it is recorded" in shut.out + shut.err) == (1, True)
    serving.write("log.jsonl", write_log(3_300, bad=1))
    judge(serving)
    assert "verdict pass" in assert_works(serving, *PROMOTE)
    done = serving.mlver("verify", "--all")
    assert done.code == 0, done.out
    assert_works(serving, "audit")


def set_clock(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Let it be so long after the tests' usual time."""
    later = str(int(NOW_EPOCH) + seconds)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", later)
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"@{later} +0000")
    monkeypatch.setenv("GIT_AUTHOR_DATE", f"@{later} +0000")


def test_two_branches_that_each_judged_merge(
    serving: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_for_verdict(serving)
    serving.git("branch", "other")
    serving.write("log.jsonl", write_log(3_300, bad=1))
    judge(serving, "-m", "by one")
    serving.git("checkout", "--quiet", "other")
    set_clock(monkeypatch, 60)
    judge(serving, "-m", "by another")
    assert_works(serving, *PROMOTE)
    serving.git("checkout", "--quiet", "main")
    with pytest.raises(pytest.fail.Exception):
        serving.git("merge", "--quiet", "other")
    assert_works(serving, "resolve")
    serving.git("commit", "--quiet", "--no-edit")
    registry = Project.open_existing(serving.path).registry
    first, second = VERDICTS.read_digested(registry, "digits", "production")
    assert [one.message for one, _ in (first, second)] == ["by one", "by another"]
    assert second[0].prior == first[1]
    assert_works(serving, "verify", "--all")


def test_a_promotion_by_another_verdict_than_the_last_is_named(serving: Repository) -> None:
    ask_for_verdict(serving)
    serving.write("log.jsonl", write_log(3_300, bad=1))
    judge(serving)
    assert_works(serving, *PROMOTE)
    registry = Project.open_existing(serving.path).registry
    ((promotion, _),) = registry.read_history("digits", "staging")
    gates = [
        replace(gate, evidence=Digest("1" * 64)) if gate.gate == "verdict pass" else gate
        for gate in promotion.gates
    ]
    forged = replace(promotion, gates=tuple(gates))
    serving.git("reset", "--quiet", "--hard", "HEAD~1")
    data = codec.encode_document("promotion", forged.to_document())
    serving.write(promotion.record_path, data)
    serving.commit("A promotion")
    serving.git("tag", "--delete", *serving.git("tag", "--list", "*staging*").split())
    found = serving.mlver("verify", "--all")
    assert (found.code, "which is not what it was judged by" in found.out) == (1, True)


def test_a_verdict_that_never_was_does_not_stand_for_the_last(
    serving: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass under a number that no merge took from it, and a fail after it."""
    ask_for_verdict(serving)
    for number, bad in enumerate((1, 300, 1, 300), 1):
        set_clock(monkeypatch, number * 10)
        serving.write("log.jsonl", write_log(3_300, bad=bad))
        assert serving.mlver(*JUDGE, "-m", f"{bad} are bad").code in (0, 1)
    registry = Project.open_existing(serving.path).registry
    recorded = VERDICTS.read_digested(registry, "digits", "production")
    assert [one.answer for one, _ in recorded] == ["pass", "fail", "pass", "fail"]
    former = replace(recorded[2][0], sequence=1, prior=None)
    digest = Digest.of_bytes(codec.encode_document("verdict", former.to_document()))
    set_clock(monkeypatch, 60)
    assert serving.mlver(*PROMOTE, "--force").code == 0
    ((promotion, _),) = registry.read_history("digits", "staging")
    gates = [
        replace(gate, result="pass", evidence=digest) if gate.gate == "verdict pass" else gate
        for gate in promotion.gates
    ]
    forged = replace(promotion, gates=tuple(gates), forced=False)
    serving.git("reset", "--quiet", "--hard", "HEAD~1")
    data = codec.encode_document("promotion", forged.to_document())
    serving.write(promotion.record_path, data)
    serving.commit("A promotion")
    serving.git("tag", "--delete", *serving.git("tag", "--list", "*staging*").split())
    found = serving.mlver("verify", "--all")
    assert (found.code, "says that its gate `verdict pass` passed" in found.out) == (1, True)


def test_a_forged_verdict_is_named(serving: Repository) -> None:
    ask_for_verdict(serving)
    serving.write("log.jsonl", write_log(210, bad=20))
    judge(serving)
    forge(serving, answer="pass")
    shut = serving.mlver(*PROMOTE)
    assert (shut.code, "by its counts it is fail" in shut.out + shut.err) == (1, True)
    found = serving.mlver("verify", "--all")
    assert (found.code, "says pass, and by its counts it is fail" in found.out) == (1, True)


def test_the_log_of_a_stage_has_its_verdicts(serving: Repository) -> None:
    serving.write("log.jsonl", write_log(210, bad=20))
    judge(serving)
    told = "judged    on production"
    assert told in assert_works(serving, "log", "digits", "--stage", "production")
    assert told not in assert_works(serving, "log", "digits", "--stage", "staging")


def test_an_unreadable_verdict_hides_no_version(serving: Repository) -> None:
    serving.write(RECORD, "schema: mlver/verdict/1\n")
    for command in (("show", "digits@1.0.0"), ("log",), ("list",)):
        assert serving.mlver(*command).code in (0, 1)
    shown = serving.mlver("show", "digits@1.0.0")
    assert (shown.code, "cannot be read" in shown.err) == (0, True)
    assert serving.mlver("verify", "--all").code == 1
