"""Loading by stage, as an application does it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

import mlver.serving
from mlver.errors import MlverError, UsageError
from mlver.project.project import Project
from mlver.project.stages.promote import promote_version
from tests.conftest import CHECKOUT, Repository
from tests.project.helpers import initialise_project, register_one, write_artifact
from tests.project.loading.deployments import point_link, write_version


@pytest.fixture
def project(repository: Repository) -> Project:
    """Two versions of `digits`; the first holds staging."""
    project = initialise_project(repository)
    repository.write(".gitignore", "net.onnx\n")
    repository.commit()
    for version in ("1.0.0", "1.1.0"):
        write_artifact(repository, "net.onnx", version)
        register_one(project, "digits", weights="net.onnx", version=version)
    promote_version(project, "digits@1.0.0", to="staging", message="try it")
    return project


def test_a_repository_gives_the_holder_of_a_stage_and_the_next(project: Project) -> None:
    registry = CollectorRegistry()
    served = mlver.serving.load(
        "digits",
        stage="staging",
        repository=project.top_folder,
        loader=Path.read_text,
        poll=None,
        registry=registry,
    )
    with served:
        assert (served.current.model, served.current.identity.sequence) == ("1.0.0", 1)
        _, digest = project.registry.read_version("digits", "1.0.0")
        assert served.current.identity.digest == str(digest)
        assert not served.refresh()
        promote_version(project, "digits@1.1.0", to="staging", message="better")
        assert served.refresh()
        assert (served.current.model, served.current.identity.version) == ("1.1.0", "1.1.0")
        labels = {"model": "digits", "version": "1.1.0", "sequence": "2"}
        _, digest = project.registry.read_version("digits", "1.1.0")
        sample = registry.get_sample_value("mlver_model_info", {**labels, "digest": str(digest)})
        assert sample == 1


def test_a_checkout_replaces_nothing_that_is_being_loaded(project: Project) -> None:
    """The working weights are those of 1.0.0 until the loader reads."""
    working = project.top_folder / "net.onnx"
    working.write_text("1.0.0")

    def load_late(path: Path) -> str:
        working.write_text("another")
        return path.read_text()

    repository = project.top_folder
    with mlver.serving.load(
        "digits", stage="staging", repository=repository, loader=load_late, metrics=False
    ) as served:
        assert served.current.model == "1.0.0"


def test_a_poll_follows_a_repository_too(project: Project) -> None:
    """The thread that looks is another one than the one that loaded first."""
    with mlver.serving.load(
        "digits",
        stage="staging",
        repository=project.top_folder,
        loader=Path.read_text,
        poll=0.01,
        metrics=False,
    ) as served:
        for version in ("1.1.0", "1.0.0", "1.1.0"):
            promote_version(project, f"digits@{version}", to="staging", message="better")
            limit = time.monotonic() + 20
            while served.current.model != version:
                assert time.monotonic() < limit, served.fault
                time.sleep(0.01)
        assert served.fault is None


def test_a_stage_that_nothing_holds_is_refused(project: Project) -> None:
    with pytest.raises(MlverError, match="no version of digits holds production"):
        mlver.serving.load(
            "digits", stage="production", repository=project.top_folder, loader=str, metrics=False
        )


def test_a_record_that_was_edited_keeps_what_is_served(project: Project) -> None:
    with mlver.serving.load(
        "digits",
        stage="staging",
        repository=project.top_folder,
        loader=Path.read_text,
        poll=None,
        metrics=False,
    ) as served:
        promote_version(project, "digits@1.1.0", to="staging", message="better")
        path = project.top_folder / ".mlver/models/digits/versions/1.1.0.yaml"
        path.write_text(path.read_text().replace("message: ", "message: forged ", 1))
        assert not served.refresh()
        assert served.current.model == "1.0.0"
        assert served.fault is not None


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ({}, "name one of them"),
        ({"folder": ".", "repository": "."}, "name one of them"),
        ({"folder": ".", "role": "shadow"}, "a role is `stable` or `canary`, not `shadow`"),
        ({"repository": ".", "role": "canary"}, "a canary is served from a folder"),
    ],
)
def test_versions_come_from_one_place(places: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        mlver.serving.load("digits", stage="production", loader=str, **places)  # type: ignore[arg-type]


def test_two_models_share_the_series_of_a_registry(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    for model in ("digits", "letters"):
        place = write_version(tmp_path / model, "1.0.0", {"net": model}, model=model)
        point_link(tmp_path / model, place)
        served = mlver.serving.load(
            model,
            stage="production",
            folder=tmp_path / model,
            loader=Path.read_text,
            registry=registry,
            outcomes=["rejected"],
            poll=None,
        )
        served.close()
    counted = [
        (sample.labels["model"], sample.labels["outcome"])
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == "mlver_predictions_total"
    ]
    outcomes = ("ok", "error", "rejected")
    assert counted == [(model, name) for model in ("digits", "letters") for name in outcomes]


_WITHOUT = """
import sys
for absent in ("git", "prometheus_client", "yaml", "typer"):
    sys.modules[absent] = None
