"""The environment of a version as files for pip, Conda and Docker; no name acts in them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from mlver.errors import MlverError
from mlver.project.reproducing.recipes import pin_packages
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.reproducing.trainings import make_environment

AS = ("--as", "environment")


@pytest.fixture
def described(second: Repository, tmp_path: Path) -> Repository:
    """digits 1.2.0, trained with two packages and a lock file."""
    folder = make_environment(tmp_path / "env", numpy="2.4.6", PyYAML="6.0.4")
    second.write("uv.lock", "version = 1\n")
    second.commit("Lock")
    told = ("--environment", str(folder), "--command", "python train.py\nRUN evil")
    assert_works(second, "register", "digits", "--bump", "minor", *told, "-m", "third")
    return second


def test_it_has_a_file_for_each_tool(described: Repository, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = assert_works(described, "export", "digits@1.2.0", str(out), *AS)
    assert said.startswith("Exported digits 1.2.0\n  its environment: 4 files, ")
    subprocess.run(["sha256sum", "--strict", "--quiet", "-c", "SHA256SUMS"], cwd=out, check=True)
    listed = [
        line for line in (out / "requirements.txt").read_text().splitlines() if line[0] != "#"
    ]
    assert listed == ["numpy==2.4.6", "pyyaml==6.0.4"]
    conda = yaml.safe_load((out / "environment.yml").read_text())
    assert conda["name"] == "digits-1.2.0"
    assert conda["dependencies"][-1] == {"pip": listed}
    docker = (out / "Dockerfile").read_text().splitlines()
    assert [line.split()[0] for line in docker if line[0] != "#"] == [
        "FROM",
        "WORKDIR",
        "COPY",
        "RUN",
    ]
    assert (out / "locked/uv.lock").read_text() == "version = 1\n"
    assert (out / "RECORD.yaml").is_file()


def test_it_is_told_to_programs(described: Repository, tmp_path: Path) -> None:
    words = ("export", "digits@1.2.0", str(tmp_path / "out"), *AS, "--dry-run", "--json")
    document = read_document(described.mlver(*words), "export")
    assert (document["format"], document["artifacts"], document["files"]) == ("environment", [], 4)
    assert not (tmp_path / "out").exists()


def test_what_is_not_there_is_refused(described: Repository, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    said = assert_refused(
        described, "export", "digits@1.2.0", out, *AS, "--only", "weights", code=2
    )
    assert "--only names artifacts" in said
    folder = make_environment(tmp_path / "empty")
    told = ("--environment", str(folder), "--bump", "minor", "-m", "bare")
    assert_works(described, "register", "digits", *told)
    said = assert_refused(described, "export", "digits@1.3.0", out, *AS)
    assert "digits 1.3.0 records no packages" in said


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("--index-url", "http://evil"),
        ("evil @ file:///x", "1"),
        ("numpy", "1\nevil"),
        ("numpy", "1 ; evil"),
        ("-e", "."),
        ("numpy", ""),
        ("n\u202e", "1"),
    ],
)
def test_a_package_that_is_more_than_a_name_is_refused(name: str, version: str) -> None:
    with pytest.raises(MlverError, match="cannot be installed by its name and version"):
        pin_packages({name: version})
