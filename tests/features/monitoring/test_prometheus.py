"""Verdicts by what a Prometheus server counted: whole events, or a reason why not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.monitoring.metrics_server import MetricsServer, serving_metrics

TOTAL, BUCKET = "mlver_predictions_total", "mlver_prediction_seconds_bucket"
SINCE = ("--since", "2026-01-02T01:04:05Z")


@pytest.fixture
def metrics() -> Iterator[MetricsServer]:
    """With counters of both versions, which answer alike: 1 % errors, 1 % slow answers."""
    with serving_metrics() as server:
        for version, scale in (("1.1.0", 1), ("1.0.0", 9)):
            add_counters(server, version, scale)
        yield server


def add_counters(server: MetricsServer, version: str, scale: int, errors: float = 0.01) -> None:
    def grow(rate: float) -> Any:
        return lambda step: int(5_000 + step * 40 * scale * rate)

    server.add(TOTAL, grow(1 - errors), version=version, outcome="ok")
    server.add(TOTAL, grow(errors), version=version, outcome="error")
    server.add(BUCKET, grow(0.99), version=version, le="0.25")
    server.add(BUCKET, grow(1), version=version, le="+Inf")


def judge(repository: Repository, server: MetricsServer, *options: str) -> dict[str, Any]:
    words = ("judge", "digits", "--stage", "production", "--prometheus", server.address)
    done = repository.mlver(*words, *SINCE, *options, "--json")
    document: dict[str, Any] = read_document(done, "judge")
    assert done.code == {"pass": 0, "fail": 1, "inconclusive": 4}[document["answer"]]
    return document


def test_a_good_version_passes(serving: Repository, metrics: MetricsServer) -> None:
    document = judge(serving, metrics)
    assert (document["answer"], document["reason"].split(":")[0]) == (
        "pass",
        "no more bad events than allowed",
    )
    # What had been counted before the window began is none of it.
    assert document["counted"]["candidate"] == 240 * 40
    assert document["counted"]["metrics"]["errors"]["candidate"] == {"bad": 96, "events": 9_600}
    assert document["counted"]["metrics"]["slow"]["candidate"] == {"bad": 96, "events": 9_600}
    assert metrics.asked == [
        'mlver_predictions_total{model="digits",stage=~"production",version=~"1\\\\.1\\\\.0|1\\\\.0\\\\.0"}',
        'mlver_prediction_seconds_bucket{model="digits",stage=~"production",'
        'version=~"1\\\\.1\\\\.0|1\\\\.0\\\\.0",le=~"0\\\\.25|\\\\+Inf"}',
    ]
    assert serving.mlver("verify", "--all").code == 0


def test_a_bad_version_fails(serving: Repository, metrics: MetricsServer) -> None:
    metrics.series[TOTAL] = []
    add_counters(metrics, "1.1.0", 1, errors=0.2)
    add_counters(metrics, "1.0.0", 9)
    assert judge(serving, metrics)["answer"] == "fail"


def test_counters_that_began_again_or_late_are_counted_whole(
    serving: Repository, metrics: MetricsServer
) -> None:
    metrics.series[TOTAL] = []
    metrics.add(TOTAL, lambda step: step % 50, version="1.1.0", outcome="ok")
    late = lambda step: None if step < 100 else step  # noqa: E731
    metrics.add(TOTAL, late, version="1.0.0", outcome="ok")
    document = judge(serving, metrics, "--dry-run")
    # Of each start, the first value counts: 0 here, so that 4 of 240 steps brought nothing.
    assert document["counted"]["candidate"] == 240 - 4
    assert document["counted"]["baseline"] == 240


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (TOTAL, float("nan"), "no number of events"),
        (TOTAL, float("inf"), "no number of events"),
        (TOTAL, -1.0, "no number of events"),
    ],
)
def test_what_is_no_count_tells_nothing(
    serving: Repository, metrics: MetricsServer, name: str, value: float, words: str
) -> None:
    metrics.add(name, lambda step: value, version="1.1.0", outcome="error")
    document = judge(serving, metrics, "--dry-run")
    assert (document["answer"], words in document["reason"]) == ("inconclusive", True)


def test_missing_series_tell_nothing(serving: Repository, metrics: MetricsServer) -> None:
    for labels, words in (("1.0.0", "(the baseline)"), ("1.1.0", "(the candidate)")):
        metrics.series[TOTAL] = [
            pair for pair in metrics.series[TOTAL] if pair[0]["version"] != labels
        ]
        document = judge(serving, metrics, "--dry-run")
        assert (document["answer"], words in document["reason"]) == ("inconclusive", True)


def test_a_stale_series_does_not_pass(serving: Repository, metrics: MetricsServer) -> None:
    metrics.series[TOTAL] = []
    gone = lambda step: step * 40.0 if step < 200 else None  # noqa: E731
    metrics.add(TOTAL, gone, version="1.1.0", outcome="ok")
    add_counters(metrics, "1.0.0", 9)
    document = judge(serving, metrics, "--dry-run")
    assert "the last event of 1.1.0 (the candidate)" in document["reason"]


def test_a_bucket_that_is_not_there_is_named(serving: Repository, metrics: MetricsServer) -> None:
    buckets = metrics.series[BUCKET]
    metrics.series[BUCKET] = [pair for pair in buckets if pair[0]["le"] == "+Inf"]
    document = judge(serving, metrics, "--dry-run")
    assert "no bucket of 0.25 s, which slow asks for" in document["reason"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"[" * 100_000,
        b'{"status": "error", "error": "x"}',
        b'{"status": "success", "data": {"resultType": "matrix", "result": [1]}}',
        b'{"status": "success", "data": {"resultType": "matrix", "result":'
        b' [{"metric": {}, "values": [["x", "y"]]}]}}',
        b'{"status": "success", "data": {"resultType": "matrix", "result":'
        b' [{"metric": {}, "values": [[1e999, "1"]]}]}}',
        b'{"status": "success", "data": {"resultType": "matrix", "result":'
        b' [{"metric": {}, "values": [[1, 1' + b"0" * 400 + b"]]}]}}",
        b"\x1b[31m\xff",
    ],
)
def test_hostile_answers_are_refused(
    serving: Repository, metrics: MetricsServer, raw: bytes
) -> None:
    metrics.raw = raw
    words = ("judge", "digits", "--stage", "production", "--prometheus", metrics.address)
    done = serving.mlver(*words, *SINCE)
    assert (done.code, "none of Prometheus's" in done.err) == (3, True)


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("file:///etc/passwd", 2),
        ("http://[::1", 2),
        ("127.0.0.1:9090", 2),
        ("http://kim:secret@127.0.0.1", 2),
        ("http://127.0.0.1:1", 3),
    ],
)
def test_what_is_no_server_is_refused(serving: Repository, address: str, code: int) -> None:
    words = ("judge", "digits", "--stage", "production", "--prometheus", address)
    done = serving.mlver(*words, *SINCE)
    assert (done.code, done.out, "secret" in done.err) == (code, "", False)
