"""Artifacts that are stored encrypted: no plain byte leaves a clone, and all of them come back."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

import mlver
from mlver.document import codec
from mlver.errors import MlverError
from mlver.project.artifacts import encrypted_copies, storing
from mlver.project.project import Project
from mlver.records.artifact import Artifact, EncryptedCopy
from tests.conftest import Repository

pyrage = pytest.importorskip("pyrage")
OWNER = pyrage.x25519.Identity.generate()
WEIGHTS = b"plain weights of the model" * 9
ROWS = {"a.csv": b"plain row one\n", "b/c.csv": b"plain row two\n" * 90, "copy": b"plain row one\n"}
ROWS |= {"empty": b"", "x" * 150: b"plain row three", "\u00e9 \n.csv": b"plain row four"}


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key.txt"
    path.write_text(f"{OWNER}\n")
    return path


@pytest.fixture
def ground(repository: Repository) -> Repository:
    """A version whose weights and data are stored encrypted."""
    assert repository.mlver("init").code == 0
    settings = repository.path / ".mlver/config.yaml"
    listed = json.dumps([str(OWNER.to_public())])
    with settings.open("a") as opened:
        opened.write(f"encrypt:\n  artifacts: [weights, 'digits/*']\n  recipients: {listed}\n")
    repository.write("net.onnx", WEIGHTS)
    for name, data in ROWS.items():
        repository.write(f"data/{name}", data)
    repository.write(".gitignore", "/net.onnx\n/data/\n")
    repository.commit("Begin")
    words = ("--weights", "net.onnx", "--data", "train=data", "-m", "first")
    done = repository.mlver("register", "digits", *words)
    assert done.code == 0, done.err
    assert done.out.count("encrypted") == 2
    return repository


def find_plain(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and b"plain " in path.read_bytes():
            yield path.relative_to(folder).as_posix()


def read_artifact(repository: Repository, name: str) -> Artifact:
    [version] = mlver.open(repository.path).versions("digits")
    return version.record.named_artifacts()[name]


def test_nothing_is_stored_in_plain(ground: Repository) -> None:
    assert list(find_plain(ground.path / ".git")) == []
    assert list(find_plain(ground.path / ".mlver")) == []
    shown = ground.mlver("show", "digits").out
    assert shown.count("encrypted for 1 reader") == 2


def test_a_clone_gets_it_back_by_a_remote_and_a_key(
    ground: Repository, tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("forge.git", "store"):
        (tmp_path / place).mkdir()
    ground.git("init", "--quiet", "--bare", str(tmp_path / "forge.git"))
    ground.git("remote", "add", "origin", str(tmp_path / "forge.git"))
    store = str(tmp_path / "store")
    assert ground.mlver("remote", "add", "store", store, "--init").code == 0
    ground.commit("A remote")
    pushed = ground.mlver("push")
    assert pushed.code == 0, pushed.err
    assert list(find_plain(tmp_path / "store")) == []
    clone = Repository(tmp_path / "clone")
    ground.git("clone", "--quiet", str(tmp_path / "forge.git"), str(clone.path))
    monkeypatch.setenv("MLVER_TRUST_REMOTES", "1")
    refused = clone.mlver("checkout", "digits")
    assert (refused.code, "no private key was named" in refused.err) == (3, True)
    assert "export MLVER_IDENTITY=FILE" in refused.err
    clone.git("config", "mlver.identity", str(key))
    done = clone.mlver("checkout", "digits")
    assert done.code == 0, done.err
    assert (clone.path / "net.onnx").read_bytes() == WEIGHTS
    for name, data in ROWS.items():
        assert (clone.path / "data" / name).read_bytes() == data
    assert clone.mlver("verify", "--all").code == 0
    exported = clone.mlver("export", "digits", str(tmp_path / "out"))
    assert exported.code == 0, exported.err
    assert (tmp_path / "out/net.onnx").read_bytes() == WEIGHTS


def test_python_gives_a_path_to_the_plain_weights(
    ground: Repository, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ground.path / "net.onnx").unlink()
    with pytest.raises(MlverError, match="no private key was named"):
        mlver.open(ground.path).resolve("digits")
    monkeypatch.setenv("MLVER_IDENTITY", str(key))
    assert mlver.open(ground.path).resolve("digits").path.read_bytes() == WEIGHTS


def test_verify_says_what_it_cannot_check(
    ground: Repository, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = ground.mlver("verify", "--all")
    assert (without.code, without.out.count("its plain bytes were not checked")) == (0, 2)
    monkeypatch.setenv("MLVER_IDENTITY", str(key))
    assert "not checked" not in ground.mlver("verify", "--all").out


def test_what_is_the_same_is_not_encrypted_again(ground: Repository) -> None:
    before = read_artifact(ground, "train").encrypted
    ground.write("net.onnx", "other weights")
    assert ground.mlver("register", "digits", "--bump", "minor", "-m", "second").code == 0
    newest = mlver.open(ground.path).versions("digits")[-1].record
    assert newest.data["train"].encrypted == before
    assert newest.weights.encrypted is not None


def test_for_other_people_it_is_encrypted_again(ground: Repository) -> None:
    before = read_artifact(ground, "train").encrypted
    reader = str(pyrage.x25519.Identity.generate().to_public())
    settings = ground.path / ".mlver/config.yaml"
    settings.write_text(settings.read_text().replace(str(OWNER.to_public()), reader))
    ground.commit("Another reader")
    ground.write("net.onnx", "other weights")
    assert ground.mlver("register", "digits", "--bump", "minor", "-m", "second").code == 0
    after = mlver.open(ground.path).versions("digits")[-1].record.data["train"].encrypted
    assert before is not None
    assert after is not None
    assert (after.recipients, after.object == before.object) == ((reader,), False)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("weights", b"other weights"),
        ("weights", WEIGHTS + bytes(10_000)),
        ("train", b""),
        ("train", b"no archive at all" * 99),
        ("train", bytes(2048)),
    ],
)
def test_other_bytes_in_its_place_are_never_taken(
    ground: Repository, project: Project, key: Path, name: str, plain: bytes
) -> None:
    artifact = read_artifact(ground, name)
    with storing.open_batch_deposit(project) as deposit:
        other = deposit.put_object(io.BytesIO(pyrage.encrypt(plain, [OWNER.to_public()])))
    fake = Artifact(
        path=artifact.path,
        digest=artifact.digest,
        size=artifact.size,
        files=artifact.files,
        stored=True,
        encrypted=EncryptedCopy(object=other, recipients=("age1x",)),
    )
    with pytest.raises(MlverError, match="is not what its record pins"):
        encrypted_copies.check_plain(project, name, fake, [OWNER])


def test_no_more_is_decrypted_than_the_record_speaks_of(
    ground: Repository, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can push can put a terabyte of something else in place of a small artifact."""
    written: list[int] = []
    open_scratch = encrypted_copies._open_scratch

    @contextmanager
    def open_measured(of: Project) -> Iterator[BinaryIO]:
        with open_scratch(of) as scratch:
            try:
                yield scratch
            finally:
                written.append(scratch.seek(0, os.SEEK_END))

    artifact = read_artifact(ground, "weights")
    bomb = bytes(8 << 20)
    with storing.open_batch_deposit(project) as deposit:
        other = deposit.put_object(io.BytesIO(pyrage.encrypt(bomb, [OWNER.to_public()])))
    fake = replace(artifact, encrypted=EncryptedCopy(object=other, recipients=("age1x",)))
    monkeypatch.setattr(encrypted_copies, "_open_scratch", open_measured)
    with pytest.raises(MlverError, match="is not what its record pins"):
        encrypted_copies.check_plain(project, "weights", fake, [OWNER])
    plain, encrypted = written  # in the order in which they are closed
    assert encrypted > len(bomb) > 4 * plain


