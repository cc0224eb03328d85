"""`mlver register` says that the objects are still to be sent, where a remote is configured."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.storage.remote.directory import init_directory
from tests.cli.conftest import assert_works
from tests.conftest import Repository
from tests.teams import add_remote, read_json


@pytest.fixture
def sharing(repository: Repository, tmp_path: Path) -> Repository:
    init_directory(tmp_path / "bucket")
    assert_works(repository, "init")
    repository.write("w.bin", b"one")
    repository.write(".gitignore", "w.bin\n")
    add_remote(repository, "store", tmp_path / "bucket")
    return repository


REGISTER = ("register", "digits", "--weights", "w.bin", "-m", "why")
NEXT = "next: mlver push  (so that store has it, too)\n"


def test_push_comes_next(sharing: Repository) -> None:
    out = assert_works(sharing, *REGISTER)
    assert out.endswith(NEXT)
    sharing.write("w.bin", b"two")
    assert assert_works(sharing, *REGISTER, "--bump", "minor").endswith(NEXT)


def test_push_is_not_named_where_nothing_is_new(sharing: Repository) -> None:
    assert_works(sharing, *REGISTER)
    document = read_json(sharing, *REGISTER, "--bump", "minor", "--metric", "loss=1")
    assert document["remote"] is None
    assert "mlver push" not in assert_works(sharing, *REGISTER, "--bump", "minor")


def test_push_is_not_named_for_what_is_not_stored(sharing: Repository) -> None:
    sharing.git("add", "--force", "w.bin")
    sharing.git("commit", "--quiet", "-m", "weights")
    assert "mlver push" not in assert_works(sharing, *REGISTER, "--no-store", "weights")


def test_the_document_names_the_remote(sharing: Repository) -> None:
    assert read_json(sharing, *REGISTER, "--dry-run")["remote"] == "store"
    assert read_json(sharing, *REGISTER)["remote"] == "store"
