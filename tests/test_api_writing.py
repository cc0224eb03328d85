"""Registering, promoting and rolling back from Python: the same as from the command line."""

from __future__ import annotations

import inspect
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import mlver
from mlver.errors import InvalidDocument, UsageError
from mlver.project.history.registered_versions import RegisteredVersions
from mlver.project.registering.options import RegisterOptions
from mlver.records.values import flatten_values
from tests.conftest import CHECKOUT, Repository
from tests.document.test_objects import Scalar
from tests.programs import install_packages
from tests.project.helpers import initialise_project, new_repository

STAGES = "stages:\n  staging: {}\n  production: {after: [staging]}\n"


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A project with weights that no version has yet, and in which the test stands."""
    repository = new_repository(tmp_path / "repository")
    initialise_project(repository)
    repository.write(".gitignore", "net.onnx\n")
    repository.commit("Ignore weights")
    repository.write("net.onnx", "one")
    monkeypatch.chdir(repository.path)
    return repository


def register_two(ground: Repository) -> None:
    mlver.register(
        "digits",
        "first",
        weights=Path("net.onnx"),
        params={"lr": Scalar(0.1), "layers": (64, 32)},
        metrics={"accuracy": Scalar(0.9), "loss": {"train": 1}},
        labels={"team": "vision"},
    )
    ground.write("net.onnx", "two")
    mlver.register("digits", "wider", bump="minor", metrics={"accuracy": 0.94})


def test_a_version_is_what_the_command_line_makes_of_it(ground: Repository) -> None:
    result = mlver.register(
        "digits", "first", weights="net.onnx", params={"lr": 0.1}, metrics={"accuracy": 0.9}
    )
    assert (result.version, result.tag, result.metrics) == (
        "1.0.0",
        "digits@v1.0.0",
        {"accuracy": 0.9},
    )
    ground.write("net.onnx", "two")
    words = ("--param", "lr=0.1", "--metric", "accuracy=0.9", "--bump", "minor", "-m", "first")
    assert ground.mlver("register", "digits", *words).code == 0
    first, second = (version.record for version in mlver.versions("digits"))
    assert (first.params, first.metrics) == (second.params, second.metrics)
    assert first.environment is not None
    assert second.environment is not None
    assert first.environment.packages == second.environment.packages
    assert first.environment.source == f"virtualenv {Path(sys.prefix).name}"
    assert ground.mlver("verify", "--all").code == 0


def test_versions_are_records_with_their_stages(ground: Repository) -> None:
    register_two(ground)
    mlver.promote("digits@1.0.0", to="staging", message="try it")
    versions = mlver.versions()
    assert isinstance(versions, RegisteredVersions)
    assert [version.stages for version in versions] == [("staging",), ()]
    assert versions[-1].record.metrics == {"accuracy": 0.94}
    assert (versions[0].name, versions[0].model, versions[0].version) == (
        "digits@1.0.0",
        "digits",
        "1.0.0",
    )
    assert versions[1].metrics == versions[1].record.metrics
    assert versions[1].params == versions[1].record.params
    assert repr(versions[1]) == "<digits@1.1.0>"
    assert len(versions[:1]) == 1
    assert repr(versions) == "<2 versions: digits@1.0.0, digits@1.1.0>"
    row = versions[0].to_row()
    assert row["metrics.loss.train"] == 1
    assert (row["params.lr"], row["params.layers"]) == (0.1, [64, 32])
    assert (row["labels.team"], row["stages"]) == ("vision", "staging")


def test_a_version_says_that_it_is_retired(ground: Repository) -> None:
    register_two(ground)
    mlver.retire("digits@1.0.0", "leaks", in_favour_of="digits@1.1.0")
    first, second = mlver.versions()
    assert (first.retired, second.retired) == ("leaks; use 1.1.0", None)
    assert first.to_row()["retired"] == "leaks; use 1.1.0"
    mlver.restore("digits@1.0.0", "it does not")
    assert [version.retired for version in mlver.versions()] == [None, None]


def test_the_help_of_register_names_each_option() -> None:
    described = inspect.getdoc(mlver.register) or ""
    missing = [name for name in RegisterOptions.__annotations__ if f"`{name}`" not in described]
    assert missing == []


def test_values_replace_those_of_files(ground: Repository) -> None:
    ground.write("params.yaml", "lr: 0.1\nseed: 7\n")
    ground.commit("Params")
    mlver.register(
        "digits", "first", weights="net.onnx", params_files="params.yaml", params={"lr": 0.2}
    )
    (version,) = mlver.versions("digits")
    assert version.record.params == {"lr": 0.2, "seed": 7}
    assert version.record.replaced_values["params"] == {"lr": 0.1}


def test_a_shut_gate_raises_and_moves_nothing(ground: Repository) -> None:
    settings = ground.path / ".mlver/config.yaml"
    settings.write_text("schema: mlver/config/1\n" + STAGES)
    ground.commit("Stages")
    register_two(ground)
    with pytest.raises(mlver.GatesShut, match="after") as shut:
        mlver.promote("digits", to="production", message="now")
    assert shut.value.result.outcome == "refused"
    assert shut.value.hint == "mlver promote digits@1.1.0 --to production -m WHY --dry-run"
    assert ground.mlver(*shut.value.hint.split()[1:]).code == 1
    assert all(version.stages == () for version in mlver.versions())
    forced = mlver.promote("digits", to="production", message="now", force=True)
    assert (forced.outcome, forced.forced) == ("promoted", True)


def test_a_stage_goes_back_with_the_working_files(ground: Repository) -> None:
    register_two(ground)
    for ref in ("digits@1.0.0", "digits@1.1.0"):
        mlver.promote(ref, to="staging", message="try it")
    tried = mlver.rollback(stage="staging", message="slow", dry_run=True)
    assert (tried.version, tried.dry_run, tried.sequence) == ("1.0.0", True, None)
    back = mlver.rollback("digits", stage="staging", message="slow", checkout=True)
    assert (back.version, back.previous) == ("1.0.0", "1.1.0")
    assert (ground.path / "net.onnx").read_text() == "one"


def test_what_is_wrong_changes_nothing(ground: Repository) -> None:
    head = ground.git("rev-parse", "HEAD")
    with pytest.raises(InvalidDocument, match="metrics of digits is not valid:\n  accuracy: a set"):
        mlver.register("digits", "first", weights="net.onnx", metrics={"accuracy": {0.9}})
    with pytest.raises(InvalidDocument, match="accuracy: is nan, not a number"):
        mlver.register("digits", "first", weights="net.onnx", metrics={"accuracy": float("nan")})
    with pytest.raises(mlver.MlverError, match="inf is not a finite number"):
        mlver.register("digits", "first", weights="net.onnx", params={"lr": float("inf")})
    with pytest.raises(UsageError, match="a version needs a reason"):
        mlver.register("digits", " ", weights="net.onnx")
    assert ground.git("rev-parse", "HEAD") == head
    assert len(mlver.versions()) == 0


def test_an_option_that_there_is_not_is_no_option(ground: Repository) -> None:
    misspelt = {"metrcs": {"accuracy": 0.9}, "weights": "net.onnx"}
    with pytest.raises(TypeError, match=r"has no option metrcs; did you mean metrics\?"):
        mlver.register("digits", "first", **misspelt)  # type: ignore[arg-type]
    assert len(mlver.versions()) == 0
    register_two(ground)
    result = mlver.register("digits", "to be tried", bump="minor", pre="rc")
    assert result.version == "1.2.0-rc.1"


def test_a_variable_that_is_none_by_mistake_moves_no_stage(ground: Repository) -> None:
    register_two(ground)
    with pytest.raises(TypeError, match="takes a text that names a version, not None"):
        mlver.promote(None, to="staging", message="x")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="bump is one of major, minor, patch, prerelease"):
        mlver.register("digits", "x", bump="huge")  # type: ignore[arg-type]
    with pytest.raises(mlver.MlverError, match="more than 99 digits"):
        mlver.register("digits", "x", bump="minor", metrics={"accuracy": 10**400})
    assert [version.stages for version in mlver.versions()] == [(), ()]


def test_another_repository_is_named_by_its_path(
    ground: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mlver.register("digits", "first", weights="net.onnx", path=ground.path)
    assert mlver.open(ground.path).models() == ["digits"]
    assert [version.record.version for version in mlver.versions(path=ground.path)] == ["1.0.0"]


def test_notes_are_logged(ground: Repository, caplog: pytest.LogCaptureFixture) -> None:
    register_two(ground)
    settings = ground.path / ".mlver/config.yaml"
    settings.write_text("schema: mlver/config/1\n" + STAGES)
    with caplog.at_level(logging.WARNING, logger="mlver"):
        mlver.promote("digits", to="staging", message="try it", dry_run=True)
    assert "the rule of staging in the work tree differs" in caplog.text


def test_the_package_shows_what_it_offers() -> None:
    assert set(dir(mlver)) == set(mlver.__all__)
    for name in mlver.__all__:
        assert getattr(mlver, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'registry'"):
        _ = mlver.registry  # type: ignore[attr-defined]


def test_without_pandas_the_frame_names_the_command(ground: Repository) -> None:
    register_two(ground)
    with pytest.raises(mlver.MlverError, match="this needs `pandas`") as refused:
        mlver.versions().to_frame()
    assert refused.value.hint == "pip install 'mlver[pandas]'"


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has pandas and scikit-learn."""
    return (
        install_packages(tmp_path_factory.mktemp("notebook") / "environment", "notebook") / "python"
    )


