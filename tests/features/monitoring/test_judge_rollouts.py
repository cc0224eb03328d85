"""Verdicts on the candidate of an open rollout: who is compared, since when, at which share."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlver.project.project import Project
from mlver.project.registry.attached import VERDICTS
from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import NOW_EPOCH, Repository
from tests.features.monitoring.prediction_logs import SETTINGS, make_event, write_log

JUDGE = ("judge", "digits", "--stage", "production", "--predictions", "log.jsonl")
ROLLOUT = ("rollout", "digits@1.1.0", "--to", "production", "-m", "A part of it")


@pytest.fixture
def sharing(second: Repository) -> Repository:
    """With 1.0.0 in production, and settings that say which answers are bad."""
    settings = second.path / ".mlver/config.yaml"
    settings.write_text(settings.read_text() + SETTINGS)
    second.commit("Say which answers are bad")
    return second


def judge(repository: Repository, *options: str) -> dict[str, Any]:
    document: dict[str, Any] = read_document(repository.mlver(*JUDGE, *options, "--json"), "judge")
    return document


def test_the_candidate_of_a_rollout_is_judged_beside_the_holder(sharing: Repository) -> None:
    assert_works(sharing, *ROLLOUT, "--share", "10")
    sharing.write("log.jsonl", write_log(210, bad=20))
    document = judge(sharing)
    assert (document["version"], document["baseline"], document["answer"]) == (
        "1.1.0",
        "1.0.0",
        "fail",
    )
    assert document["window"]["from"] == "2026-01-02T03:04:05Z"
    registry = Project.open_existing(sharing.path).registry
    assert VERDICTS.read(registry, "digits", "production", 1).share == pytest.approx(0.1)
    command = "mlver rollback digits --stage production --if-holds 1.1.0"
    record = ".mlver/models/digits/verdicts/production/0001.yaml"
    assert document["path"] == record
    assert document["next"] == f"{command} --because {record} -m WHY"
    rollback = document["next"].replace("WHY", "Bad").split()[1:]
    assert_works(sharing, *rollback)
    assert assert_works(sharing, *rollback).startswith("Nothing changed: this evidence was acted")
    # Nothing of it serves any more, so the holder is judged, as before.
    assert judge(sharing, "--dry-run")["version"] == "1.0.0"


@pytest.mark.parametrize("limit", ["max", "margin"])
def test_a_version_that_has_all_of_the_traffic_is_judged_alone_by_a_maximum(
    sharing: Repository, limit: str
) -> None:
    settings = sharing.path / ".mlver/config.yaml"
    errors = f'verdict:\n  metrics:\n    errors: {{bad: outcome="error", {limit}: 0.05}}\n'
    settings.write_text(settings.read_text().replace(SETTINGS, errors))
    sharing.commit("Another limit")
    assert_works(sharing, "promote", "digits@1.1.0", "--to", "production", "--force", "-m", "All")
    sharing.write("log.jsonl", write_log(210, bad=50, ratio=0))
    document = judge(sharing, "--dry-run")
    if limit == "max":
        assert (document["answer"], document["baseline"]) == ("fail", None)
        compared = judge(sharing, "--dry-run", "--baseline", "1.0.0")
        assert (compared["answer"], compared["baseline"]) == ("inconclusive", "1.0.0")
    else:
        assert document["answer"] == "inconclusive"
        assert document["reason"].endswith("; `max` judges one alone")


def test_another_share_than_the_rollout_plans_tells_nothing(sharing: Repository) -> None:
    assert_works(sharing, *ROLLOUT, "--share", "50")
    sharing.write("log.jsonl", write_log(210, bad=20))
    assert "50.00% was planned" in judge(sharing)["reason"]
    assert judge(sharing, "--share", "10", "--dry-run")["answer"] == "fail"


def test_each_step_of_a_rollout_begins_anew(
    sharing: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_works(sharing, *ROLLOUT, "--share", "10")
    later = str(int(NOW_EPOCH) + 600)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", later)
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"@{later} +0000")
    monkeypatch.setenv("GIT_AUTHOR_DATE", f"@{later} +0000")
    assert_works(sharing, *ROLLOUT, "--share", "20")
    sharing.write("log.jsonl", write_log(210, bad=20))
    document = judge(sharing)
    assert (document["counted"]["candidate"], document["window"]["from"]) == (
        0,
        "2026-01-02T03:14:05Z",
    )


def test_a_shadow_is_judged_in_pairs(sharing: Repository) -> None:
    assert_works(sharing, *ROLLOUT, "--strategy", "shadow", "--share", "0")
    lines = []
    for number in range(200):
        outcome = "error" if number % 10 == 0 else "ok"
        lines.append(json.dumps(make_event("1.1.0", number, outcome=outcome)) + "\n")
        lines.append(json.dumps(make_event("1.0.0", number)) + "\n")
    sharing.write("log.jsonl", "".join(lines))
    document = judge(sharing)
    assert document["counted"]["metrics"]["errors"]["both"] == 0
    assert (document["version"], document["answer"]) == ("1.1.0", "fail")
    assert_works(sharing, "verify", "--all")


def test_stages_and_lists_tell_the_last_verdict_on_what_they_hold(sharing: Repository) -> None:
    assert_works(sharing, "promote", "digits@1.1.0", "--to", "production", "-m", "Better")
    for command in ("stages", "list"):
        assert " fail" not in assert_works(sharing, command)
    sharing.write("log.jsonl", write_log(210, bad=20))
    assert judge(sharing)["answer"] == "fail"
    assert "1.1.0 fail" in assert_works(sharing, "stages")
    assert "production 1.1.0 fail" in assert_works(sharing, "list")
    shown = read_document(sharing.mlver("list", "--json"), "list")
    assert shown["models"][0]["verdicts"] == {"production": "fail"}
    (held,) = read_document(sharing.mlver("stages", "--json"), "stages")["stages"]
    assert held["verdict"] == "fail"
    assert_works(sharing, "rollback", "digits", "--stage", "production", "-m", "Bad")
    # Nothing is known of the version that came back.
    assert read_document(sharing.mlver("list", "--json"), "list")["models"][0]["verdicts"] == {}
    sharing.write(".mlver/models/digits/verdicts/production/0002.yaml", "schema: mlver/verdict/1\n")
    assert "unreadable: " in sharing.mlver("list").out
    assert "1.0.0" in sharing.mlver("stages").out
