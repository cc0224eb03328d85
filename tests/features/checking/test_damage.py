"""One byte of anything is enough: `verify` names it, and a rollback to what cannot be had does not
begin.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import assert_works, copy_repository, train_model
from tests.cli.results import digest_tree, read_document
from tests.conftest import Repository

VERSIONS = ".mlver/models/digits/versions"
STAGE = ".mlver/models/digits/stages/production"


def flip(path: Path, where: bytes) -> None:
    """One bit of the first byte of the text `where`."""
    data = bytearray(path.read_bytes())
    data[data.index(where)] ^= 1
    path.chmod(0o644)
    path.write_bytes(bytes(data))


def state(repository: Repository) -> tuple[str, ...]:
    """What a person looks at, and what a stage and a version are made of."""
    words = ("rev-parse HEAD", "for-each-ref", "status --porcelain", "ls-files --stage")
    files = (digest_tree(repository.path / name) for name in ("model", "data", ".mlver"))
    return (*(repository.git(*word.split()) for word in words), *files)


def only(top: Path, pattern: str) -> Path:
    (found,) = top.glob(pattern)
    return found


@pytest.fixture(scope="module")
def third_once(
    stories: dict[str, Repository], tmp_path_factory: pytest.TempPathFactory
) -> Repository:
    third = copy_repository(stories["second"], tmp_path_factory.mktemp("third") / "repository")
    third.write("model/weights.safetensors", b"large" * 1_000_000)
    assert_works(third, "register", "digits", "--bump", "patch", "-m", "Large")
    assert_works(third, "promote", "digits@1.1.0", "--to", "production", "-m", "Better")
    return third


@pytest.fixture
def third(third_once: Repository, tmp_path: Path) -> Repository:
    """With 1.1.0 promoted as well, and weights large enough for an object of their own."""
    return copy_repository(third_once, tmp_path / "repository")


def manifest(repository: Repository) -> Path:
    """Of the weights of 1.0.0."""
    record = (repository.path / VERSIONS / "1.0.0.yaml").read_text()
    name = record.partition("weights:")[2].partition("sha256:")[2][:64]
    return repository.path / f".mlver/manifests/{name}.sha256"


def loose(repository: Repository) -> Path:
    return only(repository.path, ".git/mlver/objects/*/*")


def pack(repository: Repository) -> Path:
    """The pack with the first version's weights."""
    return next(
        path
        for path in repository.path.glob(".git/mlver/packs/*.pack")
        if b"weights of run 1" in path.read_bytes()
    )


