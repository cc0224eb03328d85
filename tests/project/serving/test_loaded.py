"""A server that is asked whether it has loaded versions, and answers as it likes."""

from __future__ import annotations

import http.server
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from mlver.policy.serving.rendering import ServerReadiness, ServingLayout
from mlver.policy.serving.served import ServedTarget
from mlver.project.serving import loaded
from mlver.project.serving.targets import FoundTarget
from mlver.records.sections.deploy import TargetSettings

ANSWERS = [b"", b"[]", b"\xff", b"[" * 100_000, b'{"ready": 1}']
LAYOUT = ServingLayout(
    render_steps=lambda *_: (),
    readiness=ServerReadiness(
        status_path=lambda served: f"/{served.name}", is_ready=lambda answer, _: "ready" in answer
    ),
)


def make_target(folder: Path) -> FoundTarget:
    settings = TargetSettings(layout="triton", path="serving", stages={"stable": "production"})
    return FoundTarget(
        name="host",
        settings=settings,
        model="digits",
        folder=folder,
        is_outside=False,
        layout=LAYOUT,
        routes=None,
    )


def test_a_server_is_asked_again_whatever_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaded, "_PAUSE_S", 0)
    answers = list(ANSWERS)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers.pop(0)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        loaded.await_loaded(make_target(tmp_path), ServedTarget(name="host", stable=None), address)
        server.shutdown()
    assert not answers
