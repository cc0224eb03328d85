"""`mlver adopt` beside the real GTO and DVC, which take a minute to install."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.programs import install_packages


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_packages(tmp_path_factory.mktemp("tools") / "venv", "adopting")


@pytest.mark.long
def test_what_the_real_tools_made_is_adopted(
    repository: Repository, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.delenv("GIT_COMMITTER_DATE")  # GTO's own git cannot read it
    monkeypatch.setenv("PATH", str(tools), prepend=":")

    def run(*words: str) -> None:
        done = subprocess.run(
            words, cwd=repository.path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"

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
        {"model": "digits", "stage": "prod", "holders": ["1.0.0", "2.0.0", "1.0.0"]}
    ]
    assert assert_works(repository, "verify", "--all").startswith(
        "All is well  2 versions, 3 promotions"
    )
    record = read_document(repository.mlver("show", "digits@1.0.0", "--json"), "show")["record"]
    assert (record["data"]["train"]["files"], record["message"]) == (
        2,
        "Registering artifact digits version v1.0.0",
    )