def test_bytes_that_nobody_encrypted_are_told(
    ground: Repository, project: Project, key: Path
) -> None:
    with storing.open_batch_deposit(project) as deposit:
        other = deposit.put_object(io.BytesIO(b"age-encryption.org/v1\n nonsense"))
    artifact = read_artifact(ground, "weights")
    copy = EncryptedCopy(object=other, recipients=("age1x",))
    fake = Artifact(path="w", digest=artifact.digest, size=9, files=1, stored=True, encrypted=copy)
    with pytest.raises(MlverError, match="cannot be decrypted"):
        encrypted_copies.check_plain(project, "weights", fake, [OWNER])


def test_other_readers_than_the_record_names_are_told_without_a_key(ground: Repository) -> None:
    project = Project.open_existing(ground.path)
    record, _ = project.registry.read_version("digits", "1.0.0")
    copy = record.weights.encrypted
    assert copy is not None
    named = replace(copy, recipients=(*copy.recipients, "ssh-ed25519 AAAA"))
    weights = replace(record.weights, encrypted=named)
    forged = replace(record, weights=weights, version="1.1.0")
    data = codec.encode_document("version", forged.to_document())
    ground.write(forged.record_path, data.decode())
    ground.commit("By hand")
    found = ground.mlver("verify", "digits@1.1.0")
    assert found.code == 1
    assert "is encrypted for other keys than the 2 that its record names: X25519" in found.out
    assert ground.mlver("verify", "digits@1.0.0").code == 0


def test_a_pin_sends_nothing_in_plain_that_a_version_has_encrypted(
    ground: Repository, tmp_path: Path
) -> None:
    """Whoever pins data stores it as it is in their clone, and no push sends that."""
    assert ground.mlver("config", "pin", "golden", "data").code == 0
    ground.write("exam.csv", "pinned, and no secret")
    assert ground.mlver("config", "pin", "exam", "exam.csv").code == 0
    storage = tmp_path / "storage"
    assert ground.mlver("remote", "add", "store", str(storage), "--init").code == 0
    ground.commit("Pin")
    assert ground.mlver("push", "--objects").code == 0
    assert list(find_plain(storage)) == []
    contents = b"".join(path.read_bytes() for path in storage.rglob("*") if path.is_file())
    assert b"pinned, and no secret" in contents
