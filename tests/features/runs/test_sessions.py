"""A Python program has its training recorded, by itself or within `mlver run`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlver
from mlver.content.encryption import decrypt_value, read_identities
from mlver.project.project import Project
from mlver.project.runs.kept import read_kept_curves
from tests.cli.conftest import assert_works
from tests.conftest import Repository
from tests.features.runs.trainings import PYTHON, describe_rest, list_references, read_only_run


@pytest.fixture
def ground(second: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Two versions of digits; the current folder is there."""
    monkeypatch.chdir(second.path)
    for variable in ("MLVER_RUN", "MLVER_CURVES", "MLVER_MODEL", "MLVER_PIPELINE"):
        monkeypatch.delenv(variable, raising=False)
    return second


def test_a_training_is_recorded_with_its_curves(ground: Repository) -> None:
    before = describe_rest(ground)
    with mlver.run("digits", message="By hand", params={"lr": 0.5}, pipeline="p", step="s") as run:
        for step in range(3):
            run.log(step, loss=1 / (step + 1))
        run.log(3, {"val/loss": np.float32(0.5)}, loss=math.nan)
        run.measure(accuracy=np.float64(0.99))
        name = run.id
    assert describe_rest(ground) == before
    kept = read_only_run(ground)
    record = kept.record
    assert run.result is not None
    assert (record.run, run.result.run, run.result.commit) == (name, name, kept.commit)
    assert (record.outcome, record.exit_code, record.message) == ("finished", 0, "By hand")
    assert record.params == {"lr": 0.5, "seed": 42}
    assert record.metrics == {"accuracy": 0.99}
    assert (record.pipeline, record.step) == ("p", "s")
    assert record.data.keys() == {"train"}
    curves = read_kept_curves(Project.open_existing(ground.path), kept)
    assert list(curves.steps) == [0, 1, 2, 3]
    assert repr(curves.series) == repr(
        {"loss": [1.0, 0.5, 1 / 3, math.nan], "val/loss": [None, None, None, 0.5]}
    )


def test_a_training_that_fails_is_recorded_and_its_error_goes_on(ground: Repository) -> None:
    def train() -> None:
        with mlver.run("digits") as run:
            run.log(loss=1)
            run.log(loss=2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train()
    record = read_only_run(ground).record
    assert (record.outcome, record.exit_code, record.points) == ("failed", 1, 2)


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (KeyboardInterrupt(), "interrupted", None),
        (SystemExit(0), "finished", 0),
        (SystemExit(4), "failed", 4),
        (SystemExit("no"), "failed", 1),
    ],
)
def test_how_a_program_ends_is_recorded(
    ground: Repository, error: BaseException, outcome: str, code: int | None
) -> None:
    with pytest.raises(type(error)), mlver.run():
        raise error
    record = read_only_run(ground).record
    assert (record.outcome, record.exit_code) == (outcome, code)


def test_within_mlver_run_the_block_belongs_to_that_run(ground: Repository) -> None:
    script = (
        "import mlver\n"
        "with mlver.run('digits', params={'width': 3}) as run:\n"
        "    run.log(1, loss=2)\n"
        "    run.measure(accuracy=0.5)\n"
        "print(run.id)\n"
    )
    ground.write("train.py", script)
    ground.commit("Training")
    assert_works(ground, "run", "digits", "--", PYTHON, "train.py")
    record = read_only_run(ground).record
    assert record.params == {"lr": 0.002, "seed": 42, "width": 3}
    assert (record.metrics, record.points) == ({"accuracy": 0.5}, 1)


def test_all_blocks_of_a_program_are_heard(ground: Repository) -> None:
    script = (
        "import mlver\n"
        "with mlver.run('digits', params={'width': 3}) as run:\n"
        "    run.measure(accuracy=0.5, loss=2)\n"
        "with mlver.run('digits', params={'depth': 4}) as run:\n"
        "    run.measure(accuracy=0.75)\n"
    )
    ground.write("train.py", script)
    ground.commit("Training")
    assert_works(ground, "run", "digits", "--", PYTHON, "train.py")
    record = read_only_run(ground).record
    assert record.params == {"depth": 4, "lr": 0.002, "seed": 42, "width": 3}
    assert record.metrics == {"accuracy": 0.75, "loss": 2}
    assert "the metric accuracy was given twice: the last value counts" in record.remarks