def run_program(python: Path, program: str, folder: Path) -> str:
    done = subprocess.run(
        [python, "-c", program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": ":".join([str(CHECKOUT), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
def test_with_pandas_it_is_a_table(ground: Repository, notebook: Path) -> None:
    register_two(ground)
    program = (
        "import mlver; frame = mlver.versions().to_frame();"
        "print(list(frame['metrics.accuracy']), frame['created'].dt.tz, frame.shape[0],"
        " frame['metrics.loss.train'].isna().tolist())"
    )
    shown = run_program(notebook, program, ground.path)
    assert shown == "[0.9, 0.94] UTC 2 [False, True]\n"


@pytest.mark.long
def test_the_page_s_model_of_scikit_learn_is_registered(ground: Repository, notebook: Path) -> None:
    page = (CHECKOUT / "docs/python.md").read_text()
    (program,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    run_program(notebook, program, ground.path)
    (version,) = mlver.versions("digits-linear")
    assert flatten_values(version.record.metrics)["accuracy"] > 0.9
    assert version.record.params["C"] == 0.1
    assert version.record.environment is not None
    assert "scikit-learn" in version.record.environment.packages
    assert ground.mlver("verify", "--all").code == 0


def test_what_became_known_later_is_recorded_as_on_the_command_line(ground: Repository) -> None:
    register_two(ground)
    mlver.promote("digits@1.1.0", to="staging", message="try it")
    noted = mlver.note("digits@1.0.0", "slow on a CPU")
    assert (noted.outcome, noted.sequence) == ("noted", 1)
    planned = mlver.retire("digits@1.0.0", "leaked data", dry_run=True)
    assert (planned.outcome, planned.commit) == ("retired", None)
    retired = mlver.retire("digits@1.0.0", "leaked data", in_favour_of="1.1.0")
    assert (retired.outcome, retired.in_favour_of) == ("retired", "1.1.0")
    with pytest.raises(mlver.MlverError, match=r"digits 1\.0\.0 is retired"):
        mlver.promote("digits@1.0.0", to="staging", message="again")
    emptied = mlver.empty_stage(stage="staging", message="tried", path=ground.path)
    assert (emptied.outcome, emptied.version) == ("emptied", "1.1.0")
    assert mlver.empty_stage("digits", stage="staging", message="tried").outcome == "already"
    assert mlver.restore("digits@1.0.0", "they may be used").outcome == "restored"
    shown = ground.mlver("show", "digits@1.0.0").out
    assert "slow on a CPU" in shown
    assert "retired" in shown
    assert ground.mlver("verify", "--all").code == 0


def test_corrections_of_nothing_are_mistakes(ground: Repository) -> None:
    register_two(ground)
    for function in (mlver.note, mlver.retire, mlver.restore):
        with pytest.raises(TypeError, match="takes a text that names a version, not None"):
            function(None, "why")  # type: ignore[arg-type]
        with pytest.raises(UsageError):
            function("digits@1.0.0", " ")
    with pytest.raises(UsageError, match="digits is a model"):
        mlver.retire("digits", "old")
    with pytest.raises(mlver.MlverError, match="is not retired"):
        mlver.restore("digits@1.0.0", "why")


@pytest.mark.parametrize(
    ("option", "given", "told"),
    [
        ("params", "params.yaml", "params .* takes a dict, not 'params.yaml'; params_files takes"),
        ("data", "data", r"data of register\(\) takes a dict, not 'data'"),
        ("labels", ["a"], r"labels of register\(\) takes a dict, not \['a'\]"),
    ],
)
def test_what_is_no_map_is_named(ground: Repository, option: str, given: Any, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        mlver.register("digits", "first", weights="net.onnx", **{option: given})
