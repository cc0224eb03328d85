"""The middleware in a Starlette application, asked by Starlette's test client."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from itertools import cycle
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from mlver.project.loading.deployed_folder import DeployedFolder
from mlver.project.loading.middleware import ModelVersionMiddleware
from mlver.project.loading.switching import ServedModel, ServedModelOptions
from mlver.project.predictions.metrics import PredictionMetrics
from mlver.project.predictions.writing import PredictionLogWriter
from tests.project.loading.deployments import point_link, write_version


class Application:
    """An application that serves `digits` from a folder; `served` is its model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "serving"
        self.registry = CollectorRegistry()
        self.log = folder / "log"
        point_link(self.folder, write_version(self.folder, "1.0.0", {"net": "1.0.0"}))
        self.served = ServedModel(
            DeployedFolder(folder=self.folder, model="digits", stage="production"),
            Path.read_text,
            ServedModelOptions(
                metrics=PredictionMetrics(self.registry),
                log=PredictionLogWriter(self.log, source="/digits"),
            ),
        )
        counted = {"/counted", "/counted/error", "/counted/raise", "/counted/stream"}
        self.client = TestClient(
            Starlette(
                routes=[
                    Route("/predict", self.predict),
                    Route("/sync", self.predict_in_a_thread),
                    Route("/switch", self.switch),
                    Route("/named", self.name_version),
                    Route("/stream", self.stream),
                    Route("/health", self.tell_health),
                    Route("/counted", self.predict),
                    Route("/counted/error", self.fail),
                    Route("/counted/raise", self.raise_error),
                    Route("/counted/stream", self.stream),
                    WebSocketRoute("/socket", self.talk),
                ],
                middleware=[Middleware(ModelVersionMiddleware, self.served, paths=counted)],
            ),
            raise_server_exceptions=False,
        )

    async def predict(self, request: Request) -> Response:
        with self.served.predicting() as answer:
            answer.prediction = answer.model
        return JSONResponse(answer.prediction)

    def predict_in_a_thread(self, request: Request) -> Response:
        with self.served.predicting() as answer:
            return PlainTextResponse(answer.model)

    async def switch(self, request: Request) -> Response:
        with self.served.predicting() as answer:
            point_link(self.folder, write_version(self.folder, "1.1.0", {"net": "1.1.0"}))
            assert self.served.refresh()
            return PlainTextResponse(answer.model)

    async def name_version(self, request: Request) -> Response:
        with self.served.predicting():
            return PlainTextResponse("x", headers={"x-model-version": "mine"})

    async def stream(self, request: Request) -> Response:
        with self.served.predicting() as answer:
            model = answer.model

        async def write_parts() -> AsyncIterator[str]:
            for part in model.split("."):
                yield part

        return StreamingResponse(write_parts())

    async def tell_health(self, request: Request) -> Response:
        return PlainTextResponse("fine")

    async def fail(self, request: Request) -> Response:
        return PlainTextResponse("no", status_code=503)

    async def raise_error(self, request: Request) -> Response:
        request.state.prediction.prediction = "half"
        raise RuntimeError

    async def talk(self, socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    def count(self, outcome: str) -> float | None:
        labels = {"model": "digits", "version": "1.0.0", "stage": "production"}
        return self.registry.get_sample_value(
            "mlver_predictions_total", {**labels, "outcome": outcome}
        )

    def read_log(self) -> list[dict[str, object]]:
        # An hour may end meanwhile.
        texts = [path.read_text() for path in sorted(self.log.iterdir())]
        return [json.loads(line) for text in texts for line in text.splitlines()]


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    application = Application(tmp_path)
    with application.served:
        yield application


def find_version(response: object) -> str | None:
    return response.headers.get("X-Model-Version")  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("path", ["/predict", "/sync", "/stream", "/counted", "/counted/stream"])
def test_a_response_names_the_version_that_answered(application: Application, path: str) -> None:
    response = application.client.get(path)
    assert find_version(response) == "1.0.0"
    assert response.text.strip('"') in ("1.0.0", "100")
    assert (application.count("ok"), application.count("error")) == (1, 0)


def test_a_switch_within_a_request_does_not_change_what_it_says(application: Application) -> None:
    response = application.client.get("/switch")
    assert (response.text, find_version(response)) == ("1.0.0", "1.0.0")
    assert find_version(application.client.get("/predict")) == "1.1.0"


def test_what_no_version_answered_names_none(application: Application) -> None:
    assert find_version(application.client.get("/health")) is None
    assert find_version(application.client.get("/absent")) is None
    assert application.count("ok") == 0


def test_a_header_that_is_there_stays(application: Application) -> None:
    assert find_version(application.client.get("/named")) == "mine"


def test_a_request_is_counted_by_its_status(application: Application) -> None:
    client = application.client
    assert client.get("/counted/error").headers["x-model-version"] == "1.0.0"
    assert client.get("/counted/raise").status_code == 500
    assert client.get("/counted", headers={"X-Request-ID": "r7"}).status_code == 200
    assert (application.count("ok"), application.count("error")) == (1, 2)
    events = application.read_log()
    assert events[2]["id"] == "r7"
    told = [(event["data"]["outcome"], event["data"]["prediction"]) for event in events]  # type: ignore[index]
    assert told == [("error", None), ("error", "half"), ("ok", "1.0.0")]


def test_an_empty_id_of_a_request_is_none(application: Application) -> None:
    """What answers it would count as one answer: they all had the same id."""
    for _ in range(2):
        application.client.get("/counted", headers={"X-Request-ID": ""})
    first, second = (event["id"] for event in application.read_log())
    assert first
    assert first != second


def test_other_protocols_pass(application: Application) -> None:
    with application.client.websocket_connect("/socket") as socket:
        assert socket.receive_text() == "hello"


def test_paths_need_a_model() -> None:
    with pytest.raises(TypeError, match="has to be given as well"):
        ModelVersionMiddleware(Starlette(), paths={"/predict"})


def test_requests_under_load_name_what_answered_them(application: Application) -> None:
    """Four clients ask while the stage moves to and fro."""
    places = [
        write_version(application.folder, version, {"net": version})
        for version in ("1.1.0", "1.0.0")
    ]
    stop = threading.Event()
    answers: Counter[tuple[int, str, str | None]] = Counter()

    def ask(path: str) -> None:
        while not stop.is_set():
            response = application.client.get(path)
            answer = (response.status_code, response.text.strip('"'), find_version(response))
            answers[answer] += 1

    threads = [threading.Thread(target=ask, args=(path,)) for path in ("/sync", "/counted") * 2]
    for thread in threads:
        thread.start()
    limit = time.monotonic() + 20
    wanted = [(200, version, version) for version in ("1.0.0", "1.1.0")]
    for place in cycle(places):
        point_link(application.folder, place)
        application.served.refresh()
        if min(answers[answer] for answer in wanted) >= 25 or time.monotonic() > limit:
            break
    stop.set()
    for thread in threads:
        thread.join()
    assert sorted(answers) == wanted
    counted = application.registry.get_sample_value(
        "mlver_predictions_total",
        {"model": "digits", "version": "1.1.0", "stage": "production", "outcome": "ok"},
    )
    assert counted == answers[200, "1.1.0", "1.1.0"]
    assert len(application.read_log()) == answers.total()
