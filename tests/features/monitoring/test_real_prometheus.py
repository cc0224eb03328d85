"""Verdicts by a real Prometheus server: what it knows of hours, and what it scrapes meanwhile."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from mlver.document.emit import dump_document
from mlver.policy.monitoring.grafana import build_dashboard
from mlver.policy.monitoring.rules import build_groups
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.policy.monitoring.watched import find_keys, watch_stage
from tests.servers.prometheus import (
    FOLDER_VARIABLE,
    call_server,
    query_prometheus,
)
from tests.servers.starting import RunningServer

SETTINGS = """\
stages:
  good: {description: Good}
  bad: {description: Bad}
  reset: {description: Reset}
  stale: {description: Stale}
  missing: {description: Missing}
  nan: {description: Not a number}
  live: {description: Live}
verdict:
  metrics:
    errors: {bad: outcome="error", margin: 0.01}
"""


@pytest.fixture
def judged(second: Repository) -> Repository:
    (second.path / ".mlver/config.yaml").write_text(f"schema: mlver/config/1\n{SETTINGS}")
    second.commit("Say which answers are bad")
    return second


def judge(repository: Repository, address: str, stage: str, *options: str) -> dict[str, Any]:
    words = ("judge", "digits", "--stage", stage, "--prometheus", address, "--dry-run", "--json")
    versions = ("--candidate", "@1.1.0", "--baseline", "@1.0.0")
    document: dict[str, Any] = read_document(repository.mlver(*words, *versions, *options), "judge")
    return document


@pytest.mark.parametrize(
    ("stage", "answer", "reason", "counted"),
    [
        ("good", "pass", "no more bad events than allowed: 1.00% of errors", 24_000),
        ("bad", "fail", "too many bad events: 20.00% of errors beside 1.00%", 24_000),
        # What was counted between the last scrape and the end of the process is lost: one step.
        ("reset", "pass", "no more bad events than allowed", 23_900),
        ("stale", "inconclusive", "the last event of 1.1.0 (the candidate) is of", 20_000),
        ("missing", "inconclusive", "there is no event of 1.1.0 (the candidate) from", 0),
        ("nan", "inconclusive", "counted something that is no number of events", 0),
    ],
)
def test_a_server_is_believed_as_far_as_it_counted(
    judged: Repository,
    prometheus: RunningServer,
    stage: str,
    answer: str,
    reason: str,
    counted: int,
) -> None:
    document = judge(judged, prometheus.address, stage, "--since", "2026-01-02T01:04:05Z")
    assert (document["answer"], reason in document["reason"]) == (answer, True), document["reason"]
    if stage != "nan":
        found = document["counted"]["candidate"]
        # Prometheus looks back five minutes for a series that ended without saying so.
        assert found == pytest.approx(counted, abs=1_000 if stage == "stale" else 0)


@contextmanager
def serving_counters(text: Callable[[], str]) -> Iterator[int]:
    """Serve what Prometheus scrapes; give the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = text().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def expose(stage: str) -> str:
    lines = ["# TYPE mlver_predictions_total counter\n"]
    for version, outcome, counted in (
        *(("1.1.0", "ok", 150), ("1.1.0", "error", 50)),
        *(("1.0.0", "ok", 1_782), ("1.0.0", "error", 18)),
    ):
        labels = f'model="digits",version="{version}",stage="{stage}",outcome="{outcome}"'
        lines.append(f"mlver_predictions_total{{{labels}}} {counted}\n")
    return "".join(lines)


def wait_until(is_so: Callable[[], bool], what: str, patience: float = 20) -> None:
    deadline = time.monotonic() + patience
    while not is_so():
        assert time.monotonic() < deadline, f"it took too long: {what}"
        time.sleep(0.1)


def write_whole(path: Path, data: bytes) -> None:
    """Put a file there that the server never sees in part."""
    path.with_suffix(".new").write_bytes(data)
    path.with_suffix(".new").replace(path)


def test_what_is_scraped_is_judged_at_once(
    judged: Repository, prometheus: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(prometheus.environment[FOLDER_VARIABLE])
    with serving_counters(lambda: expose("live")) as port:
        targets = [{"targets": [f"127.0.0.1:{port}"]}]
        write_whole(folder / "targets/live.json", json.dumps(targets).encode())
        scraped = 'mlver_predictions_total{stage="live"}'
        wait_until(lambda: len(query_prometheus(prometheus, scraped)) == 4, "a scrape")
        (folder / "targets/live.json").unlink()
    now = int(time.time()) + 1
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(now))
    # The counters are read every 30 s: before there were any, and now.
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 30))
    document = judge(judged, prometheus.address, "live", "--since", since)
    assert (document["answer"], document["counted"]["candidate"]) == ("fail", 200)
    assert document["counted"]["metrics"]["errors"]["candidate"] == {"bad": 50, "events": 200}


def test_a_server_takes_the_rules_and_every_query_of_the_dashboard(
    prometheus: RunningServer,
) -> None:
    watched = watch_stage()
    folder = Path(prometheus.environment[FOLDER_VARIABLE])
    rules = dump_document({"groups": build_groups(watched)})
    write_whole(folder / f"rules/{os.getpid()}.yaml", rules)
    assert call_server(prometheus.port, "POST", "/-/reload")[0] == 200
    _, said = call_server(prometheus.port, "GET", "/api/v1/rules")
    loaded = [rule for group in find_keys(json.loads(said), "rules") for rule in group]
    assert len(loaded) == len(build_groups(watched)[0]["rules"])
    assert {rule.get("lastError", "") for rule in loaded} == {""}
    for query in find_keys(build_dashboard([watched]), "expr"):
        query_prometheus(prometheus, query)
    (folder / f"rules/{os.getpid()}.yaml").unlink()
    assert call_server(prometheus.port, "POST", "/-/reload")[0] == 200
