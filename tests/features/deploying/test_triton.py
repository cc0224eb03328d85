"""Triton's own server, under load while `mlver deploy` switches a version and rolls it back."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import yaml

from tests.cli.conftest import assert_works
from tests.conftest import Repository
from tests.features.deploying.conftest import add_target, promote
from tests.servers.starting import RunningServer, Servers
from tests.servers.triton import start_triton

OLD, NEW = 10_002_000_099, 10_003_000_099
# Triton's Python backend runs this file; a real one would read the weights beside it.
MODEL = """\
import numpy
import triton_python_backend_utils as backend


class TritonPythonModel:
    def execute(self, requests):
        answer = backend.Tensor("y", numpy.array([1.0], dtype=numpy.float32))
        return [backend.InferenceResponse(output_tensors=[answer]) for _ in requests]
"""
CONFIG = """\
backend: "python"
max_batch_size: 0
input [ { name: "x" data_type: TYPE_FP32 dims: [ 1 ] } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ 1 ] } ]
instance_group [ { kind: KIND_CPU count: 1 } ]
"""
REQUEST = {"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1.0]}]}
SETTINGS = {"layout": "triton", "path": "serving", "stages": {"stable": "production"}}


class TritonClients:
    """Two clients that ask all the time, and keep what they were answered."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.answers: list[str] = []
        self.failures: list[str] = []
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._ask_always) for _ in range(2)]

    def ask(self) -> str:
        """The number of the version that answers a request which names none."""
        address = f"{self.server.address}/v2/models/digits/infer"
        request = Request(address, json.dumps(REQUEST).encode())
        with urlopen(request, timeout=10) as answer:
            return str(json.load(answer)["model_version"])

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, number: int) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with suppress(URLError):
                if self.ask() == str(number):
                    return
            time.sleep(0.05)
        raise AssertionError(f"{number} never answers: {self.failures[:3]}")

    def _ask_always(self) -> None:
        while not self._is_over.is_set():
            try:
                self.answers.append(self.ask())
            except (OSError, ValueError) as error:
                self.failures.append(str(error))
            time.sleep(0.003)


def register_models(repository: Repository) -> Path:
    """Versions 1.2.0 and 1.3.0 that Triton can run, the first in production; the target's folder.

    Both bring their config.pbtxt.
    """
    repository.write("model/config.pbtxt", CONFIG)
    for version in ("1.2.0", "1.3.0"):
        repository.write("model/model.py", f"# {version}\n{MODEL}")
        words = ("--weights", "model", "--version", version, "--allow-mixed", "-m", "Train")
        assert_works(repository, "register", "digits", *words)
    promote(repository, "1.2.0")
    add_target(repository, yaml.safe_dump({"deploy": {"host": SETTINGS}}))
    return repository.path / "serving"


def test_triton_is_switched_and_rolled_back_without_a_failed_request(
    second: Repository, servers: Servers
) -> None:
    folder = register_models(second)
    assert_works(second, "deploy", "host")
    server = servers.share_server("triton", lambda place: start_triton(place, folder / "models"))
    clients = TritonClients(server)
    clients.wait_for(OLD)
    clients.start()
    try:
        promote(second, "1.3.0")
        assert_works(second, "deploy", "host")
        clients.wait_for(NEW)
        assert_works(second, "rollback", "digits", "--stage", "production", "-m", "Worse")
        assert_works(second, "deploy", "host")
        clients.wait_for(OLD)
    finally:
        clients.stop()
        server.stop_server()
    assert clients.failures == []
    assert set(clients.answers) == {str(OLD), str(NEW)}
    assert len(clients.answers) > 100
