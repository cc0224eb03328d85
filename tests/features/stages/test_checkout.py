"""Putting files in place never costs bytes that are stored nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.project.registering import register
from tests.cli.conftest import assert_refused, assert_works, train_model
from tests.cli.results import read_document
from tests.conftest import Repository


def test_unregistered_bytes_are_not_overwritten_unless_told(second: Repository) -> None:
    train_model(second, 3, commit=False)
    second.write("model/notes.bin", "of this run")
    assert assert_refused(second, "checkout", "digits@1.0.0") == (
        "error: these files hold bytes that are stored nowhere, and would be overwritten;"
        " register them to keep them, or use --force to lose them:\n"
        "  model/weights.safetensors\n"
        "  model/notes.bin\n"
        "hint: mlver register digits --bump patch -m WHY\n"
    )
    assert (second.path / "model/weights.safetensors").read_text().startswith("weights of run 3\n")
    assert (second.path / "model/notes.bin").read_text() == "of this run"
    assert assert_works(second, "checkout", "digits@1.0.0", "--force") == (
        f"Checked out digits 1.0.0\n  1 file written, 1 removed, 2 unchanged  in {second.path}\n"
        "  not of this version: params.yaml (lr), metrics.json (accuracy, log_loss)\n"
        "  hint: git commit -m WHY -- params.yaml metrics.json\n"
        "  hint: mlver checkout digits@1.0.0 --inputs\n"
    )
    assert (second.path / "model/weights.safetensors").read_text().startswith("weights of run 1\n")
    assert not (second.path / "model/notes.bin").exists()


def test_an_empty_folder_to_write_into_is_refused(second: Repository) -> None:
    """A shell variable that is not set gives it; the work tree is not what was meant."""
    before = (second.path / "model/weights.safetensors").read_bytes()
    said = assert_refused(second, "checkout", "digits@1.0.0", "--to", "", code=2)
    assert said.startswith("error: --to is empty")
    assert (second.path / "model/weights.safetensors").read_bytes() == before


def test_a_pointer_in_the_way_names_what_fetches_its_content(second: Repository) -> None:
    oid = "ab" * 32
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 5000\n"
    second.write("model/weights.safetensors", pointer)
    assert assert_refused(second, "checkout", "digits@1.0.0") == (
        "error: these files hold bytes that are stored nowhere, and would be overwritten;"
        " fetch the content that they point to, or use --force to lose them:\n"
        "  model/weights.safetensors\n"
        "hint: git lfs pull\n"
    )


def test_a_rollback_keeps_unregistered_bytes_as_objects(second: Repository) -> None:
    assert_works(second, "promote", "digits", "--to", "production", "-m", "Better")
    train_model(second, 3)
    done = second.mlver(
        "rollback", "digits", "--stage", "production", "-m", "Back", "--checkout", "--json"
    )
    assert (done.code, done.err) == (0, "")
    ((path, digest),) = read_document(done, "rollback")["checkout"]["saved"]
    assert path == "model/weights.safetensors"
    # it can be had again: the same bytes are no loss any more
    train_model(second, 3, commit=False)
    assert assert_works(second, "checkout", "digits@1.0.0").startswith(
        "Checked out digits 1.0.0\n  1 file written"
    )
    found = [
        pack
        for pack in (second.path / ".git/mlver/packs").glob("*.pack")
        if b"weights of run 3" in pack.read_bytes()
    ]
    assert len(found) == 1
    assert len(digest) == 64


def test_what_mlver_keeps_no_copy_of_is_left_alone(
    first: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "require_holders", lambda *_: None)  # as an earlier mlver did
    assert_works(
        first,
        "register",
        "digits",
        "--bump",
        "patch",
        "--no-store",
        "train",
        "-m",
        "Data kept elsewhere",
    )
    first.write("data/train.csv", "other")
    said = assert_refused(first, "checkout", "digits")
    assert "nothing was written: train of digits 1.0.1 is not stored by mlver" in said
    (first.path / "model/config.json").unlink()
    said = assert_works(first, "checkout", "digits")
    assert "  not touched: train (mlver keeps no copy)\n" in said
    assert (first.path / "data/train.csv").read_text() == "other"


def test_one_artifact_is_put_in_place_alone(second: Repository) -> None:
    second.write("data/train.csv", "edited")
    said = assert_works(second, "checkout", "digits@1.0.0", "--only", "weights")
    assert said.startswith("Checked out digits 1.0.0\n  1 file written, 1 unchanged  in ")
    assert (second.path / "data/train.csv").read_text() == "edited"


def test_a_server_needs_no_training_data(second: Repository, tmp_path: Path) -> None:
    served = tmp_path / "served"
    assert_works(second, "checkout", "digits@1.0.0", "--to", str(served), "--only", "weights")
    assert [entry.name for entry in served.iterdir()] == ["model"]


def test_an_artifact_that_the_version_lacks_is_refused_with_those_it_has(
    second: Repository,
) -> None:
    said = assert_refused(second, "checkout", "digits@1.0.0", "--only", "test", code=2)
    assert said == (
        "error: digits 1.0.0 has no artifact called test; --only takes weights, train\n"
        "hint: mlver show digits@1.0.0\n"
    )


def test_a_second_checkout_changes_nothing(second: Repository) -> None:
    said = assert_works(second, "checkout", "digits@1.1.0")
    assert said == f"Checked out digits 1.1.0\n  0 files written, 3 unchanged  in {second.path}\n"


@pytest.mark.parametrize(
    "to", [".mlver/models", ".git/x", "link/x", "data/.git", "model/../.mlver"]
)
def test_what_belongs_to_git_or_mlver_is_no_place_to_check_out_to(
    second: Repository, to: str
) -> None:
    (second.path / "link").symlink_to(".mlver")
    before = set(second.path.rglob("*"))
    assert "belongs to git or mlver itself; name a folder of your own" in assert_refused(
        second, "checkout", "digits@1.0.0", "--to", to, code=2
    )
    assert set(second.path.rglob("*")) == before


def test_the_folder_told_is_shown_without_detours(second: Repository) -> None:
    said = assert_works(second, "checkout", "digits@1.0.0", "--to", "model/../../x")
    assert (
        said == "Checked out digits 1.0.0\n"
        f"  3 files written, 0 unchanged  in {second.path.parent / 'x'}\n"
    )


def test_a_folder_to_be_served_does_not_come_out_empty(
    first: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "require_holders", lambda *_: None)  # as an earlier mlver did
    done = first.mlver(
        "register", "digits", "--bump", "minor", "-m", "Elsewhere", "--no-store", "weights"
    )
    assert done.code == 0, done.err
    refused = first.mlver("checkout", "digits@latest", "--to", str(tmp_path / "served"))
    assert refused.code == 3
    assert "the weights of digits 1.1.0 are not stored by mlver" in refused.err
    assert not (tmp_path / "served").exists()
    assert first.mlver("checkout", "digits@latest").code == 0


@pytest.mark.parametrize("to", ["out", "out/deep", "model/weights.safetensors/deep"])
def test_a_refused_checkout_is_not_carried_out_later(second: Repository, to: str) -> None:
    second.write("out", "mine")
    told = assert_refused(second, "checkout", "digits@1.0.0", "--to", to)
    assert "is no folder, so no files can be put below it; name another folder after --to" in told
    (second.path / "out").unlink()
    train_model(second, 3)
    assert "completed" not in assert_works(
        second, "register", "digits", "--bump", "patch", "-m", "x"
    )
    assert not (second.path / "out").exists()


def test_what_is_left_out_stays_and_is_named(second: Repository) -> None:
    """A file of the version before is among it, and that one does not belong to this version."""
    second.write("model/x.tmp", "of 1.1.1")
    second.write("model/cache/a", "of 1.1.1")
    assert_works(second, "register", "digits", "--bump", "patch", "-m", "With more")
    second.write(".mlverignore", "*.tmp\ncache/\n")
    words = ("checkout", "digits@1.0.0")
    left_out = "model/cache/, model/x.tmp"
    named = f"  not touched: {left_out} (left out by .mlverignore)\n"
    assert named in assert_works(second, *words, "--dry-run")
    found = read_document(second.mlver(*words, "--json"), "checkout")
    assert found["files"]["left_out"] == left_out.split(", ")
    assert (second.path / "model/x.tmp").read_text() == "of 1.1.1"
    assert "not touched" not in assert_works(second, "checkout", "digits@1.1.1")
    assert_works(second, "promote", "digits@1.0.0", "--to", "production", "-m", "x")
    assert_works(second, "promote", "digits@1.1.1", "--to", "production", "-m", "x")
    rollback = ("rollback", "digits", "--stage", "production", "--checkout", "-m", "x")
    assert named in assert_works(second, *rollback)


def test_an_edited_file_that_no_version_would_keep_is_to_be_copied(second: Repository) -> None:
    second.write("model/x.tmp", "of 1.1.1")
    assert_works(second, "register", "digits", "--bump", "patch", "-m", "With more")
    second.write(".mlverignore", "*.tmp\n")
    second.write("model/x.tmp", "edited")
    said = assert_refused(second, "checkout", "digits@1.1.1")
    assert "register them" not in said
    assert "; copy away what .mlverignore keeps out of the next version (model/x.tmp), or" in said
    assert said.endswith("\nhint: cat -n -- .mlverignore\n")
    second.write("model/config.json", "edited")
    said = assert_refused(second, "checkout", "digits@1.1.1")
    assert "; register them to keep them, and copy away what .mlverignore keeps out" in said
    assert said.endswith("\nhint: mlver register digits --bump patch -m WHY\n")


def test_a_dry_run_misses_what_the_checkout_would(second: Repository) -> None:
    for path in (second.path / ".git/mlver/packs").iterdir():
        path.unlink()
    (second.path / "model/config.json").write_text("edited")
    said = assert_refused(second, "checkout", "digits@1.0.0", "--force", "--dry-run")
    assert said.startswith("error: not in the object store")
    assert said == assert_refused(second, "checkout", "digits@1.0.0", "--force")
