"""An environment told from its files: what is recorded; nothing is run or trusted."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.project.worktree.environment import NO_ENVIRONMENT, capture_environment

METADATA = (
    "Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: Version: 9\n\n"
    "Name: body\nVersion: 0\n"
)


def package(prefix: Path, name: str, version: str, *, folder: str | None = None) -> Path:
    place = (
        prefix / "lib/python3.12/site-packages" / (folder or f"{name}-{version}.dist-info/METADATA")
    )
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(METADATA.format(name=name, version=version))
    return place


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A virtual environment whose every program says that it was run."""
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    prefix = tmp_path / ".venv"
    package(prefix, "NumPy", "2.1.0")
    package(prefix, "ruamel.yaml_clib", "0.2", folder="ruamel.yaml_clib-0.2.dist-info/METADATA")
    package(prefix, "old", "1.0", folder="old-1.0.egg-info/PKG-INFO")
    package(prefix, "older", "0.1", folder="older-0.1.egg-info")
    (prefix / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.12.4\n")
    canary = f"touch {tmp_path / 'canary'}\n"
    for name in ("python", "python3", "pip", "nvidia-smi"):
        program = prefix / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{canary}")
        program.chmod(0o755)
    library = prefix / "lib/python3.12/site-packages"
    for name in ("sitecustomize.py", "usercustomize.py", "numpy.py"):
        (library / name).write_text(f"import os; os.system({canary!r})\n")
    (library / "evil.pth").write_text(f"import os; os.system({canary!r})\n")
    monkeypatch.setenv("PATH", f"{prefix / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return prefix


def test_what_was_installed_from_a_folder_is_marked(tmp_path: Path, venv: Path) -> None:
    for name, url in (("own", "file:///home/kim/own"), ("forked", "https://example.org/f.git")):
        metadata = package(venv, name, "0.1")
        metadata.with_name("direct_url.json").write_text(json.dumps({"dir_info": {}, "url": url}))
    captured = capture_environment(tmp_path, {}, None)
    marked = {"own": "0.1 (local)", "forked": "0.1"}
    assert captured.packages == dict(sorted({**PACKAGES, **marked}.items()))


PACKAGES = {"numpy": "2.1.0", "old": "1.0", "older": "0.1", "ruamel-yaml-clib": "0.2"}


def test_the_repositorys_own_environment_is_read_and_nothing_of_it_is_run(
    tmp_path: Path, venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []
    monkeypatch.setattr(subprocess, "Popen", started.append)
    monkeypatch.setattr(os, "system", started.append)
    found = capture_environment(tmp_path, {}, "python train.py")
    assert found.python == "3.12.4"
    assert found.platform == f"{sys.platform}-{platform.machine()}"
    assert found.packages == PACKAGES
    assert list(found.packages) == sorted(PACKAGES)
    assert found.command == "python train.py"
    assert started == []
    assert not (tmp_path / "canary").exists()


def test_the_active_environment_comes_before_the_repositorys(
    tmp_path: Path, venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    active = tmp_path / "active"
    package(active, "torch", "2.4.0")
    (active / "pyvenv.cfg").write_text("version_info = 3.11.9.final.0\n")
    monkeypatch.setenv("VIRTUAL_ENV", str(active))
    found = capture_environment(tmp_path, {}, None)
    assert (found.python, found.packages) == ("3.11.9", {"torch": "2.4.0"})
    told = capture_environment(tmp_path, {}, None, venv)
    assert (told.python, told.packages) == ("3.12.4", PACKAGES)


def test_a_conda_environment_has_no_pyvenv_cfg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    package(tmp_path / "conda", "torch", "2.4.0")
    (tmp_path / "conda/conda-meta").mkdir()
    (tmp_path / "conda/conda-meta/python-3.10.14-h9_0_cpython.json").write_text("{}")
    monkeypatch.setenv("CONDA_PREFIX", str(tmp_path / "conda"))
    assert capture_environment(tmp_path, {}, None).python == "3.10.14"


def test_without_any_it_is_the_interpreter_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    found = capture_environment(tmp_path, {}, None)
    assert found.python == platform.python_version()
    assert "pyyaml" in found.packages


def test_a_named_folder_must_be_an_environment(tmp_path: Path) -> None:
    with pytest.raises(MlverError, match=r"is no Python environment; .* pyvenv\.cfg"):
        capture_environment(tmp_path, {}, None, tmp_path)


def test_hostile_and_broken_packages_are_passed_over(tmp_path: Path, venv: Path) -> None:
    library = venv / "lib/python3.12/site-packages"
    package(venv, "endless", "1").unlink()
    (library / "endless-1.dist-info/METADATA").symlink_to("/dev/zero")
    (library / "folder-1.dist-info/METADATA").mkdir(parents=True)
    (library / "nothing-1.dist-info").mkdir()
    package(venv, "latin", "1").write_bytes(b"Name: caf\xe9\nVersion: 1\n")
    package(venv, "nameless", "1").write_text("Version: 1\n")
    package(venv, "versionless", "1").write_text("Name: versionless\n\nVersion: 1\n")
    package(venv, "long", "1").write_text("Name: long\nVersion: 1\n\n" + "x" * 1_000_000)
    assert capture_environment(tmp_path, {}, None).packages == {
        **PACKAGES,
        "caf�": "1",
        "long": "1",
    }


@pytest.mark.parametrize("broken", ["endless", "bytes", "empty"])
def test_a_broken_pyvenv_cfg_makes_it_no_environment(
    tmp_path: Path, venv: Path, broken: str
) -> None:
    told = venv / "pyvenv.cfg"
    told.unlink()
    if broken == "endless":
        told.symlink_to("/dev/zero")
    else:
        told.write_bytes(b"\xff\xfe" if broken == "bytes" else b"")
    with pytest.raises(MlverError, match="is no Python environment"):
        capture_environment(tmp_path, {}, None, venv)
    assert capture_environment(tmp_path, {}, None).python == platform.python_version()


def test_files_that_describe_the_environment_are_pinned_by_digest(
    tmp_path: Path, venv: Path
) -> None:
    pinned = [
        "Dockerfile",
        "requirements.txt",
        "requirements-dev.txt",
        "uv.lock",
        "environment.yml",
    ]
    for name in [*pinned, "requirements.md", "my-requirements.txt", "README.md"]:
        (tmp_path / name).write_text(name)
    (tmp_path / "requirements-dir.txt").mkdir()
    (tmp_path / "poetry.lock").symlink_to("uv.lock")
    found = capture_environment(tmp_path, {}, None).files
    assert found == {name: Digest.of_bytes(name.encode()) for name in pinned}
    assert list(found) == sorted(pinned)


@pytest.mark.parametrize(
    ("params", "seed"),
    [
        ({"seed": 42}, 42),
        ({"train": {"random_state": 7}}, 7),
        ({"lr": 0.1}, None),
        ({"seed": True}, None),
        ({"seed": "42"}, None),
        ({"seeds": 3, "data": {"random_seed": 1}}, 1),
    ],
)
def test_the_seed_is_found_among_the_parameters(
    tmp_path: Path, params: dict[str, object], seed: int | None
) -> None:
    assert capture_environment(tmp_path, params, None).seed == seed


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment that mlver runs in, with nothing but mlver and what it needs."""
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    prefix = tmp_path / "tool"
    needs = {
        "mlver": "Requires-Dist: PyYAML>=6\nRequires-Dist: boto3>=1; extra == 's3'\n",
        "wheel": "Requires-Dist: packaging>=24\n",
    }
    for name in ("mlver", "pyyaml", "pip", "wheel", "packaging"):
        place = package(prefix, name, "1.0")
        place.write_text(needs.get(name, "") + place.read_text())
    library = os.fspath(prefix / "lib/python3.12/site-packages")
    monkeypatch.setattr(sys, "prefix", os.fspath(prefix))
    monkeypatch.setattr(sysconfig, "get_path", {"purelib": library}.__getitem__)
    return prefix


def test_the_environment_of_a_tool_trained_nothing(tmp_path: Path, tool: Path) -> None:
    captured = capture_environment(tmp_path, {}, None)
    assert (captured.source, captured.packages) == (NO_ENVIRONMENT, {})
    assert captured.python == platform.python_version()


def test_one_package_more_may_have_trained_it(tmp_path: Path, tool: Path) -> None:
    """Also one that an extra brings, unless pipx or uv made the environment."""
    package(tool, "boto3", "1.35")
    captured = capture_environment(tmp_path, {}, None)
    assert captured.source == "the Python that runs mlver"
    assert captured.packages["boto3"] == "1.35"
    (tool / "pipx_metadata.json").write_text("{}")
    assert capture_environment(tmp_path, {}, None).source == NO_ENVIRONMENT
    package(tool, "numpy", "2.1")
    assert "numpy" in capture_environment(tmp_path, {}, None).packages


def test_the_record_says_which_environment_was_taken(
    tmp_path: Path, venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert capture_environment(tmp_path, {}, None).source == "virtualenv .venv"
    conda = tmp_path.parent / f"{tmp_path.name}-torch"
    package(conda, "torch", "2.4.0")
    (conda / "conda-meta").mkdir()
    (conda / "conda-meta/python-3.10.14-h9_0_cpython.json").write_text("{}")
    monkeypatch.setenv("CONDA_PREFIX", str(conda))
    captured = capture_environment(tmp_path, {}, None)
    assert captured.source == f"conda {conda.name}"  # no path of somebody's machine
