"""Verdicts that somebody put in by hand: which of them count, and which are named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.document import codec
from mlver.project.project import Project
from mlver.project.registry.attached import VERDICTS
from mlver.records.references import VersionReference
from mlver.records.verdict import VerdictRecord
from tests.cli.conftest import assert_works
from tests.conftest import Repository
from tests.features.monitoring.prediction_logs import write_log
from tests.features.monitoring.test_judge import (
    PROMOTE,
    RECORD,
    ask_for_verdict,
    forge,
    judge,
    set_clock,
)


def test_the_log_of_a_stage_has_its_verdicts(serving: Repository) -> None:
    serving.write("log.jsonl", write_log(210, bad=20))
    judge(serving)
    told = "judged    on production"
    assert told in assert_works(serving, "log", "digits", "--stage", "production")
    assert told not in assert_works(serving, "log", "digits", "--stage", "staging")


def put_in(repository: Repository, **changes: Any) -> VerdictRecord:
    """Put a verdict by hand beside the recorded one, with these changes."""
    registry = Project.open_existing(repository.path).registry
    record = replace(VERDICTS.read(registry, "digits", "production", 1), **changes)
    repository.write(record.record_path, codec.encode_document("verdict", record.to_document()))
    repository.commit("Another verdict")
    return record


def judge_again(repository: Repository) -> Digest:
    """Record that a version passed, and after that that it failed; return the pass's digest."""
    for bad in (1, 300):
        repository.write("log.jsonl", write_log(3_300, bad=bad))
        judge(repository)
    return Digest.of_bytes((repository.path / RECORD).read_bytes())


def test_a_verdict_on_a_stage_that_does_not_exist_counts_nothing(serving: Repository) -> None:
    ask_for_verdict(serving)
    serving.write("log.jsonl", write_log(3_300, bad=1))
    judge(serving)
    put_in(serving, stage="nowhere")
    serving.git("rm", "--quiet", RECORD)
    serving.commit("Only the one that was put in")
    shut = serving.mlver(*PROMOTE)
    assert (shut.code, "no verdict on it is recorded" in shut.out) == (1, True)
    for command in (("verify", "--all"), ("audit",)):
        found = serving.mlver(*command)
        told = "is about nowhere, a stage that neither settings nor promotions name"
        assert (found.code, told in " ".join(found.out.split())) == (1, True), command


def test_a_verdict_of_tomorrow_does_not_decide(serving: Repository) -> None:
    """Neither past a later one on its stage, nor past one on another stage."""
    ask_for_verdict(serving)
    judge_again(serving)
    base = serving.git("rev-parse", "HEAD")
    put_in(serving, stage="staging", created="2026-03-01T00:00:00Z")
    shut = serving.mlver(*PROMOTE)
    assert (shut.code, "fail on production on 2026-01-02" in shut.out) == (1, True)
    check = ("hook", "check", "--from", base, "--to", "HEAD")
    for command in (("verify", "--all"), ("audit",), check):
        found = serving.mlver(*command)
        told = "is dated 2026-03-01T00:00:00Z, later than the commit that added it"
        said = " ".join((found.out + found.err).split())
        assert (found.code, told in said) == (1, True), command


def test_a_verdict_of_tomorrow_alone_opens_nothing(serving: Repository) -> None:
    ask_for_verdict(serving)
    serving.write("log.jsonl", write_log(3_300, bad=1))
    judge(serving)
    forge(serving, created="2026-03-01T00:00:00Z")
    shut = serving.mlver(*PROMOTE)
    assert (shut.code, "later than the commit that added it" in shut.out) == (1, True)


def test_verdicts_on_two_stages_are_no_alarm(
    serving: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_for_verdict(serving)
    serving.write("log.jsonl", write_log(3_300, bad=1))
    judge(serving)
    set_clock(monkeypatch, 60)
    passed = put_in(serving, stage="staging", created="2026-01-02T03:05:05Z")
    set_clock(monkeypatch, 120)
    assert_works(serving, *PROMOTE)
    assert_works(serving, "verify", "--all")
    assert_works(serving, "audit")
    set_clock(monkeypatch, 180)
    digest = Digest.of_bytes((serving.path / passed.record_path).read_bytes())
    put_in(serving, stage="staging", created="2026-01-02T03:06:05Z", sequence=2, prior=digest)
    assert_works(serving, "verify", "--all")


def test_a_verdict_that_compares_a_version_with_itself_is_named(serving: Repository) -> None:
    serving.write("log.jsonl", write_log(3_300, bad=1))
    judge(serving)
    registry = Project.open_existing(serving.path).registry
    digest = registry.read_version_digest("digits", "1.1.0")
    assert digest is not None
    forge(serving, baseline=VersionReference("1.1.0", digest))
    found = serving.mlver("verify", "--all")
    assert (found.code, found.out.count("compares a version with itself")) == (1, 1)
