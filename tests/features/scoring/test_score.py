"""Scores of what versions answered, once the truth is known."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.project.project import Project
from mlver.records.evaluation import ServedData
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.scoring.answered import (
    list_answers,
    list_rows,
    make_answer,
    write_lines,
)

SCORE = ("score", "digits", "--predictions", "log", "--truth", "labels.csv", "--on", "request_id")

SCREEN = """\
Scored digits 1.0.0  (evaluation 1)
  accuracy  0.625
  precision  0.666667  (of the class 1)
  recall  0.5  (of the class 1)
  f1  0.571429  (of the class 1)
  coverage  100.0%, 8 of 8 answers
  label age  30 min, the median
Scored digits 1.1.0  (evaluation 1)
  accuracy  0.875
  precision  0.8  (of the class 1)
  recall  1  (of the class 1)
  f1  0.888889  (of the class 1)
  coverage  100.0%, 8 of 8 answers
  label age  30 min, the median
  answered 2026-01-02 02:04:05 to 2026-01-02 02:11:06 UTC, known from labels.csv
"""


def score(repository: Repository, *words: str, code: int = 0) -> dict[str, Any]:
    done = repository.mlver(*(words or SCORE), "--json")
    assert done.code == code, done
    document: dict[str, Any] = read_document(done, "score")
    return document


def write_truth(repository: Repository, rows: list[str]) -> None:
    repository.write("labels.csv", "\n".join(rows) + "\n")


def test_scores_are_recorded_by_version(answered: Repository) -> None:
    done = answered.mlver(*SCORE, "-m", "A month later")
    assert done.code == 0, done
    assert done.out == SCREEN
    registry = Project.open_existing(answered.path).registry
    ((record, _),) = registry.read_evaluations("digits", "1.1.0")
    assert record.metrics == {
        "accuracy": 0.875,
        "precision": 0.8,
        "recall": 1.0,
        "f1": 0.888888888889,
    }
    assert (record.count, record.coverage, record.label_age) == (8, 1.0, 1800.0)
    assert record.labels == {"average": "1"}
    assert record.message == "A month later"
    logged, truth = (
        Digest.of_bytes((answered.path / name).read_bytes())
        for name in ("log/a.jsonl", "labels.csv")
    )
    assert record.data == {"served": ServedData(served="log", digest=logged)}
    assert record.extra == {"truth": {"file": "labels.csv", "digest": str(truth)}}
    assert record.window is not None
    assert record.window.start < record.window.end
    assert answered.mlver("verify", "--all").code == 0


def test_the_document_says_the_same(answered: Repository) -> None:
    document = score(answered)
    first, second = document["versions"]
    assert (first["version"], second["version"]) == ("1.0.0", "1.1.0")
    assert first["metrics"]["accuracy"] == 0.625
    assert (document["kind"], document["average"], document["least"]) == ("class", "1", 0.8)


def test_asking_again_records_nothing(answered: Repository) -> None:
    score(answered)
    head = answered.git("rev-parse", "HEAD")
    document = score(answered)
    assert [one["sequence"] for one in document["versions"]] == [1, 1]
    assert [one["commit"] for one in document["versions"]] == [None, None]
    assert answered.git("rev-parse", "HEAD") == head


def test_a_dry_run_changes_nothing(answered: Repository) -> None:
    head = answered.git("rev-parse", "HEAD")
    document = score(answered, *SCORE, "--dry-run")
    assert [one["outcome"] for one in document["versions"]] == ["planned", "planned"]
    assert answered.git("rev-parse", "HEAD") == head


def test_too_little_known_is_inconclusive_and_not_recorded(answered: Repository) -> None:
    write_truth(answered, list_rows()[:9] + list_rows()[9:14])
    document = score(answered, code=4)
    first, second = document["versions"]
    assert (first["outcome"], first["sequence"]) == ("scored", 1)
    assert (second["outcome"], second["sequence"]) == ("inconclusive", None)
    assert second["reason"] == "something is known of 62.5% of its answers, not of 80.0%"
    registry = Project.open_existing(answered.path).registry
    assert not registry.read_evaluations("digits", "1.1.0")
    document = score(answered, *SCORE, "--coverage", "0.6")
    assert document["versions"][1]["outcome"] == "scored"


def test_nothing_known_at_all_is_inconclusive(answered: Repository) -> None:
    write_truth(answered, list_rows()[:1])
    document = score(answered, *SCORE, "--coverage", "0", code=4)
    assert {one["reason"] for one in document["versions"]} == {"nothing is known of its answers"}
    answered.write("log/a.jsonl", "")
    done = answered.mlver(*SCORE)
    assert (done.code, "no answer of digits is logged there" in done.out) == (4, True)


def test_what_comes_again_counts_once_and_what_contradicts_not_at_all(
    answered: Repository,
) -> None:
    rows = list_rows()
    lines = (answered.path / "log/a.jsonl").read_text().splitlines(keepends=True)
    answered.write("log/b.jsonl", "".join(lines[:3]))
    # The first says the same again, the second something else; two are of nobody; one is open.
    more = [rows[1], rows[2].replace(",1,", ",0,"), "x,1,", "y,1,", "1.1.0-0,,"]
    write_truth(answered, rows + more)
    document = score(answered)
    assert document["repeated"] == 3
    assert document["totals"] == {
        "rows": 21,
        "empty": 1,
        "repeated": 2,
        "conflicting": 1,
        "unmatched": 2,
    }
    first = document["versions"][0]
    assert (first["answers"], first["joined"], first["coverage"]) == (8, 7, 0.875)
    out = answered.mlver(*SCORE).out
    assert "3 answers came again; each counts once" in out
    assert "1 request left out, as rows say different things of them" in out


def test_late_and_early_labels_are_told(answered: Repository) -> None:
    rows = [row.rpartition(",")[0] for row in list_rows()]
    rows[0] = "request_id,truth,time"
    rows[1:] = [f"{row}," for row in rows[1:]]
    rows[1] += "2999-01-01T00:00:00Z"
    rows[2] += "1999-01-01T00:00:00Z"
    write_truth(answered, rows)
    first, second = score(answered)["versions"]
    assert (first["late"], first["early"]) == (1, 1)
    assert second["label_age"] is None
    assert "label age  unknown: no row has a `time`" in answered.mlver(*SCORE).out


def test_an_error_is_no_answer(answered: Repository) -> None:
    events = [*list_answers(), make_answer("1.1.0", 50, None), make_answer("1.1.0", 51, {"a": 1})]
    events.append(make_answer("1.1.0", 52, 1, outcome="error"))
    answered.write("log/a.jsonl", write_lines(events))
    document = score(answered)
    assert (document["open"], document["versions"][1]["answers"]) == (3, 8)


def test_stages_and_times_are_chosen(answered: Repository) -> None:
    events = list_answers()
    for event in events[:4]:
        event["data"]["stage"] = "staging"
    answered.write("log/a.jsonl", write_lines(events))
    document = score(answered, *SCORE, "--stage", "staging", "--dry-run")
    assert [one["answers"] for one in document["versions"]] == [4]
    since = events[6]["time"]
    document = score(answered, *SCORE, "--since", since[:19] + "Z", "--dry-run")
    assert [one["answers"] for one in document["versions"]] == [2, 2]


def test_a_label_of_the_log_may_be_what_is_joined_on(answered: Repository) -> None:
    events = list_answers()
    for number, event in enumerate(events):
        event["data"]["order"] = number
    answered.write("log/a.jsonl", write_lines(events))
    rows = [f"{number},{row.split(',')[1]}" for number, row in enumerate(list_rows()[1:])]
    write_truth(answered, ["order,actual", *rows])
    words = [word if word != "request_id" else "order" for word in SCORE]
    assert score(answered, *words)["versions"][0]["metrics"]["accuracy"] == 0.625


def test_numbers_have_errors(answered: Repository) -> None:
    events = [make_answer("1.0.0", number, number + 0.5) for number in range(4)]
    answered.write("log/a.jsonl", write_lines(events))
    rows = [f"1.0.0-{number},{number}.0" for number in range(3)] + ["1.0.0-3,3.25"]
    write_truth(answered, ["request_id,truth", *rows])
    document = score(answered)
    assert (document["kind"], document["average"]) == ("number", None)
    metrics = document["versions"][0]["metrics"]
    assert metrics["mae"] == pytest.approx(1.75 / 4)
    assert sorted(metrics) == ["mae", "r2", "rmse"]
    document = score(answered, *SCORE, "--as", "class", "--dry-run")
    assert document["versions"][0]["metrics"]["accuracy"] == 0.0


def test_what_is_no_number_is_refused_where_answers_are_numbers(answered: Repository) -> None:
    answered.write("log/a.jsonl", write_lines([make_answer("1.0.0", 0, "cat\x1b[2J")]))
    write_truth(answered, ["request_id,truth", "1.0.0-0,0.5"])
    done = answered.mlver(*SCORE)
    assert (done.code, "is no number" in done.err, "\x1b" in done.err) == (3, True, False)


def test_users_say_what_they_took(answered: Repository) -> None:
    said = ["request_id,accepted"] + [f"1.1.0-{number},{number % 4 > 0}" for number in range(4)]
    answered.write("said.csv", "\n".join(said) + "\n")
    words = ("score", "digits", "--predictions", "log", "--feedback", "said.csv")
    document = score(answered, *words, code=4)
    first, second = document["versions"]
    assert first["reason"] == "nothing is known of its answers"
    assert (second["metrics"], second["coverage"]) == ({"accepted": 0.75}, 0.5)
    registry = Project.open_existing(answered.path).registry
    ((record, _),) = registry.read_evaluations("digits", "1.1.0")
    assert record.metrics == {"feedback": {"accepted": 0.75}}
    assert (list(record.data), list(record.extra)) == (["served"], ["feedback"])
    answered.write("said.csv", "request_id,accepted\n1.1.0-0,perhaps\n")
    done = answered.mlver(*words)
    assert (done.code, "users said `perhaps`" in done.err) == (3, True)


def test_a_version_that_nobody_registered_is_told(answered: Repository) -> None:
    events = [make_answer("../../etc/passwd\x1b[2J", 0, 1), make_answer("9.9.9", 1, 1)]
    answered.write("log/a.jsonl", write_lines(events + list_answers()))
    document = score(answered)
    assert [one["outcome"] for one in document["versions"]] == [
        "scored",
        "scored",
        "unknown",
        "unknown",
    ]
    done = answered.mlver(*SCORE)
    assert (done.code, "\x1b" in done.out) == (0, False)
    answered.write("log/a.jsonl", write_lines(events))
    assert answered.mlver(*SCORE).code == 4


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 2, "name --truth or --feedback"),
        (("--truth", "a.csv", "--feedback", "a.csv"), 2, "name --truth or --feedback"),
        (("--truth", "labels.csv"), 2, "score needs --predictions"),
        (
            ("--truth", "labels.csv", "--predictions", "log", "--coverage", "1.5"),
            2,
            "a share from 0",
        ),
        (
            ("--truth", "labels.csv", "--predictions", "log", "--as", "text"),
            2,
            "`class` or `number`",
        ),
        (("--truth", "labels.csv", "--predictions", "log", "--positive", "7"), 2, "is the class 7"),
        (("--truth", "labels.csv", "--predictions", "log", "--on", "id"), 2, "has no column id"),
        (("--truth", "gone.csv", "--predictions", "log"), 3, "reading gone.csv failed"),
        (("--truth", "labels.csv", "--predictions", "gone"), 3, "reading gone failed"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    answered: Repository, words: tuple[str, ...], code: int, told: str
) -> None:
    done = answered.mlver("score", "digits", *words)
    assert (done.code, told in done.err) == (code, True), done


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[" * 100_000, "is not one event in JSON"),
        ('{"type": "mlver.prediction"}', "has no `data`"),
        (json.dumps({**make_answer("1.0.0", 1, 1), "id": 3}), "has neither an `id` nor a label"),
    ],
)
def test_a_hostile_line_is_refused_by_its_place(
    answered: Repository, line: str, words: str
) -> None:
    answered.write("log/b.jsonl", f'{{"type": "x"}}\n{line}\n')
    done = answered.mlver(*SCORE)
    assert (done.code, f"log/b.jsonl, line 2 {words}" in done.err) == (3, True), done


def test_half_a_surrogate_pair_is_an_id_as_any_other(answered: Repository) -> None:
    event = {**make_answer("1.0.0", 1, "\udc80"), "id": "\ud800"}
    answered.write("log/a.jsonl", write_lines([event]))
    answered.write("labels.jsonl", json.dumps({"request_id": "\ud800", "truth": "\udc80"}) + "\n")
    words = [word if word != "labels.csv" else "labels.jsonl" for word in SCORE]
    document = score(answered, *words)
    assert document["versions"][0]["metrics"]["accuracy"] == 1.0


@pytest.mark.parametrize(
    "time", ["9999-12-31T23:59:59.9Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
def test_the_first_and_the_last_moment_are_times(answered: Repository, time: str) -> None:
    event = {**make_answer("1.0.0", 1, 1), "time": time}
    answered.write("log/a.jsonl", write_lines([event]))
    write_truth(answered, ["request_id,truth,time", f"1.0.0-1,1,{time}"])
    done = answered.mlver(*SCORE)
    assert done.code == 0, done
    assert answered.mlver("verify", "--all").code == 0
