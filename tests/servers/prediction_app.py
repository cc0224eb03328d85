"""An application that answers with a model: `prediction_app.py TARGET MODEL STAGE ROLE PORT`.

It loads the version behind a role of a folder that `mlver deploy` wrote, by `mlver.serving`, and
switches to the next one while it runs. While there is none, it answers 503.

POST /predict   `MODEL VERSION`; weights with a file `faulty.json` fail for every so many requests,
                with this status: `{"every": 2, "status": 500}`
GET  /metrics   what Prometheus scrapes
"""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY, generate_latest

import mlver.serving
from mlver.errors import MlverError

_LOOK_EVERY = 0.1  # seconds


class PredictionFailed(Exception):
    """The version fails for this request; the status is that of its answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class CountingModel:
    """A model that fails for every so many requests, or for none."""

    every: int
    status: int
    requests: itertools.count[int]

    def predict(self) -> str:
        if self.every and next(self.requests) % self.every == 0:
            raise PredictionFailed(self.status)
        return "fine"


def load_model(weights: Path) -> CountingModel:
    """Load what `faulty.json` says; weights without that file never fail."""
    faulty: dict[str, int] = {}
    with suppress(FileNotFoundError):
        faulty = json.loads((weights / "faulty.json").read_text())
    return CountingModel(faulty.get("every", 0), faulty.get("status", 500), itertools.count(1))


class PredictionServer(ThreadingHTTPServer):
    """Serves what is behind a role, once there is something."""

    daemon_threads = True
    request_queue_size = 256
    served: mlver.serving.ServedModel[CountingModel] | None = None

    def follow_role(self, target: Path, model: str, stage: str, role: Any) -> None:
        """Load the first version that there is; from then on it is followed by itself."""
        while self.served is None:
            try:
                self.served = mlver.serving.load(
                    model,
                    stage=stage,
                    folder=target,
                    role=role,
                    loader=load_model,
                    poll=_LOOK_EVERY,
                )
            except MlverError:
                time.sleep(_LOOK_EVERY)


class PredictionHandler(BaseHTTPRequestHandler):
    """One request. Answers leave in one piece: without that, each waits 40 ms (Nagle)."""

    server: PredictionServer
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.answer(200, generate_latest(REGISTRY))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        served = self.server.served
        if served is None:
            self.answer(503, b"there is no version")
            return
        status = 200
        with suppress(PredictionFailed), served.predicting() as prediction:
            version = prediction.version
            try:
                prediction.prediction = prediction.model.predict()
            except PredictionFailed as failure:
                status = failure.status
                raise
        self.answer(status, f"{prediction.identity.model} {version}".encode(), version)

    def answer(self, status: int, body: bytes, version: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if version is not None:
            self.send_header(mlver.serving.VERSION_HEADER, version)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the tests look at answers."""


def main(target: str, model: str, stage: str, role: str, port: str) -> None:
    server = PredictionServer(("127.0.0.1", int(port)), PredictionHandler)
    following = (Path(target), model, stage, role)
    threading.Thread(target=server.follow_role, args=following, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