def test_a_block_begun_beside_half_of_the_variables_is_a_run_of_its_own(
    ground: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLVER_RUN", "digits/20261121T030405Z-1a2b3c")
    monkeypatch.setenv("MLVER_MODEL", "digits")
    with mlver.run("digits") as run:
        run.log(loss=1)
    assert read_only_run(ground).record.points == 1


def test_a_secret_of_the_block_reaches_the_outer_run_encrypted(ground: Repository) -> None:
    pyrage = pytest.importorskip("pyrage")
    identity = pyrage.x25519.Identity.generate()
    assert_works(ground, "config", "set", "encrypt.params", "token")
    assert_works(ground, "config", "set", "encrypt.recipients", str(identity.to_public()))
    script = (
        "import mlver, os\n"
        "with mlver.run('digits', params={'token': 'x' * 9, 'lr': 7}):\n"
        "    pass\n"
        "from pathlib import Path\n"
        "(given,) = Path(os.environ['MLVER_CURVES']).parent.glob('given-*.json')\n"
        "assert 'x' * 9 not in given.read_text()\n"
        "Path('model/weights.safetensors').write_text('trained')\n"
    )
    ground.write("train.py", script)
    ground.commit("Training")
    assert_works(ground, "run", "digits", "--", PYTHON, "train.py")
    record = read_only_run(ground).record
    assert (record.params, list(record.secrets)) == ({"lr": 7, "seed": 42}, ["token"])
    assert_works(ground, "register", "digits", "--bump", "minor", "-m", "x", "--run", record.run)
    plain = decrypt_value(
        record.secrets["token"], "token", read_identities(str(identity).encode(), "")
    )
    assert plain == "x" * 9


@pytest.mark.parametrize("value", ["low", None, [1, 2], True, np.zeros(2)])
def test_only_numbers_are_logged(ground: Repository, value: object) -> None:
    with mlver.run("digits") as run:
        with pytest.raises((TypeError, mlver.MlverError)):
            run.log(1, loss=value)
        with pytest.raises(TypeError):
            run.log(math.inf, loss=1)
    assert read_only_run(ground).record.points == 0


def test_a_dict_alone_is_logged_at_the_next_step(ground: Repository) -> None:
    with mlver.run("digits") as run:
        run.log({"val/loss": 2})
        run.log(float(np.int64(5)), {"val/loss": 1})
        run.log({"val/loss": 0.5}, acc=1)
    kept = read_only_run(ground)
    curves = read_kept_curves(Project.open_existing(ground.path), kept)
    assert list(curves.steps) == [0, 5, 6]
    assert curves.series["val/loss"] == [2, 1, 0.5]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (({"a": 1}, {"b": 1}), "one dict of values"),
        ((1, 0.5), "a dict of values behind the step, not 0.5"),
        (([1],), "a number for the step"),
        ((np.zeros(2),), "a number for the step"),
        (("1",), "a number for the step"),
    ],
)
def test_what_log_cannot_take_is_said(
    ground: Repository, arguments: tuple[Any, ...], words: str
) -> None:
    with mlver.run("digits") as run, pytest.raises(TypeError, match=words):
        run.log(*arguments)


def test_the_kernel_of_linear_algebra_is_recorded_where_the_training_can_tell_it(
    ground: Repository,
) -> None:
    """A module of that name stands for threadpoolctl, of which only the answer counts."""
    ground.write(
        "threadpoolctl.py",
        "def threadpool_info():\n"
        "    blas = {'user_api': 'blas', 'internal_api': 'openblas', 'version': '0.3.31'}\n"
        "    return [{**blas, 'architecture': 'Haswell'}, {'user_api': 'openmp'}]\n",
    )
    ground.write("train.py", "import mlver, threadpoolctl\nwith mlver.run('digits'): pass\n")
    ground.commit("Training")
    assert_works(ground, "run", "digits", "--", PYTHON, "train.py")
    assert read_only_run(ground).record.machine.blas == "openblas 0.3.31 Haswell"
    assert "openblas 0.3.31 Haswell" in assert_works(
        ground, "runs", "--show", read_only_run(ground).record.run
    )


def test_mistakes_are_named(ground: Repository) -> None:
    with pytest.raises(TypeError, match="did you mean message"):
        mlver.run("digits", mesage="x")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="params of run"):
        mlver.run("digits", params="x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="model of run"):
        mlver.run(3)  # type: ignore[arg-type]
    run = mlver.run("digits")
    with pytest.raises(RuntimeError, match="with"):
        run.log(1, loss=2)
    with pytest.raises(RuntimeError, match="has not begun"):
        _ = run.id
    assert list_references(ground) == []


def test_a_run_that_may_not_be_recorded_does_not_begin(ground: Repository) -> None:
    with (
        pytest.raises(mlver.MlverError, match="AWS"),
        mlver.run("digits", params={"key": "AKIAABCDEFGHIJKLMNOP"}),
    ):
        raise AssertionError
    assert list_references(ground) == []
    assert not list((ground.path / ".git/mlver").glob("measuring/*"))


def test_a_run_is_registered_from_python(ground: Repository) -> None:
    with mlver.run("digits") as run:
        Path("model/weights.safetensors").write_text("from Python\n")
        run.measure(accuracy=0.9)
    result = mlver.register("digits", "From a run", bump="minor", run=run.id)
    assert (result.version, dict(result.metrics)) == ("1.2.0", {"accuracy": 0.9})
