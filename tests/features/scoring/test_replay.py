"""Logged requests, answered by another version."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from mlver.project.project import Project
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.scoring.answered import list_answers, make_answer, write_lines

ANSWER = """\
import json, os, sys
from pathlib import Path

assert Path(os.environ["MLVER_WEIGHTS"]).exists()
for line in sys.stdin:
    asked = json.loads(line)
    answer = asked["features"]["x"] {change}
    print(json.dumps({"id": asked["id"], "prediction": answer}))
"""
REPLAY = ("score", "digits", "--replay", "log", "--against", "@1.1.0")


def replay(
    repository: Repository, *words: str, change: str = "", script: str = ANSWER, code: int = 0
) -> dict[str, Any]:
    repository.write("answer.py", script.replace("{change}", change))
    done = repository.mlver(*REPLAY, *words, "--json", "--", sys.executable, "answer.py")
    assert done.code == code, done
    document: dict[str, Any] = read_document(done, "replay")
    return document


@pytest.fixture
def asked(answered: Repository) -> Repository:
    """The requests of the log have the features that the first version answered by."""
    events = [event for event in list_answers() if event["data"]["version"] == "1.0.0"]
    for event in events:
        event["data"]["features"] = {"x": event["data"]["prediction"]}
    answered.write("log/a.jsonl", write_lines(events))
    return answered


def test_a_version_that_answers_alike_agrees(asked: Repository) -> None:
    document = replay(asked)
    (version,) = document["versions"]
    assert (document["against"], version["version"]) == ("1.1.0", "1.0.0")
    assert (version["answers"], version["compared"], version["agreed"]) == (8, 8, 8)
    assert (version["metrics"], version["p"]) == ({"agreement": 1.0}, 1.0)
    assert document["sequence"] is None


def test_changes_are_told(asked: Repository) -> None:
    document = replay(asked, change="or 1")
    (version,) = document["versions"]
    assert version["changes"] == [{"logged": "0", "replayed": "1", "count": 5}]
    # scipy.stats.binomtest(0, 5).pvalue
    assert version["p"] == pytest.approx(0.0625)
    done = asked.mlver(*REPLAY, "--", sys.executable, "answer.py")
    assert (
        done.out
        == """\
digits 1.1.0 agrees with digits 1.0.0 in 3 of 8 answers
  agreement  0.375
  0 → 1  5 times
  as uneven by chance alone: p = 0.0625 (McNemar)
"""
    )


def test_an_agreement_is_recorded_where_that_is_asked_for(asked: Repository) -> None:
    document = replay(asked, "--record", "-m", "Before the rollout", change="or 1")
    assert document["sequence"] == 1
    registry = Project.open_existing(asked.path).registry
    ((record, _),) = registry.read_evaluations("digits", "1.1.0")
    assert record.metrics == {"agreement": 0.375}
    assert list(record.data) == ["replayed"]
    assert (record.count, record.coverage, record.message) == (8, 1.0, "Before the rollout")
    assert record.command is not None
    assert record.command.endswith("answer.py")
    assert replay(asked, "--record", "-m", "Before the rollout", change="or 1")["commit"] is None
    assert asked.mlver("verify", "--all").code == 0


def test_the_truth_says_who_was_right(asked: Repository) -> None:
    document = replay(asked, "--truth", "labels.csv", change="or 1")
    (version,) = document["versions"]
    # The truth is 01100110, what was logged 01100001, and now every answer is 1.
    judged = {"count": 8, "logged": 5, "replayed": 4, "lost": 3, "won": 2, "p": 1.0}
    assert version["judged"] == judged
    words = ("--truth", "labels.csv", "--", sys.executable, "answer.py")
    out = " ".join(asked.mlver(*REPLAY, *words).out.split())
    assert "of 8 requests whose truth is known 1.0.0 was right in 5, and 1.1.0 is in 4" in out
    rows = (asked.path / "labels.csv").read_text().splitlines()
    asked.write("labels.csv", "\n".join([*rows[:3], rows[1].replace(",0,", ",1,")]) + "\n")
    (version,) = replay(asked, "--truth", "labels.csv", change="or 1")["versions"]
    assert version["judged"]["count"] == 1


def test_numbers_are_compared_by_how_far_they_are_apart(asked: Repository) -> None:
    (version,) = replay(asked, change="+ 0.25")["versions"]
    assert version["metrics"] == {
        "agreement": 0.0,
        "mean_difference": 0.25,
        "largest_difference": 0.25,
    }


def test_requests_that_cannot_be_asked_again_are_told(asked: Repository) -> None:
    lines = (asked.path / "log/a.jsonl").read_text().splitlines(keepends=True)
    more = write_lines(
        [make_answer("1.0.0", 20, 1), make_answer("1.0.0", 21, None, features={"x": 1})]
    )
    asked.write("log/b.jsonl", lines[0] + more)
    document = replay(asked)
    assert (document["skipped"], document["repeated"], document["unasked"]) == (2, 1, 0)


def test_answers_that_are_missing_or_to_nothing_are_told(asked: Repository) -> None:
    script = """\
import json
print(json.dumps({"id": json.loads(input())["id"], "prediction": 0}))
print(json.dumps({"id": "x", "prediction": 0}))
"""
    document = replay(asked, script=script)
    (version,) = document["versions"]
    assert (version["compared"], version["agreed"], document["unasked"]) == (1, 1, 1)
    assert replay(asked, script="pass", code=4)["versions"][0]["compared"] == 0


def test_a_dry_run_asks_nothing(asked: Repository) -> None:
    document = replay(asked, "--dry-run", script="raise SystemExit(1)")
    assert (document["asked"], document["versions"]) == (8, [])


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("raise SystemExit(3)", "ended with 3, so nothing was compared"),
        ("print('[' * 100_000)", "printed, line 1 is not one object in JSON"),
        ("print('{\"prediction\": 1}')", "printed has no column id"),
        ("import sys; sys.stdout.buffer.write(b'\\xff\\n')", "printed, line 1 is not UTF-8"),
        ("import time; time.sleep(60)", "took longer than 0.2 seconds"),
    ],
)
def test_a_command_that_fails_compares_nothing(asked: Repository, script: str, told: str) -> None:
    asked.write("answer.py", script)
    done = asked.mlver(*REPLAY, "--timeout", "0.2s", "--", sys.executable, "-S", "answer.py")
    assert (done.code in (2, 3), told in done.err) == (True, True), done


@pytest.mark.parametrize(
    "words",
    [
        (*REPLAY, "--predictions", "log", "--", "true"),
        ("score", "digits", "--predictions", "log", "--truth", "labels.csv", "--record"),
        ("score", "digits", "--predictions", "log", "--truth", "labels.csv", "--", "true"),
    ],
    ids=["joined", "recorded", "asked"],
)
def test_options_that_contradict_each_other_are_refused(
    asked: Repository, words: tuple[str, ...]
) -> None:
    done = asked.mlver(*words)
    assert (done.code, "contradicts that" in done.err) == (2, True), done


def test_what_is_missing_is_said(asked: Repository) -> None:
    done = asked.mlver("score", "digits", "--replay", "log", "--against", "@1.1.0")
    assert (done.code, "behind `--` the command" in done.err) == (2, True)
    asked.write("log/a.jsonl", write_lines(list_answers()))
    done = asked.mlver(*REPLAY, "--", "true")
    assert (done.code, "no event of digits holds `features`" in done.err) == (3, True)
