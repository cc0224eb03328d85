"""Adopted versions are put in place from where their bytes are kept, and never only said to be."""

from __future__ import annotations

import shutil

import pytest

from mlver.project.registering import register
from tests.cli.conftest import assert_works
from tests.conftest import Repository
from tests.features.adopting.foreign import cached, md5, pointer, tagged


@pytest.fixture(params=["git", "dvc"])
def adopted(repository: Repository, request: pytest.FixtureRequest) -> Repository:
    """Two versions of a model, kept by git or by DVC; the second one is in place."""
    if request.param == "dvc":
        repository.write(".gitignore", "/w.bin\n/.dvc/cache\n")
    for number in (1, 2):
        repository.write("w.bin", f"weights {number}")
        if request.param == "dvc":
            cached(repository, f"weights {number}")
            repository.write("w.bin.dvc", pointer("w.bin", f"weights {number}"))
        repository.commit()
        tagged(repository, f"v{number}.0.0")
    assert_works(repository, "init")
    assert_works(repository, "adopt", "m", "--weights", "w.bin")
    return repository


def test_a_checkout_reads_the_bytes_where_they_are_kept(adopted: Repository) -> None:
    weights = adopted.path / "w.bin"
    shown = assert_works(adopted, "checkout", "m@1.0.0", "--dry-run")
    assert "1 file to write" in shown
    assert weights.read_text() == "weights 2"
    shown = assert_works(adopted, "checkout", "m@1.0.0")
    assert shown.startswith("Checked out m 1.0.0\n  1 file written, 0 unchanged")
    assert weights.read_text() == "weights 1"
    assert_works(adopted, "checkout", "m@1.0.0")
    assert_works(adopted, "checkout", "m@2.0.0", "--to", "served")
    assert (adopted.path / "served/w.bin").read_text() == "weights 2"
    assert_works(adopted, "checkout", "m@2.0.0")
    assert weights.read_text() == "weights 2"


def test_bytes_of_no_version_are_not_overwritten(adopted: Repository) -> None:
    adopted.write("w.bin", "trained again")
    for options in ((), ("--dry-run",)):
        refused = adopted.mlver("checkout", "m@1.0.0", *options)
        assert refused.code == 3
        assert "these files hold bytes that are stored nowhere" in refused.err
    assert (adopted.path / "w.bin").read_text() == "trained again"
    assert_works(adopted, "checkout", "m@1.0.0", "--force")
    assert (adopted.path / "w.bin").read_text() == "weights 1"


def test_what_nobody_keeps_is_not_said_to_be_checked_out(adopted: Repository) -> None:
    shutil.rmtree(adopted.path / ".dvc", ignore_errors=True)
    for kept in (adopted.path / ".git/objects").glob("??"):
        if not (adopted.path / "w.bin.dvc").exists():
            blob = adopted.git("rev-parse", "v1.0.0:w.bin")
            if blob.startswith(kept.name):
                (kept / blob[2:]).unlink()
    done = adopted.mlver("checkout", "m@1.0.0")
    assert (done.code, done.out) == (3, "")
    assert "the weights of m 1.0.0 are not stored by mlver" in done.err
    assert "hint: " in done.err
    assert (adopted.path / "w.bin").read_text() == "weights 2"


def test_damaged_copies_are_not_put_in_place(adopted: Repository) -> None:
    name = md5("weights 1")
    copy = adopted.path / f".dvc/cache/files/md5/{name[:2]}/{name[2:]}"
    if copy.exists():
        copy.write_text("weights X")
        assert adopted.mlver("checkout", "m@1.0.0").code == 3
        assert (adopted.path / "w.bin").read_text() == "weights 2"


def test_a_rollback_says_how_much_of_an_adopted_version_was_read(adopted: Repository) -> None:
    for number in (1, 2):
        words = ("promote", f"m@{number}.0.0", "--to", "production", "-m", "Good")
        assert_works(adopted, *words)
    shown = assert_works(
        adopted, "rollback", "m", "--stage", "production", "--checkout", "-m", "No"
    )
    assert "every byte of it was read and found right (9 B)" in shown
    assert "1 file written" in shown
    assert (adopted.path / "w.bin").read_text() == "weights 1"


def test_a_byte_that_was_not_read_is_a_broken_link_where_it_has_to_be(
    second: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "require_holders", lambda *_: None)  # as an earlier mlver did
    words = ("register", "digits", "--bump", "patch", "--no-store", "train", "-m", "Elsewhere")
    assert_works(second, *words)
    verify = ("verify", "digits@1.1.1")
    whole = assert_works(second, *verify)
    assert "data/train.csv is the only place that holds its bytes here" in whole
    assert "3 files" in whole
    assert_works(second, *verify, "--require-bytes")
    (second.path / "data/train.csv").unlink()
    without = assert_works(second, *verify)
    assert "not checked, for mlver keeps no copy: digits@1.1.1 train" in without
    assert "2 files" in without
    done = second.mlver(*verify, "--require-bytes")
    assert done.code == 1
    assert "digits 1.1.1 train is not stored by mlver, and data/train.csv is not there" in done.out