DAMAGES: dict[str, tuple[Callable[[Repository], Path], bytes, tuple[str, str]]] = {
    "an object": (loose, b"large", ("object", "digits 1.1.1 weights/weights.safetensors")),
    "an object in a pack": (
        pack,
        b"weights of run 1",
        ("object", "digits 1.0.0 weights/weights.safetensors"),
    ),
    "a record's text": (
        lambda r: r.path / VERSIONS / "1.0.0.yaml",
        b"First",
        ("record", "digits 1.0.0"),
    ),
    "a promotion": (lambda r: r.path / STAGE / "0001.yaml", b"Release", ("chain", f"{STAGE}/0002")),
    "the last promotion": (
        lambda r: r.path / STAGE / "0002.yaml",
        b"Better",
        ("record", f"{STAGE}/0002.yaml"),
    ),
    "a manifest": (manifest, b"weights.safetensors", ("manifest", "digits 1.0.0 weights")),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_flipped_bit_is_named(third: Repository, what: str) -> None:
    where, at, (kind, subject) = DAMAGES[what]
    assert third.mlver("verify", "--all").code == 0
    flip(where(third), at)
    done = third.mlver("verify", "--all", "--json")
    assert done.code == 1
    found = read_document(done, "verify")
    assert not found["ok"]
    assert (kind, subject) in {(broken["kind"], broken["subject"]) for broken in found["broken"]}
    assert all(broken["hints"] for broken in found["broken"])
    shown = third.mlver("verify", "--all")
    assert (shown.code, shown.err) == (1, "")
    assert subject in shown.out


@pytest.mark.parametrize("what", ["an object", "an object in a pack"])
def test_a_lost_object_is_named(third: Repository, what: str) -> None:
    where, _, (_, subject) = DAMAGES[what]
    where(third).unlink()
    done = third.mlver("verify", "--all")
    assert done.code == 1
    assert f"{subject} is missing" in done.out


@pytest.mark.parametrize("how", ["damaged", "missing"])
@pytest.mark.parametrize("what", ["an object", "an object in a pack", "a manifest"])
@pytest.mark.parametrize("checkout", [True, False], ids=["checkout", "stage only"])
def test_a_rollback_to_what_cannot_be_had_moves_nothing(
    third: Repository, what: str, how: str, checkout: bool
) -> None:
    where, at, (_, subject) = DAMAGES[what]
    target = "1.1.1" if what == "an object" else "1.0.0"
    if target == "1.1.1":  # a rollback goes only to what held the stage before
        assert_works(third, "promote", "digits@1.1.1", "--to", "production", "-m", "Try")
        assert_works(third, "rollback", "digits", "--stage", "production", "-m", "Back")
    path = where(third)
    flip(path, at) if how == "damaged" else path.unlink()
    train_model(third, 3, commit=False)
    words = ["--to", target, "-m", "Back", *(["--checkout"] if checkout else [])]
    before = state(third)
    done = third.mlver("rollback", "digits", "--stage", "production", *words)
    assert (done.code, done.out) == (3, "")
    assert f"error: digits {target} cannot be had whole:\n" in done.err
    assert f"\n  {subject}: " in done.err
    assert "\nhint: " in done.err
    assert state(third) == before


def test_checkout_of_damaged_bytes_moves_nothing(third: Repository) -> None:
    flip(pack(third), b"weights of run 1")
    before = state(third)
    done = third.mlver("checkout", "digits@1.0.0", "--force")
    assert (done.code, done.out) == (3, "")
    assert "sha256:" in done.err
    assert state(third) == before


def test_sha256sum_checks_an_artifact_without_mlver(first: Repository) -> None:
    check = ["sha256sum", "--check", "--strict", f"../{manifest(first).relative_to(first.path)}"]
    done = subprocess.run(
        check, cwd=first.path / "model", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "config.json: OK\nweights.safetensors: OK\n")
    flip(first.path / "model/weights.safetensors", b"weights")
    assert (
        subprocess.run(check, cwd=first.path / "model", capture_output=True, check=False).returncode
        == 1
    )
    assert hashlib.sha256(manifest(first).read_bytes()).hexdigest() == manifest(first).stem


def test_a_deleted_record_is_named(second: Repository) -> None:
    path = f"{VERSIONS}/1.0.0.yaml"
    (second.path / path).unlink()
    said = second.mlver("verify", "--all").out
    assert f"{path} is deleted here, though HEAD holds it" in said
    assert f"hint: git checkout -- {path}" in said
    second.commit("Clean up")
    said = second.mlver("verify", "--all").out
    assert f"{path} was deleted in commit {second.git('rev-parse', '--short=10', 'HEAD')}" in said
    assert "digits@v1.0.0 seals a record that is not here" in said


def test_a_record_edited_in_history_is_named_even_when_it_was_put_back(second: Repository) -> None:
    path = second.path / f"{VERSIONS}/1.0.0.yaml"
    whole = path.read_text()
    path.write_text(whole.replace("accuracy: 0.91", "accuracy: 0.99"))
    edited = second.commit("Polish")
    path.write_text(whole)
    second.commit("Never mind")
    done = second.mlver("verify", "--all")
    assert done.code == 1
    assert f"was changed in commit {edited[:10]}, after it had been committed" in done.out
    assert f"hint: git show {edited[:10]} -- {VERSIONS}/1.0.0.yaml" in done.out


def test_training_again_is_no_damage(second: Repository) -> None:
    train_model(second, 3)
    for words in (("verify",), ("verify", "--all"), ("verify", "--all", "--require-bytes")):
        told = assert_works(second, *words)
        assert told.startswith("All is well  ")
        assert "model holds bytes of no version of digits (against 1.1.0: model/we" in told
        assert "hint: mlver status digits\n" in told
        assert "--force" not in told


@pytest.mark.parametrize("path", ["model/weights.safetensors", "data/train.csv"])
def test_a_flipped_bit_of_a_working_file_is_told(second: Repository, path: str) -> None:
    flip(second.path / path, b"," if path.endswith("csv") else b"w")
    found = read_document(second.mlver("verify", "--json"), "verify")
    (note,) = found["notes"]
    assert (found["ok"], note["kind"]) == (True, "working")
    assert path in note["message"]


@pytest.fixture
def bare_clone(second: Repository, tmp_path: Path) -> Repository:
    """A clone as git makes it: the records and none of the objects."""
    second.git("clone", "--quiet", os.fspath(second.path), os.fspath(tmp_path / "clone"))
    return Repository(tmp_path / "clone")


def test_a_clone_without_bytes_is_told_so_in_one_line(
    bare_clone: Repository, second: Repository
) -> None:
    for words, code, style in (
        (("verify", "--all"), 0, "No damage"),
        (("verify", "--all", "--require-bytes"), 1, "1 broken link"),
        (("doctor",), 0, "ok"),
    ):
        done = bare_clone.mlver(*words)
        assert (done.code, done.out.count("here; copy them")) == (code, 1), done
        assert done.out.startswith(style)
        assert "objects" in done.out
        assert " 0 of 4 here; copy them from a clone that has them" in done.out
        assert done.out.count("hint: cp -Rn CLONE/.git/mlver/objects ") == 1
        assert "missing" not in done.out
        assert "--fix" not in done.out
    found = read_document(bare_clone.mlver("verify", "--all", "--json"), "verify")
    assert (found["files"], found["bytes"]) == (0, 0)
    for hint in found["notes"][0]["hints"]:
        typed = hint.replace("CLONE", os.fspath(second.path))
        subprocess.run(["sh", "-c", typed], cwd=bare_clone.path, check=True)
    assert assert_works(bare_clone, "verify", "--all").startswith("All is well  2 versions")


def test_a_store_that_was_filled_once_is_no_clone_without_bytes(second: Repository) -> None:
    flip(pack(second), b"weights of run 1")
    shutil.rmtree(second.path / "model")
    assert second.mlver("verify", "--all").code == 1
    for stored in (*second.path.glob(".git/mlver/packs/*"), *second.path.glob(".git/mlver/obj*/*")):
        stored.unlink()
    done = second.mlver("verify", "--all")
    assert done.code == 1
    assert "weights/weights.safetensors is missing" in done.out
