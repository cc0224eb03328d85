"""What a rollback calls itself while it is at work."""

from __future__ import annotations

import errno
import hashlib
import json
from pathlib import Path

import pytest

from mlver.project.artifacts import undoable_checkout
from mlver.project.project import Project
from mlver.project.registering import register
from mlver.project.stages.promote import promote_version
from mlver.project.stages.rollback import roll_back_stage
from tests.cli.conftest import assert_refused, assert_works, train_model
from tests.cli.results import digest_tree, read_document
from tests.conftest import Repository
from tests.project.helpers import flip_bit


def test_a_model_that_was_not_named_is_named_to_whoever_recovers(second: Repository) -> None:
    project = Project.open_existing(second.path)
    for version in ("1.0.0", "1.1.0"):
        promote_version(project, f"@{version}", to="staging", message="try")
    hook = second.write(".git/hooks/pre-commit", "#!/bin/sh\ncp .git/mlver/intent.json .git/seen\n")
    hook.chmod(0o755)
    roll_back_stage(project, None, stage="staging", message="back")
    assert json.loads((second.path / ".git/seen").read_text())["what"] == "rollback digits staging"


def prepare_failing_rollback(repository: Repository, outside: Path) -> None:
    """Two versions were in staging; unregistered files lie in `w`; a hook refuses each commit."""
    assert_works(repository, "init")
    for text in ("one", "two"):
        repository.write("w/f", text)
        repository.write(f"w/only-{text}", text)
        bump = ("--bump", "minor") if text == "two" else ("--weights", "w")
        assert_works(repository, "register", "m", *bump, "-m", text)
        assert_works(repository, "promote", "m", "--to", "staging", "-m", text)
        (repository.path / f"w/only-{text}").unlink()
    repository.write("w/f", "precious")
    repository.write("w/g/new", "precious as well")
    outside.mkdir()
    (outside / "stored-nowhere").write_text("not ours")
    (repository.path / "w/lnk").symlink_to(f"{outside}/")
    (outside.parent / "file").write_text("precious elsewhere")
    (repository.path / "w/only-one").symlink_to("../../file")
    (repository.path / "w/h").symlink_to(outside.parent / "file")
    hook = repository.write(".git/hooks/pre-commit", "#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)


ROLLBACK = ("rollback", "m", "--stage", "staging", "-m", "back", "--checkout")


def test_a_rollback_that_fails_puts_the_files_and_links_back(
    project: Repository, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    prepare_failing_rollback(project, outside)
    before = digest_tree(project.path / "w")
    assert "not today" in assert_refused(project, *ROLLBACK)
    assert digest_tree(project.path / "w") == before
    assert (project.path / "w/lnk").readlink() == outside
    assert (outside / "stored-nowhere").read_text() == "not ours"
    assert (project.path / "w/only-one").readlink() == Path("../../file")
    assert (tmp_path / "file").read_text() == "precious elsewhere"


def test_files_that_cannot_be_put_back_are_named_beside_the_error(
    project: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_failing_rollback(project, tmp_path / "outside")

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(undoable_checkout, "put_files_back", fail)
    done = project.mlver(*ROLLBACK)
    digest = hashlib.sha256(b"precious").hexdigest()
    assert done.code == 3
    assert done.err.startswith("note: the working files were not put back as they were: ")
    assert f"note: the unregistered bytes of w/f are kept: sha256:{digest}\n" in done.err
    assert "not today" in done.err.partition("error: ")[2]


def test_what_is_not_kept_is_not_said_to_be_checked(
    second: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes may be gone from everywhere, and nobody here would know."""
    monkeypatch.setattr(register, "require_holders", lambda *_: None)  # as an earlier mlver did
    train_model(second, 3)
    told = assert_works(
        second, "register", "digits", "--bump", "minor", "-m", "Elsewhere", "--no-store", "train"
    )
    assert "unchanged, not stored" in told
    (second.path / "data/train.csv").unlink()
    promote = ("promote", "digits@1.2.0", "--to", "production", "-m", "gone")
    refused = second.mlver(*promote)
    assert refused.code == 1
    assert "digits 1.2.0 train is not stored by mlver" in " ".join(refused.out.split())
    assert_works(second, *promote, "--force")
    assert_works(second, "promote", "digits@1.1.0", "--to", "production", "-m", "back to whole")
    rollback = ("rollback", "digits", "--stage", "production", "--to", "1.2.0", "-m", "again")
    back = assert_works(second, *rollback)
    assert "every byte that is kept of it was read and found right" in back
    assert "not checked, for mlver keeps no copy: train\n" in back
    assert "not checked, for mlver keeps no copy: digits@1.2.0 train\n" in assert_works(
        second, "verify"
    )
    found = read_document(second.mlver("verify", "--all", "--json"), "verify")
    assert found["unkept"] == ["digits@1.2.0 train"]


def test_a_damaged_target_is_named_and_set_aside_before_any_file_goes(second: Repository) -> None:
    """What is put in place is proven only while it is copied."""
    for version in ("1.0.0", "1.1.0"):
        assert_works(second, "promote", f"digits@{version}", "--to", "staging", "-m", "try")
    (pack,) = (
        path
        for path in (second.path / ".git/mlver/packs").glob("*.pack")
        if b"weights of run 1" in path.read_bytes()
    )
    flip_bit(pack, pack.read_bytes().index(b"weights of run 1"))
    before = digest_tree(second.path / "model")
    refused = second.mlver("rollback", "digits", "--stage", "staging", "-m", "back", "--checkout")
    assert (refused.code, refused.out) == (3, "")
    assert refused.err.startswith("note: set a damaged copy of sha256:")
    assert "digits 1.0.0 cannot be had whole:\n  digits 1.0.0 weights/" in refused.err
    assert digest_tree(second.path / "model") == before
    assert any((second.path / ".git/mlver/quarantine").iterdir())
