"""`mlver config pin` says which bytes a data set is, keeps them, and push sends them."""

from __future__ import annotations

import os
from pathlib import Path

from mlver.digest import Digest
from mlver.project.artifacts.storing import open_store
from mlver.project.project import Project
from mlver.records import layout
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository


def _pinned(repository: Repository) -> dict[str, tuple[str, Digest]]:
    datasets = Project.open_existing(repository.path).registry.read_config().datasets
    return {name: (pin.path, pin.digest) for name, pin in datasets.items()}


def test_a_file_is_pinned_by_its_bytes_and_comments_stay(second: Repository) -> None:
    second.write("data/exam.csv", "a,b\n1,2\n")
    config = second.path / layout.CONFIG
    config.write_text(f"# ours\n{config.read_text()}")
    digest = Digest.of_bytes(b"a,b\n1,2\n")
    said = assert_works(second, "config", "pin", "exam", "data/exam.csv")
    assert f"Pinned datasets.exam, what is at data/exam.csv, as {digest}" in said.replace("\n", " ")
    assert _pinned(second) == {"exam": ("data/exam.csv", digest)}
    assert config.read_text().startswith("# ours\n")
    again = assert_works(second, "config", "pin", "exam", "data/exam.csv")
    assert "says so already; nothing changed" in again


def test_a_directory_is_pinned_with_the_list_of_its_files(second: Repository) -> None:
    second.write("data/golden/a.csv", "1\n")
    second.write("data/golden/b/c.csv", "2\n")
    assert_works(second, "config", "pin", "golden", "data/golden")
    path, digest = _pinned(second)["golden"]
    manifest = (second.path / layout.manifest_path(digest)).read_bytes()
    assert path == "data/golden"
    assert Digest.of_bytes(manifest) == digest
    assert manifest.decode().count("\n") == 2
    assert_works(second, "verify", "--all")


def test_what_is_pinned_survives_gc_and_is_pushed(second: Repository, tmp_path: Path) -> None:
    second.write("data/exam.csv", "a,b\n1,2\n")
    assert_works(second, "config", "pin", "exam", "data/exam.csv")
    storage = tmp_path / "storage"
    assert_works(second, "remote", "add", "storage", os.fspath(storage), "--init")
    second.git("add", "--all")
    second.commit("Pin the exam")
    (second.path / "data/exam.csv").unlink()
    collected = second.mlver("gc", "--yes")
    assert collected.code == 0, collected
    pushed = second.mlver("push", "--objects", "--remote", "storage")
    assert pushed.code == 0, pushed
    digest = Digest.of_bytes(b"a,b\n1,2\n")
    store = open_store(Project.open_existing(second.path))
    assert store.find_missing([digest]) == set()
    sent = b"".join(path.read_bytes() for path in storage.rglob("*.idx"))
    assert bytes.fromhex(digest.hex) in sent or digest.hex.encode() in sent


def test_a_dry_run_writes_nothing(second: Repository) -> None:
    second.write("data/exam.csv", "a,b\n")
    before = (second.path / layout.CONFIG).read_bytes()
    document = read_document(
        second.mlver("config", "pin", "exam", "data/exam.csv", "--dry-run", "--json"), "config"
    )
    assert (document["action"], document["changed"], document["dry_run"]) == ("pin", True, True)
    assert (second.path / layout.CONFIG).read_bytes() == before


def test_what_is_no_data_set_is_refused(second: Repository) -> None:
    before = (second.path / layout.CONFIG).read_bytes()
    assert "golden data/golden" in assert_refused(second, "config", "pin", "exam", code=2)
    assert_refused(second, "config", "pin", "exam", "data/nothing")
    assert_refused(second, "config", "pin", "exam", "../outside", code=2)
    assert_refused(second, "config", "pin", "exam", ".mlver/config.yaml", code=2)
    second.write("data/exam.csv", "a,b\n")
    said = assert_refused(second, "config", "pin", "../Exam", "data/exam.csv")
    assert "is not a data set name" in said
    assert (second.path / layout.CONFIG).read_bytes() == before
