"""What `verify` names, and what it says of what it could not see."""

from __future__ import annotations

import json
from pathlib import Path

from mlver.digest import Digest
from mlver.document import codec
from mlver.system.state import StateDatabase
from tests.cli.conftest import assert_works, train_model
from tests.cli.results import read_document
from tests.conftest import Repository


def test_a_shallow_clone_is_told_that_not_all_was_seen(first: Repository, tmp_path: Path) -> None:
    whole = read_document(first.mlver("verify", "--all", "--json"), "verify")
    assert (whole["ok"], whole["shallow"]) == (True, False)
    (first.path / ".git/shallow").write_text(first.git("rev-parse", "HEAD") + "\n")
    found = read_document(first.mlver("verify", "--all", "--json"), "verify")
    assert (found["ok"], found["shallow"]) == (True, True)
    shown = assert_works(first, "verify", "--all")
    assert "  history is not whole here" in shown
    assert "    hint: git fetch --unshallow\n" in shown
    assert "history is not whole" not in assert_works(first, "verify")


def test_folders_that_differ_by_unicode_normalisation_are_no_models(first: Repository) -> None:
    for name in ("mod\u00e9le", "mode\u0301le"):
        first.write(f".mlver/models/{name}/versions/1.0.0.yaml", "model: x\n")
    first.commit("Two, or one, by file system")
    found = read_document(first.mlver("verify", "--all", "--json"), "verify")
    named = {one["subject"] for one in found["broken"] if one["kind"] == "name"}
    assert named == {
        f".mlver/models/{name}/versions/1.0.0.yaml" for name in ("mod\u00e9le", "mode\u0301le")
    }
    assert "mod" not in assert_works(first, "list")


def plant_lie(repository: Repository) -> None:
    """Have the cache say of a record that it pins no data set, and was made for another reason."""
    path = ".mlver/models/digits/versions/1.0.0.yaml"
    data = (repository.path / path).read_bytes()
    document = codec.decode_document("version", data, path)
    state = StateDatabase(repository.path / ".git/mlver/state.db")
    key = Digest.of_bytes(b"version\0" + data).hex
    state.put_document(key, json.dumps({**document, "data": {}, "message": "a lie"}))
    state.close()


def test_a_cache_that_lies_is_believed_by_the_listing_alone(second: Repository) -> None:
    plant_lie(second)
    assert "a lie" in assert_works(second, "list", "digits")
    assert "train.csv" in assert_works(second, "show", "digits@1.0.0")
    assert "a lie" not in assert_works(second, "log")
    checked = read_document(second.mlver("verify", "digits@1.0.0", "--json"), "verify")
    assert checked["files"] == 3
    compared = assert_works(second, "diff", "digits@1.0.0", "digits@1.1.0")
    assert "train" not in compared


def test_a_data_set_that_has_another_name_since_is_no_stranger_to_it(first: Repository) -> None:
    """Its old place is compared with the last version that has it there."""
    settings = first.path / ".mlver/models/digits/model.yaml"
    settings.write_text(settings.read_text().replace("train:", "teach:"))
    first.commit("Another name")
    train_model(first, 2)
    assert_works(first, "register", "digits", "--bump", "minor", "-m", "Renamed")
    first.write("data/train.csv", "a,b\n3,4\n")
    shown = assert_works(first, "verify", "--all")
    assert "(against 1.0.0: data/train.csv)" in shown
    assert "(against 1.1.0: data/train.csv)" in shown


def test_the_latest_release_is_checked_below_a_newer_pre_release(second: Repository) -> None:
    train_model(second, 3)
    words = ("--version", "2.0.0-rc.1", "-m", "Try")
    assert_works(second, "register", "digits", *words)
    checked = read_document(second.mlver("verify", "--json"), "verify")
    # 1.0.0 is in production.
    assert checked["versions"] == ["digits@1.0.0", "digits@1.1.0", "digits@2.0.0-rc.1"]
