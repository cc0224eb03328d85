"""Checkouts of one host share what they store, where their user says so."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import assert_refused, assert_works, train_model
from tests.conftest import Repository


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLVER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def clone_from(repository: Repository, path: Path) -> Repository:
    repository.git("clone", "--quiet", str(repository.path), str(path))
    return Repository(path)


def list_objects(cache: Path) -> list[Path]:
    return sorted(path for path in (cache / "objects").rglob("*") if path.is_file())


def fill_cache(repository: Repository) -> None:
    """Register a version with weights that are large enough to be a file of their own."""
    train_model(repository, 3, commit=False)
    repository.write("model/weights.safetensors", "weights of run 3\n" * 100_000)
    repository.commit("Training run 3")
    assert_works(repository, "register", "digits", "--bump", "minor", "-m", "Third")


def test_a_clone_gets_from_the_cache_what_another_registered(
    second: Repository, cache: Path, tmp_path: Path
) -> None:
    fill_cache(second)
    clone = clone_from(second, tmp_path / "clone")
    assert_works(clone, "checkout", "digits@1.2.0")
    weights = "model/weights.safetensors"
    assert (clone.path / weights).read_bytes() == (second.path / weights).read_bytes()
    assert assert_works(clone, "checkout", "digits@1.2.0", "--dry-run")


def test_a_dry_run_counts_what_the_cache_has(
    second: Repository, cache: Path, tmp_path: Path
) -> None:
    fill_cache(second)
    clone = clone_from(second, tmp_path / "clone")
    assert "3 files" in assert_works(clone, "checkout", "digits@1.2.0", "--dry-run")
    assert not (clone.path / ".git/mlver/packs").exists()
    shutil.rmtree(cache)
    assert "not in the object store" in assert_refused(
        clone, "checkout", "digits@1.2.0", "--dry-run"
    )


def test_a_rollback_takes_from_the_cache(second: Repository, cache: Path, tmp_path: Path) -> None:
    fill_cache(second)
    assert_works(second, "promote", "digits@1.2.0", "--to", "production", "-m", "Better")
    assert_works(second, "promote", "digits@1.1.0", "--to", "production", "-m", "Worse")
    clone = clone_from(second, tmp_path / "clone")
    words = ("rollback", "digits", "--stage", "production", "--to", "1.2.0", "--checkout")
    done = clone.mlver(*words, "-m", "Back")
    assert done.code == 0
    assert (clone.path / "model/weights.safetensors").read_text().startswith("weights of run 3")


def test_damaged_objects_of_a_cache_are_named_and_not_used(
    second: Repository, cache: Path, tmp_path: Path
) -> None:
    fill_cache(second)
    for path in list_objects(cache):
        path.unlink()
        path.write_bytes(b"evil")
    clone = clone_from(second, tmp_path / "clone")
    done = clone.mlver("checkout", "digits@1.2.0")
    assert done.code == 3
    assert f"the shared cache {cache} held damaged objects, which were not used" in done.err
    assert "not in the object store" in done.err
    assert list_objects(cache) == []
    assert "damaged copies are kept aside in" in clone.mlver("doctor").out


def test_the_setting_of_git_names_the_place(second: Repository, tmp_path: Path) -> None:
    second.git("config", "mlver.cache", str(tmp_path / "by-git"))
    fill_cache(second)
    assert len(list_objects(tmp_path / "by-git")) == 3


def test_the_variable_wins_and_switches_it_off(
    second: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second.git("config", "mlver.cache", str(tmp_path / "by-git"))
    monkeypatch.setenv("MLVER_CACHE", "off")
    fill_cache(second)
    assert not (tmp_path / "by-git").exists()


def test_a_repository_cannot_name_a_cache(second: Repository, tmp_path: Path) -> None:
    config = second.path / ".mlver/config.yaml"
    second.write(".mlver/config.yaml", config.read_text() + f"cache:\n  path: {tmp_path}/evil\n")
    second.commit("Name a cache")
    second.mlver("checkout", "digits@1.0.0")
    assert not (tmp_path / "evil").exists()


def test_a_relative_place_is_refused(second: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLVER_CACHE", "cache")
    said = assert_refused(second, "register", "digits", "--bump", "patch", "-m", "Again", code=2)
    assert "MLVER_CACHE is `cache`, and has to be a whole path" in said


def test_a_cache_that_cannot_be_written_fails_nothing(second: Repository, cache: Path) -> None:
    cache.write_text("no folder")
    train_model(second, 3)
    done = second.mlver("register", "digits", "--bump", "minor", "-m", "Third")
    assert done.code == 0
    assert "all is stored in this repository" in done.err
    assert f"{cache} is not a folder" in second.mlver("doctor").out


@pytest.mark.parametrize(("shared", "mode"), [("group", 0o2775), ("all", 0o2775), ("0640", 0o2750)])
def test_a_new_cache_is_shared_as_git_shares(
    shared: str, mode: int, second: Repository, cache: Path
) -> None:
    second.git("config", "core.sharedRepository", shared)
    before = os.umask(0o022)
    try:
        fill_cache(second)
    finally:
        os.umask(before)
    assert cache.stat().st_mode & 0o7777 == mode
    assert (cache / "objects").stat().st_mode & 0o7777 == mode


def test_doctor_says_what_the_cache_is(second: Repository, cache: Path) -> None:
    assert f"{cache} is made when something is stored next" in second.mlver("doctor").out
    fill_cache(second)
    assert f"{cache}, which you may read and add to" in second.mlver("doctor").out
