"""`mlver export`: a version as plain files that need neither mlver nor git, all of them or none."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mlver.digest import Digest
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import digest_tree, read_document
from tests.conftest import Repository

RECORD = ".mlver/models/digits/versions/1.0.0.yaml"


def list_tree(top: Path) -> list[str]:
    return sorted(path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file())


def test_it_can_be_checked_without_mlver(second: Repository, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = assert_works(second, "export", "digits@1.0.0", str(out))
    assert said.startswith("Exported digits 1.0.0\n  weights, train: 3 files, ")
    assert said.endswith(f"next: cd {out} && sha256sum --quiet -c SHA256SUMS\n")
    assert list_tree(out) == [
        "RECORD.yaml",
        "SHA256SUMS",
        "data/train.csv",
        "model/config.json",
        "model/weights.safetensors",
    ]
    assert (out / "model/weights.safetensors").read_text().startswith("weights of run 1\n")
    assert (out / "RECORD.yaml").read_bytes() == (second.path / RECORD).read_bytes()
    subprocess.run(["sha256sum", "--strict", "--quiet", "-c", "SHA256SUMS"], cwd=out, check=True)
    (out / "model/config.json").write_text("{}")
    checked = subprocess.run(
        ["sha256sum", "-c", "SHA256SUMS"], cwd=out, check=False, capture_output=True
    )
    assert checked.returncode == 1
    assert not list(tmp_path.glob(".*"))


def test_it_is_told_to_programs(second: Repository, tmp_path: Path) -> None:
    words = ("export", "digits@1.0.0", str(tmp_path / "out"), "--only", "weights", "--json")
    found = read_document(second.mlver(*words), "export")
    assert (found["artifacts"], found["files"]) == (["weights"], 2)
    record = Digest.of_bytes((second.path / RECORD).read_bytes())
    assert found["record"] == str(record)
    assert "data/train.csv" not in list_tree(tmp_path / "out")


def test_a_dry_run_writes_nothing(second: Repository, tmp_path: Path) -> None:
    before = digest_tree(second.path)
    out = assert_works(second, "export", "digits", str(tmp_path / "deep/out"), "--dry-run")
    assert out.startswith("Would export digits 1.1.0\n  weights, train: 3 files")
    assert digest_tree(second.path) == before
    assert not (tmp_path / "deep").exists()


def test_an_empty_folder_is_taken_and_any_other_is_refused(
    second: Repository, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert_works(second, "export", "digits@1.0.0", str(out))
    before = digest_tree(out)
    error = assert_refused(second, "export", "digits@1.1.0", str(out))
    assert "is there already, and export only writes into a new or an empty folder" in error
    assert digest_tree(out) == before
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    (tmp_path / "file").write_text("mine")
    for name in ("link", "file"):
        assert_refused(second, "export", "digits@1.0.0", str(tmp_path / name))
    assert list((tmp_path / "empty").iterdir()) == []
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("place", [".", ".git/out", ".mlver/out"])
def test_what_belongs_to_git_or_mlver_is_refused(second: Repository, place: str) -> None:
    before = digest_tree(second.path)
    assert_refused(second, "export", "digits@1.0.0", str(second.path / place), code=2)
    assert digest_tree(second.path) == before


def test_what_is_damaged_leaves_nothing(second: Repository, tmp_path: Path) -> None:
    for path in (second.path / ".git/mlver").rglob("*"):
        if path.is_file() and "state" not in path.name and path.suffix != ".idx":
            path.chmod(0o644)
            path.write_bytes(path.read_bytes().replace(b"weights of", b"weightz of"))
    done = second.mlver("export", "digits@1.0.0", str(tmp_path / "deep/out"))
    assert done.code == 3
    assert "damaged" in done.err
    assert not (tmp_path / "deep").exists()


def test_what_a_killed_export_left_is_removed(second: Repository, tmp_path: Path) -> None:
    leftover = tmp_path / ".mlver-tmp-export-out"
    leftover.mkdir()
    (leftover / "model").write_text("half of it")
    assert_works(second, "export", "digits@1.0.0", str(tmp_path / "out"))
    assert not leftover.exists()


def test_what_somebody_put_in_its_way_is_neither_followed_nor_removed(
    second: Repository, tmp_path: Path
) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").write_text("mine")
    (tmp_path / ".mlver-tmp-export-out").symlink_to(tmp_path / "precious")
    error = assert_refused(second, "export", "digits@1.0.0", str(tmp_path / "out"))
    assert "is in the way, and is no folder of yours" in error
    assert list_tree(tmp_path / "precious") == ["file"]


def test_wrong_words_are_answered(second: Repository, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    error = assert_refused(second, "export", "digits", out, "--as", "onnx", code=2)
    assert "there is no format `onnx`; there are directory" in error
    error = assert_refused(second, "export", "digits", out, "--only", "test", code=2)
    assert "has no artifact called test; --only takes weights, train" in error


def test_executable_files_stay_so(second: Repository, tmp_path: Path) -> None:
    script = second.write("tool/run.sh", "#!/bin/sh\n")
    script.chmod(0o755)
    second.write(".gitignore", "/model/\n/data/\n/tool/\n")
    second.commit("Ignore the tool")
    assert_works(second, "register", "tool", "--weights", "tool", "-m", "A tool")
    assert_works(second, "export", "tool", str(tmp_path / "out"))
    assert os.access(tmp_path / "out/tool/run.sh", os.X_OK)


def test_names_of_its_own_files_are_refused(second: Repository, tmp_path: Path) -> None:
    second.write("SHA256SUMS", "a model of a bad name\n")
    assert_works(second, "register", "odd", "--weights", "SHA256SUMS", "-m", "Odd")
    error = assert_refused(second, "export", "odd", str(tmp_path / "out"))
    assert "SHA256SUMS has the name of a file that the export itself writes" in error
