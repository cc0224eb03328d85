"""`mlver verify --remote-data`: what a listing pins is read again where it is."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

from mlver.storage.remote.blobs import BlobMissing
from mlver.storage.remote.cloud import CloudReader
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.servers.seaweedfs import make_versioned_bucket
from tests.servers.starting import RunningServer

COUNT = 6


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "bucket"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"part-{number}").write_text(f"row {number}\n")
    return folder


@pytest.fixture
def pinned(repository: Repository, data: Path) -> Repository:
    """With two versions that pin the same prefix."""
    assert_works(repository, "init")
    repository.write(".gitignore", "/model.bin\n")
    repository.write("model.bin", "weights")
    repository.commit()
    train = ("--data", f"train={data.as_uri()}")
    assert_works(repository, "register", "m", "--weights", "model.bin", *train, "-m", "Why")
    repository.write("model.bin", "others")
    assert_works(repository, "register", "m", "--bump", "minor", "-m", "Why")
    return repository


def verify(repository: Repository, *words: str) -> tuple[int, dict[str, object]]:
    done = repository.mlver("verify", *words, "--json")
    return done.code, read_document(done, "verify")


def test_every_pinned_object_is_read_again(pinned: Repository) -> None:
    code, document = verify(pinned, "--all")
    assert (code, document["remote_objects"]) == (0, 0)
    assert "nothing of it was read" in str(document["notes"])
    code, document = verify(pinned, "--all", "--remote-data")
    # Once for both versions.
    assert (code, document["remote_objects"], document["notes"]) == (0, COUNT, [])
    assert verify(pinned, "--require-bytes")[0] == 1
    assert verify(pinned, "--require-bytes", "--remote-data")[0] == 0
    out = assert_works(pinned, "verify", "--remote-data")
    assert out.startswith("All is well  1 version, 0 promotions, 7 files, 6 remote objects, 42 B")


def test_changed_and_lost_objects_are_named(pinned: Repository, data: Path) -> None:
    changed = data / "part-1"
    before = changed.stat()
    # As a server would hide it: the size is the same, and the time, from which the etag comes.
    changed.write_text("ROW 1\n")
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))
    (data / "part-2").unlink()
    (data / "more").write_text("what no version pins")
    assert verify(pinned, "--all")[0] == 0
    done = pinned.mlver("verify", "m@1.0.0", "--remote-data")
    assert done.code == 1
    assert "part-1 has other bytes than were pinned" in done.out
    assert "part-2 is gone" in done.out
    assert "more" not in done.out
    assert "m@1.0.0 train" in done.out


def test_what_cannot_be_read_is_no_proof(pinned: Repository, data: Path) -> None:
    shutil.rmtree(data)
    code, document = verify(pinned, "--remote-data")
    assert code == 1
    assert "m@1.1.0 train" in str(document["broken"])


def test_an_address_that_nobody_typed_here_is_not_read(pinned: Repository, data: Path) -> None:
    shutil.rmtree(pinned.path / ".git/mlver/hashing")
    done = pinned.mlver("verify", "--remote-data")
    assert done.code == 1
    assert "nobody has typed it here yet" in done.out
    assert f"hint: mlver hash {data.as_uri()}" in done.out
    assert_works(pinned, "hash", data.as_uri())
    assert "All is well" in assert_works(pinned, "verify", "--remote-data")


def test_the_version_that_was_pinned_is_read(
    repository: Repository,
    seaweedfs: RunningServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in seaweedfs.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", seaweedfs.options["endpoint"])
    url = make_versioned_bucket(seaweedfs)
    store = S3Store(url.removeprefix("s3://"), client_options={"allow_http": True})
    obstore.put(store, "a", b"old", use_multipart=False)
    assert_works(repository, "init")
    repository.write(".gitignore", "/model.bin\n")
    repository.write("model.bin", "weights")
    repository.commit()
    train = ("--data", f"train={url}")
    assert_works(repository, "register", "m", "--weights", "model.bin", *train, "-m", "Why")
    obstore.put(store, "a", b"new", use_multipart=False)
    obstore.delete(store, "a")
    assert verify(repository, "--remote-data")[0] == 0
    (path,) = (repository.path / ".mlver/listings").iterdir()
    (pinned,) = json.loads(path.read_text())["objects"]
    monkeypatch.setattr(CloudReader, "read_piece", refuse_version)
    done = repository.mlver("verify", "--remote-data")
    assert done.code == 1
    assert f"a is gone in version {pinned['version']}, which was pinned" in done.out


def refuse_version(reader: CloudReader, key: str, offset: int, size: int, version: str) -> None:
    """What a server does once a rule of the bucket removed old versions."""
    raise BlobMissing(f"there is no {key} of version {version}")


def test_it_can_be_read_on_an_executor(pinned: Repository) -> None:
    factory = "concurrent.futures:ThreadPoolExecutor"
    code, document = verify(pinned, "--remote-data", "--executor", factory)
    assert (code, document["remote_objects"]) == (0, COUNT)
    error = assert_refused(pinned, "verify", "--executor", factory, code=2)
    assert "with --remote-data only" in error
    error = assert_refused(pinned, "verify", "--remote-data", "--offline", code=2)
    assert "--offline asks no remote" in error
