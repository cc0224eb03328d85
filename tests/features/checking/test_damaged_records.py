"""Records that are damaged or missing stand in the way of as little as possible."""

from __future__ import annotations

import importlib
import os

import pytest

from tests.conftest import Repository


@pytest.fixture
def served(repository: Repository) -> Repository:
    """Three versions, each in production once."""
    repository.write(".gitignore", "/model/\n")
    repository.commit("ignore")
    assert repository.mlver("init").code == 0
    for number in (1, 2, 3):
        repository.write("model/w.bin", f"{number}\n")
        assert (
            repository.mlver(
                "register", "m", "--weights", "model", "--version", f"{number}.0.0", "-m", "x"
            ).code
            == 0
        )
        assert (
            repository.mlver("promote", f"m@{number}.0.0", "--to", "production", "-m", "x").code
            == 0
        )
    return repository


def test_a_file_that_only_looks_like_a_record_counts_for_nothing(served: Repository) -> None:
    stray = served.write(".mlver/models/m/versions/9.0.0.yaml", "schema: mlver/version/2\n")
    done = served.mlver("register", "m", "--bump", "minor", "-m", "next")
    assert done.code == 0
    assert done.out.startswith("Registered m 3.1.0  after 3.0.0\n")
    assert "versions/9.0.0.yaml cannot be read: mlver verify --all" in done.err
    assert stray.exists()


def test_a_rollback_passes_a_hole_in_the_history(served: Repository) -> None:
    (served.path / ".mlver/models/m/stages/production/0001.yaml").unlink()
    done = served.mlver("rollback", "m", "--stage", "production", "--to", "2.0.0", "-m", "back")
    assert (done.code, done.err.count("the history of production is damaged")) == (0, 1)
    assert (served.path / ".mlver/models/m/stages/production/0004.yaml").exists()


def test_a_dry_run_sets_nothing_aside(served: Repository) -> None:
    for pack in (served.path / ".git/mlver/packs").glob("*.pack"):
        data = bytearray(pack.read_bytes())
        data[512] ^= 1
        pack.chmod(0o644)
        pack.write_bytes(data)
    done = served.mlver("rollback", "m", "--stage", "production", "-m", "back", "--dry-run")
    assert done.code == 3
    assert "is damaged" in done.err
    quarantine = served.path / ".git/mlver/quarantine"
    assert not quarantine.exists() or not os.listdir(quarantine)


def test_however_many_of_the_newest_cannot_be_read_the_work_tree_is_compared_with_the_next(
    served: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.import_module("mlver.features.comparing.status"), "_RECENT", 1)
    for number in (2, 3):
        (served.path / f".mlver/models/m/versions/{number}.0.0.yaml").write_text("rubbish\n")
    done = served.mlver("status")
    assert "\nm 1.0.0  against the work tree\n" in done.out
    assert "versions/2.0.0.yaml" in done.out
