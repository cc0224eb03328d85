"""Prometheus: scrapes the targets that tests name, and evaluates the rules that they put down.

A folder of the server holds `targets/*.json` (groups of targets, which it reads by itself),
`rules/*.yaml` (which it reads again when asked to) and `alertmanagers/*.json`.
"""

from __future__ import annotations

import http.client
import json
import subprocess
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.servers.install import install_programs
from tests.servers.known_counters import make_history
from tests.servers.starting import RunningServer, find_ports, start_process

# Where a test finds the folder of the server.
FOLDER_VARIABLE = "MLVER_TESTS_PROMETHEUS"
_SETTINGS = """
global: {scrape_interval: 500ms, scrape_timeout: 400ms, evaluation_interval: 500ms}
rule_files: ["rules/*.yaml"]
scrape_configs:
- job_name: tests
  file_sd_configs: [{files: ["targets/*.json"], refresh_interval: 1s}]
alerting:
  alertmanagers:
  - file_sd_configs: [{files: ["alertmanagers/*.json"], refresh_interval: 1s}]
"""
_PATIENCE_S = 30


def start_prometheus(folder: Path) -> RunningServer:
    """Start a server that knows the counters of `known_counters`."""
    programs = install_programs("apt", "prometheus")
    (port,) = find_ports(1)
    for name in ("rules", "targets", "alertmanagers", "data"):
        (folder / name).mkdir()
    (folder / "prometheus.yml").write_text(_SETTINGS)
    (folder / "history.txt").write_bytes(make_history())
    words = ("tsdb", "create-blocks-from", "openmetrics", "history.txt", "data")
    subprocess.run([programs / "promtool", *words], cwd=folder, capture_output=True, check=True)
    command = [
        str(programs / "prometheus"),
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=100y",
        "--web.enable-lifecycle",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    pid = start_process(command, folder, lambda: _is_ready(port))
    return RunningServer(
        address=f"http://127.0.0.1:{port}",
        port=port,
        pid=pid,
        environment={FOLDER_VARIABLE: str(folder)},
    )


def _is_ready(port: int) -> bool:
    with suppress(OSError, http.client.HTTPException):
        return call_server(port, "GET", "/-/ready")[0] == http.client.OK
    return False


def call_server(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Ask a server on this machine; give its status and what it said."""
    headers = {"Content-Type": "application/json"}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def query_prometheus(server: RunningServer, query: str) -> Any:
    """Ask for the values of an expression now; raise AssertionError where it is refused."""
    status, body = call_server(server.port, "GET", f"/api/v1/query?{urlencode({'query': query})}")
    assert status == http.client.OK, (query, body)
    return json.loads(body)["data"]["result"]
