"""Two people who registered the same version number, and the remote that they share."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.cli.conftest import assert_works, train_model
from tests.conftest import CommandOutcome, Repository

VERSION = "digits@v1.1.0"
PROMOTION = "digits@staging.1"
VERSION_PATH = ".mlver/models/digits/versions/1.1.0.yaml"
PROMOTION_PATH = ".mlver/models/digits/stages/staging/0001.yaml"


@dataclass(frozen=True, slots=True)
class Clash:
    """Kim's 1.1.0 of digits has landed on `remote`; Lee has another, and promoted it to staging."""

    remote: Repository
    kim: Repository
    lee: Repository

    def list_tags(self) -> list[str]:
        """The tags of the remote."""
        return self.remote.git("tag", "--list").split()


def clash_versions(first: Repository, folder: Path) -> Clash:
    """Let Kim and Lee clone a remote with digits 1.0.0, and each register 1.1.0."""
    first.git("clone", "--quiet", "--bare", ".", str(folder / "remote.git"))
    remote = Repository(folder / "remote.git")
    kim = _clone_project(first, remote, folder / "kim")
    lee = _clone_project(first, remote, folder / "lee")
    register_version(kim, 2, "minor")
    register_version(lee, 3, "minor")
    assert_works(lee, "promote", "digits@1.1.0", "--to", "staging", "-m", "Try")
    kim.git("push", "--quiet", "origin", "main")
    assert "pushed 1 tag to origin" in assert_works(kim, "tag", "--push")
    return Clash(remote, kim, lee)


def _clone_project(first: Repository, remote: Repository, folder: Path) -> Repository:
    first.git("clone", "--quiet", str(remote.path), str(folder))
    clone = Repository(folder)
    shutil.copytree(first.path / ".git/mlver", folder / ".git/mlver")
    clone.git("config", "user.name", folder.name.title())
    train_model(clone, 1, commit=False)
    return clone


def register_version(clone: Repository, run: int, bump: str) -> None:
    train_model(clone, run, commit=False)
    assert_works(clone, "register", "digits", "--bump", bump, "-m", f"Run {run}")
    clone.git("checkout", "--quiet", "--", "params.yaml", "metrics.json")


def attempt_git(repository: Repository, *words: str) -> CommandOutcome:
    """Run git as a person types it, who may be told no."""
    done = subprocess.run(
        ["git", "-c", "core.editor=:", *words],
        cwd=repository.path,
        capture_output=True,
        text=True,
        check=False,
    )
    return CommandOutcome(done.returncode, done.stdout, done.stderr)


def pull_main(repository: Repository) -> CommandOutcome:
    return attempt_git(repository, "pull", "--quiet", "--no-rebase", "--no-edit", "origin", "main")
