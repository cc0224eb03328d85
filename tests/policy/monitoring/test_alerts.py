"""A real Alertmanager sends what acts to the webhook, with its token, until that was taken."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from mlver.document.emit import dump_document
from mlver.policy.monitoring.alertmanager import build_alertmanager
from tests.policy.monitoring.watched import watch_stage
from tests.servers.alertmanager import use_settings
from tests.servers.prometheus import call_server
from tests.servers.starting import RunningServer

TOKEN = "a-token-of-the-tests"


@contextmanager
def taking_alerts(taken: list[tuple[str | None, dict[str, Any]]]) -> Iterator[str]:
    """Take what comes, but not the first time: then it cannot be worked on."""
    statuses = iter((503,))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = next(statuses, 200)
            if status == 200:
                taken.append((self.headers.get("Authorization"), json.loads(body)))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/alerts"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def send_alert(server: RunningServer, **labels: str) -> None:
    named = {"model": "digits", "stage": "production", "version": "1.1.0", **labels}
    body = json.dumps([{"labels": named, "annotations": {"summary": "Bad"}}]).encode()
    status, said = call_server(server.port, "POST", "/api/v2/alerts", body)
    assert status == 200, said


def test_only_what_acts_reaches_the_webhook(alertmanager: RunningServer, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    taken: list[tuple[str | None, dict[str, Any]]] = []
    with taking_alerts(taken) as address:
        document = build_alertmanager([watch_stage()], address, str(token))
        use_settings(alertmanager, dump_document(document))
        send_alert(alertmanager, alertname="MlverSilentErrors", severity="warning")
        send_alert(alertmanager, alertname="MlverBadErrors", mlver_action="rollback", model="other")
        for metric in ("errors", "slow"):
            acting = {"mlver_action": "rollback", "metric": metric}
            send_alert(alertmanager, alertname="MlverBadErrors", **acting)
        deadline = time.monotonic() + 20
        while not taken:
            assert time.monotonic() < deadline, "no alert came"
            time.sleep(0.05)
        use_settings(alertmanager, b"{route: {receiver: nobody}, receivers: [{name: nobody}]}")
    ((authorization, payload),) = taken
    assert authorization == f"Bearer {TOKEN}"
    assert (payload["version"], payload["status"], payload["receiver"]) == (
        "4",
        "firing",
        "mlver-digits",
    )
    assert payload["groupLabels"] == {
        "alertname": "MlverBadErrors",
        "model": "digits",
        "version": "1.1.0",
    }
    assert sorted(alert["labels"]["metric"] for alert in payload["alerts"]) == ["errors", "slow"]
