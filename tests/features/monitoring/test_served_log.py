"""A verdict by the log that an application wrote with `mlver.serving`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mlver.project.predictions.writing import PredictionLogWriter
from tests.conftest import NOW, Repository


def test_judge_reads_what_serving_wrote(serving: Repository) -> None:
    writer = PredictionLogWriter(serving.path / "log", source="/digits")
    time = datetime.fromisoformat(NOW).astimezone(UTC)
    for number in range(800):
        version = "1.1.0" if number % 2 else "1.0.0"
        outcome = "error" if number % 2 and number % 5 == 0 else "ok"
        data = {"model": "digits", "version": version, "stage": "production", "outcome": outcome}
        time += timedelta(milliseconds=1)
        assert writer.write_event(f"r{number}", time, {**data, "latency_ms": 4.2, "prediction": 7})
    writer.close()
    (path,) = writer.folder.iterdir()
    named = ("--predictions", str(path.relative_to(serving.path)))
    done = serving.mlver("judge", "digits", "--stage", "production", *named, "--dry-run")
    assert (done.code, done.err) == (1, "")
    assert "Fail: digits 1.1.0 in production beside 1.0.0" in done.out
    assert "400 events beside 400" in done.out
