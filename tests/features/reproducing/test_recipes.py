"""An environment is made again the surest way that the version's commit allows."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.project.project import Project
from mlver.project.reproducing.recipes import (
    EnvironmentRecipe,
    choose_recipe,
    list_local,
    pin_packages,
)
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.reproducing.trainings import make_environment, train


def choose(repository: Repository, version: str, *, uv: bool) -> EnvironmentRecipe:
    with pytest.MonkeyPatch.context() as patch:
        found = shutil.which
        patch.setattr(
            shutil,
            "which",
            lambda name: ("/bin/uv" if uv else None) if name == "uv" else found(name),
        )
        project = Project.open_existing(repository.path)
        record, _ = project.registry.read_version("m", version)
        return choose_recipe(project, record, None)


def list_steps(recipe: EnvironmentRecipe) -> list[str]:
    assert recipe.list_steps is not None
    return [" ".join(words) for words in recipe.list_steps(Path("/code"), Path("/env"))]


def test_without_locks_the_recorded_packages_are_weaker(trained: Repository) -> None:
    recipe = choose(trained, "1.0.0", uv=False)
    assert recipe.describe().state == "weaker"
    venv, install = list_steps(recipe)
    assert venv.endswith("-m venv /env")
    assert install.endswith("--no-deps numbers==1.2.3")
    assert list_steps(choose(trained, "1.0.0", uv=True))[1].startswith("/bin/uv pip install")


def test_what_came_from_a_folder_is_asked_of_no_index() -> None:
    """Anybody may have published something else by that name."""
    packages = {"numbers": "1.2.3", "own": "0.1 (local)"}
    assert pin_packages(packages) == ["numbers==1.2.3"]
    assert list_local(packages) == ["own"]


def test_locks_come_first_where_uv_is_here(trained: Repository, environment: Path) -> None:
    trained.write("requirements.txt", "numbers==1.2.3 --hash=sha256:00\n")
    trained.write("pylock.toml", "lock-version = '1.0'\n")
    trained.commit("Lock")
    train(trained, environment, "--bump", "minor")
    assert choose(trained, "1.1.0", uv=False).source == "requirements.txt"
    recipe = choose(trained, "1.1.0", uv=True)
    assert (recipe.source, recipe.describe().state) == ("pylock.toml", "present")
    trained.write("uv.lock", "version = 1\n")
    trained.commit("Lock by uv")
    train(trained, environment, "--bump", "minor")
    recipe = choose(trained, "1.2.0", uv=True)
    assert recipe.source == "uv.lock"
    assert list_steps(recipe)[0].startswith("/bin/uv sync --frozen")


def test_requirements_with_hashes_are_installed(trained: Repository, tmp_path: Path) -> None:
    """By pip itself, from a folder: no network is asked."""
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "NUMBER = 7\n")
        archive.writestr(
            "tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
        )
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    digest = Digest.of_bytes(wheel.read_bytes()).hex
    trained.write("requirements.txt", f"tiny==1.0 --hash=sha256:{digest}\n")
    trained.commit("Lock")
    train(trained, make_environment(tmp_path / "with", tiny="1.0"), "--bump", "minor")
    recipe = choose(trained, "1.1.0", uv=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(tmp_path))
        made = recipe.build(trained.path, tmp_path / "made")
        assert made is not None
        assert list(made.glob("lib/python3*/site-packages/tiny.py"))
        wheel.write_bytes(wheel.read_bytes() + b" ")
        with pytest.raises(MlverError, match="cannot be made again from requirements"):
            recipe.build(trained.path, tmp_path / "again")


_PYPROJECT = """\
[project]
name = "training"
version = "0"
requires-python = ">=3.11"
dependencies = ["numbers-of-ours"]

[tool.uv]
package = false

[tool.uv.sources]
numbers-of-ours = { path = "wheels/numbers_of_ours-1.2.3-py3-none-any.whl" }
"""
_UV = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))


@pytest.mark.skipif(_UV is None, reason="uv is not installed")
def test_an_environment_is_made_again_from_uv_lock_by_uv_itself(
    trained: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is fetched: the one package is a wheel of the repository."""
    assert _UV is not None
    monkeypatch.setenv("PATH", str(Path(_UV).parent), prepend=":")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    make_wheel(trained.path / "wheels/numbers_of_ours-1.2.3-py3-none-any.whl")
    trained.write("pyproject.toml", _PYPROJECT)
    trained.write("train.py", "import numbers_of_ours\n" + (trained.path / "train.py").read_text())
    subprocess.run(
        [_UV, "lock", "--quiet", "--python", sys.executable], cwd=trained.path, check=True
    )
    trained.commit("Lock by uv")
    packages = make_environment(tmp_path / "env", numbers_of_ours="1.2.3")
    site = next(packages.glob("lib/*/site-packages"))
    (site / "numbers_of_ours.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(site))
    shutil.rmtree(trained.path / "model")
    train(trained, packages, "--bump", "minor")
    monkeypatch.delenv("PYTHONPATH")
    document = read_document(trained.mlver("reproduce", "m", "--yes", "--json"), "reproduce")
    assert (document["version"], document["answer"]) == ("1.1.0", "identical")
    assert document["environment"]["source"] == "uv.lock"
    parts = {part["name"]: (part["state"], part["told"]) for part in document["parts"]}
    assert parts["lock file"] == ("present", "uv.lock")


def make_wheel(path: Path) -> None:
    """A wheel of one empty module."""
    path.parent.mkdir()
    about = "numbers_of_ours-1.2.3.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("numbers_of_ours.py", "")
        wheel.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: numbers-of-ours\nVersion: 1.2.3\n"
        )
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")