from pathlib import Path
import mlver.serving
from mlver.errors import MlverError

options = {"stage": "production", "folder": sys.argv[1], "loader": Path.read_text, "poll": None}
served = mlver.serving.load("digits", metrics=False, log=sys.argv[2], **options)
with served.predicting("r1") as answer:
    answer.prediction = answer.model
try:
    mlver.serving.load("digits", **options)
except MlverError as error:
    print(error.hint)
"""


def test_a_folder_is_served_without_git_and_without_the_extra(tmp_path: Path) -> None:
    point_link(tmp_path, write_version(tmp_path, "1.0.0", {"net": "weights"}))
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT, tmp_path, tmp_path / "log"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": ""},
    )
    assert done.stdout == "pip install 'mlver[serving]'\n"
    (path,) = (tmp_path / "log").iterdir()
    event = json.loads(path.read_text())
    assert (event["source"], event["data"]["prediction"]) == ("/digits", "weights")


_WORKER = """
import sys
import time
from pathlib import Path
import mlver.serving
from tests.project.loading.deployments import point_link, write_version

folder = Path(sys.argv[1])
served = mlver.serving.load(
    "digits", stage="production", folder=folder, loader=Path.read_text, poll=None
)
for _ in range(3):
    with served.predicting():
        pass
point_link(folder, folder / "versions" / sys.argv[2])
served.refresh()
with served.predicting():
    pass
served.refresh()
"""
_GATHER = """
import sys
import time
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
registry = CollectorRegistry()
MultiProcessCollector(registry)
print(generate_latest(registry).decode())
"""


def test_the_workers_of_one_server_are_counted_together(tmp_path: Path) -> None:
    folder = tmp_path / "serving"
    first = write_version(folder, "1.0.0", {"net": "1.0.0"})
    second = write_version(folder, "1.1.0", {"net": "1.1.0"})
    (tmp_path / "shared").mkdir()
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "shared")}

    def run_python(source: str, *words: str | Path) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", source, *words],
            cwd=CHECKOUT,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={**environment, "PYTHONPATH": "."},
        )
        return done.stdout

    for _ in range(2):
        point_link(folder, first)
        run_python(_WORKER, folder, second.name)
    gathered = run_python(_GATHER).splitlines()
    labels = 'model="digits",outcome="ok",stage="production",version='
    assert f'mlver_predictions_total{{{labels}"1.0.0"}} 6.0' in gathered
    assert f'mlver_predictions_total{{{labels}"1.1.0"}} 2.0' in gathered
    error = labels.replace("ok", "error")
    assert f'mlver_predictions_total{{{error}"1.1.0"}} 0.0' in gathered
    infos = [line for line in gathered if line.startswith("mlver_model_info{")]
    assert [line[-3:] for line in infos] == ["0.0", "1.0"]
