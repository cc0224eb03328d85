"""Versions whose bytes the real git-lfs keeps: adopted, put in place, registered and proven."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.conftest import Repository
from tests.programs import require_program


@pytest.fixture
def kept(repository: Repository) -> Repository:
    """Two versions of a file and of a folder, adopted from tags; the second one is in place."""
    require_program("git-lfs")
    repository.git("lfs", "install", "--local")
    repository.git("lfs", "track", "*.bin")
    for number in (1, 2):
        repository.write("w.bin", f"weights {number}")
        repository.write("data/a.bin", f"data {number}")
        repository.write("data/b.csv", "a,b\n")
        repository.commit(f"Training {number}")
        repository.git("tag", f"v{number}.0.0")
    assert_works(repository, "init")
    shown = assert_works(repository, "adopt", "m", "--weights", "w.bin", "--data", "train=data")
    assert shown.count("kept by git-lfs") == 2
    return repository


def test_a_checkout_reads_what_git_lfs_keeps(kept: Repository) -> None:
    shown = assert_works(kept, "checkout", "m@1.0.0")
    assert shown.startswith("Checked out m 1.0.0\n  2 files written, 1 unchanged")
    assert (kept.path / "w.bin").read_text() == "weights 1"
    assert (kept.path / "data/a.bin").read_text() == "data 1"
    assert_works(kept, "checkout", "m@2.0.0", "--to", "served")
    assert (kept.path / "served/data/a.bin").read_text() == "data 2"


def test_every_byte_that_git_lfs_keeps_is_read(kept: Repository) -> None:
    for number in (1, 2):
        words = ("promote", f"m@{number}.0.0", "--to", "production", "-m", "Good")
        assert "every byte checked" in assert_works(kept, *words)
    shown = assert_works(kept, "rollback", "m", "--stage", "production", "-m", "No")
    assert "every byte of it was read and found right (19 B)" in shown


def test_a_clone_without_the_contents_is_told_to_fetch_them(
    kept: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_LFS_SKIP_SMUDGE", "1")
    kept.git("clone", "--quiet", str(kept.path), str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone")
    refused = assert_refused(clone, "checkout", "m@1.0.0")
    assert "the weights of m 1.0.0 are not stored by mlver" in refused
    assert "hint: git lfs fetch --all\n" in refused
    told = assert_works(clone, "verify", "--all")
    assert told.startswith("No damage  ")
    assert "git-lfs has no copy of w.bin" in told
    shutil.copytree(kept.path / ".git/lfs/objects", clone.path / ".git/lfs/objects")
    shown = assert_works(clone, "checkout", "m@1.0.0", "--force")
    assert shown.startswith("Checked out m 1.0.0\n  2 files written")
    assert (clone.path / "w.bin").read_text() == "weights 1"


def test_what_git_lfs_took_in_is_registered(kept: Repository) -> None:
    kept.write("w.bin", "weights 3")
    again = ("register", "m", "--bump", "minor", "-m", "Better")
    refused = assert_refused(kept, *again)
    assert "hint: git add -- w.bin\nhint: git commit -m WHY\n" in refused
    kept.commit("Weights")
    assert "not stored" in assert_works(kept, *again)
    assert "every byte checked" in assert_works(
        kept, "promote", "m@2.1.0", "--to", "production", "-m", "go"
    )
