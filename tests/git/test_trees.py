"""The tree of a commit without a folder, which names the same code in any history."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mlver.git.repository import GitRepository
from mlver.git.trees import compute_tree_without
from tests.conftest import Repository


@pytest.fixture(params=["sha1", "sha256"])
def code(request: pytest.FixtureRequest, tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "code")
    made.path.mkdir()
    made.git("init", "--quiet", f"--object-format={request.param}")
    made.write("train.py", "print(1)\n")
    made.write("src/model.py", "\n")
    made.write("src.py", "\n")
    made.write("bin/serve", "#!/bin/sh\n")
    made.write("a name\twith\nmore", "\n")
    (made.path / "bin/serve").chmod(0o755)
    (made.path / "link").symlink_to("train.py")
    made.write(".mlver/config.yaml", "schema: mlver/config/1\n")
    made.commit("Code")
    return made


def compute_tree(repository: Repository, revision: str = "HEAD") -> str:
    commit = repository.git("rev-parse", revision)
    return compute_tree_without(GitRepository.find(repository.path), commit, ".mlver")


def test_it_is_the_tree_that_git_makes_of_the_rest(code: Repository) -> None:
    listing = subprocess.run(
        ["git", "ls-tree", "-z", "HEAD"], cwd=code.path, check=True, capture_output=True
    ).stdout
    rest = [line for line in listing.split(b"\0") if line and not line.endswith(b"\t.mlver")]
    assert len(rest) == 6
    made = subprocess.run(
        ["git", "mktree", "-z"],
        cwd=code.path,
        check=True,
        capture_output=True,
        input=b"".join(line + b"\0" for line in rest),
    ).stdout
    assert compute_tree(code) == made.decode().strip()


def test_nothing_is_written(code: Repository) -> None:
    before = code.git("count-objects")
    compute_tree(code)
    assert code.git("count-objects") == before


def test_a_squash_keeps_it_and_another_code_does_not(code: Repository) -> None:
    code.git("switch", "--quiet", "-c", "topic")
    code.write("train.py", "print(2)\n")
    code.commit("Better")
    trained = compute_tree(code)
    code.write(".mlver/models/m/model.yaml", "schema: mlver/model/1\nmodel: m\n")
    code.commit("Register")
    assert compute_tree(code) == trained
    code.git("switch", "--quiet", "-")
    assert compute_tree(code) != trained
    code.git("merge", "--quiet", "--squash", "topic")
    code.commit("Squashed")
    assert compute_tree(code) == trained
