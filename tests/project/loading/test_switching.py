"""A model that is served while its stage moves."""

from __future__ import annotations

import logging
import os
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from mlver.errors import MlverError
from mlver.project.loading.deployed_folder import DeployedFolder
from mlver.project.loading.switching import ServedModel, ServedModelOptions
from mlver.project.predictions.metrics import PredictionMetrics
from mlver.project.predictions.writing import PredictionLogWriter
from tests.project.loading.deployments import point_link, write_version


class Deployment:
    """A folder with two versions, and what loads them; `broken` versions cannot be loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broken: set[str] = set()
        self.error: type[BaseException] = RuntimeError
        self.loads: list[str] = []
        self.places = {
            version: write_version(folder, version, {"net.onnx": version})
            for version in ("1.0.0", "1.1.0")
        }
        self.move("1.0.0")
        self.registry = CollectorRegistry()

    def move(self, version: str) -> None:
        point_link(self.folder, self.places[version])

    def load(self, path: Path) -> str:
        version = path.read_text()
        self.loads.append(version)
        if version in self.broken:
            raise self.error(f"no memory for {version}")
        return version

    def serve(self, **options: Any) -> ServedModel[str]:
        source = DeployedFolder(folder=self.folder, model="digits", stage="production")
        if "metrics" not in options:
            options["metrics"] = PredictionMetrics(self.registry, linger=0)
        return ServedModel(source, self.load, ServedModelOptions(**options))

    def count(self, version: str, outcome: str) -> float | None:
        labels = {"model": "digits", "version": version, "stage": "production"}
        return self.registry.get_sample_value(
            "mlver_predictions_total", {**labels, "outcome": outcome}
        )


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    return Deployment(tmp_path / "serving")


def await_truth(asked: Callable[[], bool]) -> None:
    limit = time.monotonic() + 10
    while not asked():
        assert time.monotonic() < limit
        time.sleep(0.002)


def test_a_moved_link_is_followed(deployment: Deployment) -> None:
    with deployment.serve() as served:
        assert not served.refresh()
        deployment.move("1.1.0")
        with served.predicting() as before:
            assert served.refresh()
            # What a prediction began with stays.
            assert (before.model, before.version) == ("1.0.0", "1.0.0")
        with served.predicting() as after:
            assert (after.model, after.version) == ("1.1.0", "1.1.0")
        assert deployment.loads == ["1.0.0", "1.1.0"]


def test_a_poll_follows_it_too(deployment: Deployment) -> None:
    with deployment.serve(poll=0.002) as served:
        deployment.move("1.1.0")
        await_truth(lambda: served.current.model == "1.1.0")
    deployment.move("1.0.0")
    time.sleep(0.02)
    assert served.current.model == "1.1.0"


def test_threads_that_predict_meet_one_version_at_a_time(deployment: Deployment) -> None:
    stop = threading.Event()
    mixed: list[str] = []
    made = [0] * 4

    def predict(number: int) -> None:
        while not stop.is_set():
            with served.predicting() as answer:
                if answer.model != answer.version or answer.loaded.weights.name != "net.onnx":
                    mixed.append(answer.version)
            made[number] += 1

    # Versions that left keep their counts here.
    with deployment.serve(metrics=PredictionMetrics(deployment.registry)) as served:
        threads = [threading.Thread(target=predict, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for step in range(60):
            deployment.move(("1.1.0", "1.0.0")[step % 2])
            assert served.refresh()
        stop.set()
        for thread in threads:
            thread.join()
    assert not mixed
    counted = [deployment.count(version, "ok") or 0 for version in ("1.0.0", "1.1.0")]
    assert sum(counted) == sum(made)
    assert min(counted) > 0


def test_what_cannot_be_loaded_leaves_the_version_before(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mlver.serving")
    with deployment.serve() as served:
        deployment.broken.add("1.1.0")
        deployment.move("1.1.0")
        assert not served.refresh()
        assert (served.current.model, served.fault) == ("1.0.0", "no memory for 1.1.0")
        labels = {"model": "digits", "stage": "production"}
        name = "mlver_model_load_failures_total"
        assert deployment.registry.get_sample_value(name, labels) == 1
        deployment.broken.clear()
        # It was tried just now: one poll passes.
        assert not served.refresh()
        assert served.refresh()
        assert (served.current.model, served.fault) == ("1.1.0", None)
    assert [record.getMessage() for record in caplog.records] == [
        "digits 1.0.0 (production) goes on being served: no memory for 1.1.0",
        "digits 1.1.0 (production) is served now, in place of 1.0.0",
    ]


def test_a_version_that_fails_is_tried_less_and_less_often(deployment: Deployment) -> None:
    with deployment.serve() as served:
        deployment.broken.add("1.1.0")
        deployment.move("1.1.0")
        for _ in range(200):
            served.refresh()
        assert 5 <= deployment.loads.count("1.1.0") <= 10
        # Back to what is served: nothing is wrong any more.
        deployment.move("1.0.0")
        served.refresh()
        assert served.fault is None


def test_a_folder_that_vanishes_leaves_the_version_before(deployment: Deployment) -> None:
    with deployment.serve() as served:
        (deployment.folder / "stable").unlink()
        assert not served.refresh()
        assert served.fault is not None
        assert served.current.model == "1.0.0"


def test_what_cannot_be_loaded_at_first_is_refused(deployment: Deployment) -> None:
    (deployment.places["1.0.0"] / "net.onnx").write_text("1.0.1")
    with pytest.raises(MlverError, match="does not hold the bytes"):
        deployment.serve()


def test_outcomes_are_counted_from_0(deployment: Deployment) -> None:
    with deployment.serve(outcomes=("ok", "error", "rejected")) as served:
        for outcome in ("ok", "error", "rejected"):
            assert deployment.count("1.0.0", outcome) == 0
        with pytest.raises(ZeroDivisionError), served.predicting():
            raise ZeroDivisionError
        with served.predicting() as answer:
            answer.outcome = "rejected"
        counted = [deployment.count("1.0.0", outcome) for outcome in ("ok", "error", "rejected")]
        assert counted == [0, 1, 1]
        name = "mlver_prediction_seconds_count"
        labels = {"model": "digits", "version": "1.0.0", "stage": "production"}
        assert deployment.registry.get_sample_value(name, labels) == 2


def test_a_version_that_left_drops_its_series(deployment: Deployment) -> None:
    def list_versions(name: str) -> set[str]:
        return {
            sample.labels["version"]
            for metric in deployment.registry.collect()
            for sample in metric.samples
            if sample.name == name
        }

    with deployment.serve() as served:
        deployment.move("1.1.0")
        served.refresh()
        served.refresh()
        for name in ("predictions_total", "prediction_seconds_bucket", "model_info"):
            assert list_versions(f"mlver_{name}") == {"1.1.0"}
    # A prediction that began before does not bring them back.
    with served.predicting():
        served._options.metrics.drop_left()  # type: ignore[union-attr]
    assert list_versions("mlver_predictions_total") == set()


def test_a_forked_worker_follows_the_link_itself(deployment: Deployment, tmp_path: Path) -> None:
    with deployment.serve(poll=0.002) as served:
        with warnings.catch_warnings():
            # Python 3.12 warns of threads, of which the child has none.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            try:
                with served.predicting():
                    pass
                deployment.move("1.1.0")
                await_truth(lambda: served.current.model == "1.1.0")
                (tmp_path / "followed").touch()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
    assert (tmp_path / "followed").exists()


def test_features_are_logged_only_where_asked_for(deployment: Deployment, tmp_path: Path) -> None:
    def log_one(name: str, features: object) -> str:
        log = PredictionLogWriter(tmp_path / name, source="/digits")
        served = deployment.serve(metrics=None, log=log, features=features)
        with served, served.predicting("r1") as answer:
            answer.features = {"age": 41, "name": "Kim"}
            answer.prediction = 7
        (path,) = (tmp_path / name).iterdir()
        return path.read_text()

    assert "features" not in log_one("none", False)
    assert '"features":{"age":41,"name":"Kim"}' in log_one("all", True)
    assert '"features":{"age":41}' in log_one("some", ("age", "gone"))


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, MemoryError])
def test_whatever_a_loader_raises_the_looking_goes_on(
    deployment: Deployment, error: type[BaseException]
) -> None:
    """A loader in another language may panic, which is no Exception."""
    deployment.error = error
    deployment.broken.add("1.1.0")
    with deployment.serve(poll=0.002) as served:
        deployment.move("1.1.0")
        await_truth(lambda: served.fault is not None)
        assert (served.fault, served.current.model) == ("no memory for 1.1.0", "1.0.0")
        deployment.broken.clear()
        await_truth(lambda: served.current.model == "1.1.0")
