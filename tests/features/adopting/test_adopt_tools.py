"""`mlver adopt` beside the real GTO and DVC, which take a minute to install."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.programs import install_packages


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_packages(tmp_path_factory.mktemp("tools") / "venv", "adopting")


Run = Callable[..., str]


@pytest.fixture
def run(repository: Repository, tools: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a program in the repository, DVC and GTO among them, and returns what it printed."""
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.delenv("GIT_COMMITTER_DATE")  # GTO's own git cannot read it
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)  # what GTO makes is of today
    monkeypatch.setenv("PATH", str(tools), prepend=":")

    def run(*words: str) -> str:
        done = subprocess.run(
            words, cwd=repository.path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    return run


@pytest.mark.long
def test_what_the_real_tools_made_is_adopted(repository: Repository, run: Run) -> None:
    run("dvc", "init", "--quiet")
    repository.write("dvc.yaml", "artifacts:\n  digits:\n    path: models/m.pkl\n    type: model\n")
    for number in (1, 2):
        repository.write("models/m.pkl", f"weights {number}")
        repository.write("data/a.csv", f"a {number}")
        repository.write("data/deep/b.csv", "b")
        run("dvc", "add", "--quiet", "models/m.pkl", "data")
        repository.commit(f"Training {number}")
        run("gto", "register", "digits", "--version", f"v{number}.0.0")
        run("gto", "assign", "digits", "--version", f"v{number}.0.0", "--stage", "prod")
    run("gto", "deprecate", "digits", "v2.0.0", "prod")
    assert_works(repository, "init")
    found = read_document(
        repository.mlver("adopt", "digits", "--data", "train=data", "--json"), "adopt"
    )
    assert [(one["version"], one["holder"], one["digest"]) for one in found["versions"]] == [
        (
            f"{number}.0.0",
            "dvc",
            f"sha256:{hashlib.sha256(f'weights {number}'.encode()).hexdigest()}",
        )
        for number in (1, 2)
    ]
    assert found["stages"] == [
        {
            "model": "digits",
            "stage": "prod",
            "holders": ["1.0.0", "2.0.0", "1.0.0"],
            "seals": ["digits@prod.1", "digits@prod.2", "digits@prod.3"],
        }
    ]
    assert assert_works(repository, "verify", "--all").startswith(
        "All is well  2 versions, 3 promotions"
    )
    record = read_document(repository.mlver("show", "digits@1.0.0", "--json"), "show")["record"]
    assert (record["data"]["train"]["files"], record["message"]) == (
        2,
        "Registering artifact digits version v1.0.0",
    )


@pytest.mark.long
def test_gto_agrees_after_every_move(repository: Repository, run: Run) -> None:
    repository.write("models/churn.bin", "weights 1")
    repository.commit("Training 1")
    run("gto", "register", "churn", "--version", "v1.0.0")
    run("gto", "assign", "churn", "--version", "v1.0.0", "--stage", "prod")
    assert_works(repository, "init")
    # without annotations, nothing says where the weights are; both are helped by one command
    waiting = read_document(repository.mlver("adopt", "--json"), "adopt")["left"]
    assert [(one["subject"], one["hints"]) for one in waiting] == [
        ("churn@v1.0.0", ["mlver adopt churn --weights PATH"]),
        ("churn#prod", ["mlver adopt churn --weights PATH"]),
    ]
    adopted = assert_works(repository, "adopt", "churn", "--weights", "models/churn.bin")
    assert "mlver config set tags.mirror gto" in adopted
    assert "prod moves without a look at the bytes (verified: false)" in adopted
    assert_works(repository, "config", "set", "tags.mirror", "gto")
    repository.write("models/churn.bin", "weights 2")
    repository.commit("Training 2")
    assert_works(repository, "register", "churn", "--bump", "minor", "-m", "Better")
    agree(repository, run)
    for command in (
        ("promote", "churn@1.1.0", "--to", "prod", "-m", "Better"),
        ("rollback", "churn", "--stage", "prod", "-m", "Latency"),
        ("promote", "churn@1.1.0", "--to", "staging", "-m", "Again"),
        ("retire", "churn", "--stage", "prod", "-m", "Off"),
    ):
        assert_works(repository, *command)
        agree(repository, run)
    assert "nothing to adopt" in assert_works(repository, "adopt", "churn")
    assert assert_works(repository, "verify", "--all").startswith("All is well")


def agree(repository: Repository, run: Run) -> None:
    """GTO and the records name the same versions and the same holders of every stage."""
    shown = json.loads(run("gto", "show", "--json"))["churn"]["stage"]
    document = read_document(repository.mlver("stages", "--json"), "stages")
    assert {stage: version for stage, version in shown.items() if version} == {
        one["stage"]: f"v{one['version']}" for one in document["stages"] if one["version"]
    }
