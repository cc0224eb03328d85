"""What mlver is told not to store is registered only where something committed keeps its bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.conftest import Repository
from tests.features.adopting.foreign import LFS, cached, md5, pointer

REGISTER = ("register", "m", "--weights", "w.bin", "--no-store", "weights", "-m", "why")
AGAIN = ("register", "m", "--bump", "minor", "-m", "trained again")
PROMOTE = ("promote", "m@1.0.0", "--to", "production", "-m", "go")


@pytest.fixture
def place(repository: Repository) -> Repository:
    repository.write("README.md", "a project\n")
    repository.commit()
    assert_works(repository, "init")
    return repository


def hints(repository: Repository, *words: str) -> list[str]:
    """The commands that a refusal says to type."""
    told = assert_refused(repository, *words)
    assert "mlver is told to keep no copy of weights, and nobody else keeps these bytes" in told
    assert repository.git("tag") == ""
    return [line.removeprefix("hint: ") for line in told.splitlines() if line.startswith("hint: ")]


def lay_out_dvc(repository: Repository, data: str, *, is_cached: bool = True) -> None:
    """What `dvc add w.bin` leaves, to be committed or not."""
    repository.write("w.bin", data)
    repository.write("w.bin.dvc", pointer("w.bin", data))
    if is_cached:
        cached(repository, data)


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_what_git_keeps_is_registered_once_it_is_committed(
    place: Repository, more: tuple[str, ...]
) -> None:
    place.write("w.bin", "weights")
    expected = ["git add -- w.bin", "git commit -m WHY"]
    assert hints(place, *REGISTER, *more) == expected
    place.git("add", "w.bin")
    assert hints(place, *REGISTER, *more) == expected
    place.git("commit", "--quiet", "-m", "git keeps it")
    place.write("w.bin", "changed")
    assert hints(place, *REGISTER, *more) == expected
    place.write("w.bin", "weights")
    assert_works(place, *REGISTER, *more)


def test_a_folder_that_git_keeps_in_part_is_refused(place: Repository) -> None:
    place.write("model/a", "a")
    place.write("model/b.tmp", "b")
    place.write(".gitignore", "*.tmp\n")
    place.commit()
    told = ("register", "m", "--weights", "model", "--no-store", "weights", "-m", "why")
    assert hints(place, *told) == [
        "git status --ignored -- model",
        "git check-attr --all -- model",
    ]
    (place.path / "model/b.tmp").unlink()
    assert_works(place, *told)


def test_a_file_whose_line_ends_git_converts_is_refused(place: Repository) -> None:
    place.write("w.bin", "a\r\nb\r\n")
    place.write(".gitattributes", "w.bin text eol=crlf\n")
    place.commit()
    assert hints(place, *REGISTER)[-1] == "git check-attr --all -- w.bin"


def test_what_git_ignores_is_not_to_be_added_to_it(place: Repository) -> None:
    place.write(".gitignore", "w.bin\n")
    place.commit()
    place.write("w.bin", "weights")
    assert hints(place, *REGISTER) == ["git check-ignore --verbose -- w.bin"]


def test_what_dvc_keeps_is_registered_once_its_pointer_is_committed(place: Repository) -> None:
    place.write(".gitignore", "w.bin\n/.dvc/cache\n")
    place.write(".dvc/config", "")
    place.commit()
    place.write("w.bin", "weights")
    expected = ["dvc add w.bin", "git add -- w.bin.dvc", "git commit -m WHY"]
    assert hints(place, *REGISTER) == expected
    lay_out_dvc(place, "weights")
    assert hints(place, *REGISTER) == expected
    place.commit("DVC keeps it")
    assert "not stored" in assert_works(place, *REGISTER)
    assert "every byte checked" in assert_works(place, *PROMOTE)


def test_a_pointer_without_the_bytes_in_the_cache_is_not_enough(place: Repository) -> None:
    place.write(".gitignore", "w.bin\n/.dvc/cache\n")
    lay_out_dvc(place, "weights", is_cached=False)
    place.commit()
    assert hints(place, *REGISTER) == ["dvc fetch --all-tags"]
    name = cached(place, "weights")
    (place.path / f".dvc/cache/files/md5/{name[:2]}/{name[2:]}").write_text("damaged")
    assert hints(place, *REGISTER)[0].startswith("mv ")


def test_what_a_pipeline_of_dvc_made_is_kept_by_its_lock_file(place: Repository) -> None:
    place.write(".gitignore", "w.bin\n/.dvc/cache\n")
    place.write(".dvc/config", "")
    place.write("dvc.yaml", "stages: {}\n")
    lock = "stages:\n  train:\n    cmd: x\n    outs:\n    - path: w.bin\n      md5: {}\n"
    place.write("dvc.lock", lock.format(md5("old")))
    cached(place, "old")
    place.commit()
    place.write("w.bin", "weights")
    expected = ["dvc commit", "git add -- dvc.lock", "git commit -m WHY"]
    assert hints(place, *REGISTER) == expected
    cached(place, "weights")
    place.write("dvc.lock", lock.format(md5("weights")))
    place.commit("The pipeline ran")
    assert_works(place, *REGISTER)


def test_what_git_lfs_keeps_is_registered(place: Repository) -> None:
    digest = hashlib.sha256(b"weights").hexdigest()
    place.write("w.bin", LFS.format(digest, 7))
    place.commit()
    place.write("w.bin", "weights")  # as git-lfs would have it
    assert hints(place, *REGISTER) == ["git lfs fetch --all"]
    kept = place.write(f".git/lfs/objects/{digest[:2]}/{digest[2:4]}/{digest}", "weights")
    assert_works(place, *REGISTER)
    assert "every byte checked" in assert_works(place, *PROMOTE)
    kept.write_text("damaged")
    assert place.mlver("verify").code == 1


def forget(repository: Repository) -> Path:
    """Register what DVC keeps, and then train without `dvc add`."""
    repository.write(".gitignore", "w.bin\n/.dvc/cache\n")
    lay_out_dvc(repository, "weights")
    repository.commit()
    assert_works(repository, *REGISTER)
    return repository.write("w.bin", "trained again")


def test_a_training_that_dvc_was_not_told_of_is_refused(place: Repository) -> None:
    forget(place)
    told = assert_refused(place, *AGAIN)
    assert "HEAD and dvc have other bytes of w.bin" in told
    assert "hint: dvc add w.bin\nhint: git add -- w.bin.dvc\nhint: git commit -m WHY\n" in told
    lay_out_dvc(place, "trained again")
    place.commit("DVC was told")
    assert_works(place, *AGAIN)


def test_no_gate_counts_a_copy_in_the_work_tree(
    place: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(place)
    with monkeypatch.context() as patch:
        # As an earlier mlver did.
        patch.setattr("mlver.project.registering.register.require_holders", lambda *_: None)
        assert_works(place, *AGAIN)
    checked = assert_works(place, "verify", "m@1.1.0")
    assert "w.bin is the only place that holds its bytes here" in checked
    refused = place.mlver("promote", "m@1.1.0", "--to", "production", "-m", "go")
    assert refused.code == 1
    assert "is not stored by mlver" in " ".join(refused.out.split())
    place.write("w.bin", "weights")
    lost = place.mlver("verify", "m@1.1.0")
    assert lost.code == 1
    assert "m 1.1.0 weights is not stored by mlver, and w.bin holds other bytes" in lost.out
