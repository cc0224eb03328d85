"""The pre-commit framework itself installs the hooks from this repository, and runs them in another
one.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests import programs
from tests.conftest import CHECKOUT, Repository
from tests.features.hooks.hooks import RECORD, HookedRepository, with_hooks

CONFIG = """\
default_install_hook_types: [pre-commit, pre-merge-commit, pre-push]
repos:
  - repo: {source}
    rev: {revision}
    hooks: [{{id: mlver-check}}, {{id: mlver-guard}}, {{id: mlver-status}}]
"""
PARTS = ("mlver", "schemas", "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")


@pytest.fixture(scope="module")
def framework(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program `pre-commit`, in an environment of its own; skipped, loudly, where no package
    index can be had.
    """
    return programs.install_packages(tmp_path_factory.mktemp("framework"), "framework")


@pytest.fixture
def published(tmp_path: Path) -> Repository:
    """This project as it is now, in a repository that the framework can clone."""
    made = Repository(tmp_path / "mlver-published")
    made.path.mkdir()
    for part in PARTS:
        source = CHECKOUT / part
        if source.is_dir():
            shutil.copytree(source, made.path / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, made.path / part)
    made.git("init", "--quiet")
    made.commit("As it is")
    return made


def test_the_framework_runs_the_hooks(
    second: Repository,
    published: Repository,
    framework: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", f"{framework}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    for name, value in programs.pin_packages(tmp_path).items():
        monkeypatch.setenv(name, value)
    here = with_hooks(second)
    revision = published.git("rev-parse", "HEAD")
    here.write(".pre-commit-config.yaml", CONFIG.format(source=published.path, revision=revision))
    assert here.run_process("pre-commit", "install").code == 0
    here.git("add", "--all")
    said = here.assert_passes("commit", "--message", "With the framework")
    assert "mlver records are valid and unedited" in said
    assert said.count("Passed") == 2
    _commits(here)
    _pushes(here, tmp_path)
    done = here.mlver("hook", "install")
    assert (done.code, done.out.count("somebody else's")) == (1, 3)


def _commits(here: HookedRepository) -> None:
    here.edit_record()
    here.write("model/weights.safetensors", b"\0" * 100_000)
    here.git("add", "--all", "--force", "model", ".mlver")
    done = here.attempt_git("commit", "--message", "Everything wrong")
    assert done.code != 0
    assert f"{RECORD} was changed" in done.err
    assert "model/weights.safetensors is an artifact" in done.err
    here.git("reset", "--hard", "--quiet")
    here.edit_record()  # not staged: the framework puts it aside, and back
    here.write("code.py", "x")
    here.git("add", "code.py")
    here.assert_passes("commit", "--message", "Partial")
    assert RECORD in here.git("diff", "--name-only")
    here.git("checkout", "--", RECORD)


def _pushes(here: HookedRepository, tmp_path: Path) -> None:
    here.git("init", "--quiet", "--bare", str(tmp_path / "remote.git"))
    here.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    said = here.assert_passes("push", "origin", "main")
    assert "digits@v1.0.0 does not go along to origin" in said
    here.edit_record()
    here.git("commit", "--quiet", "--no-verify", "--all", "--message", "Edited")
    done = here.attempt_git("push", "origin", "main")
    assert done.code != 0
    assert f"{RECORD} is not the record that landed" in done.out + done.err
    # what the framework cannot do, and why there is a hook of mlver's own: it lets a tag alone go
    # by unseen
    here.git("tag", "--force", "digits@v1.0.0")
    assert "mlver" not in here.attempt_git("push", "origin", "digits@v1.0.0").err.replace(
        str(tmp_path), ""
    )
