"""`mlver gc --remote`: two steps, other repositories, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.project.artifacts import storing
from mlver.project.project import Project
from mlver.project.remote.condemned import SCHEMA, describe_process
from mlver.project.remote.pins import abandon_push, begin_push
from mlver.project.remote.repositories import SharingRepository, announce_repository
from mlver.storage.remote.catalogue import object_key
from mlver.storage.remote.directory import init_directory
from mlver.storage.remote.listing import LISTING, publish_listing
from mlver.storage.remote.open import open_blobs
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.storage.conformance import get_content
from tests.storage.remote.transfers import store_contents

UNNEEDED = bytes(2 << 20)
UNNEEDED_KEY = object_key(Digest.of_bytes(UNNEEDED).hex)
_SECONDS = 20 * 24 * 3600


def send_all(repository: Repository, bucket: Path, *others: bytes) -> None:
    """Put all contents of a repository, and others, on a remote."""
    project = Project.open_existing(repository.path)
    store = storing.open_store(project)
    contents = list(others)
    for digest in set(store.list_objects()):
        contents.append(get_content(store, digest))
    store_contents(open_blobs(str(bucket)), bucket.parent / "spool", contents)


def announce(repository: Repository, bucket: Path) -> list[SharingRepository]:
    project = Project.open_existing(repository.path)
    return announce_repository(open_blobs(str(bucket)), project.repository)


def pass_time(bucket: Path) -> None:
    """Let 20 days pass on the remote: all times that it tells are so much earlier."""
    for path in bucket.rglob("*"):
        if path.is_file():
            moment = path.stat().st_mtime - _SECONDS
            if path.parent.name == "condemned":
                document = json.loads(path.read_text())
                if document["since"]:
                    document["since"] = "2020-01-01T00:00:00+00:00"
                path.write_text(json.dumps(document))
                moment = time.time() - _SECONDS
            os.utime(path, (moment, moment))


def count_fates(repository: Repository, bucket: Path, *options: str) -> dict[str, int]:
    done = repository.mlver("gc", "--remote", str(bucket), "--json", *options)
    return {line["fate"]: line["count"] for line in read_document(done, "gc")["lines"]}


@pytest.fixture
def bucket(second: Repository, tmp_path: Path) -> Path:
    """With all contents of a repository, and one that nobody needs, stored long ago."""
    folder = tmp_path / "bucket"
    init_directory(folder)
    send_all(second, folder, UNNEEDED)
    announce(second, folder)
    pass_time(folder)
    return folder


def test_it_is_condemned_and_deleted_later(second: Repository, bucket: Path) -> None:
    assert count_fates(second, bucket)["condemned"] == 1
    assert not (bucket / "condemned").exists()
    assert count_fates(second, bucket, "--yes")["condemned"] == 1
    assert count_fates(second, bucket, "--yes")["waiting"] == 1
    assert (bucket / UNNEEDED_KEY).exists()
    condemn_long_ago(bucket)
    assert count_fates(second, bucket)["deleted"] == 1
    assert (bucket / UNNEEDED_KEY).exists()
    document = read_document(second.mlver("gc", "--remote", str(bucket), "--yes", "--json"), "gc")
    assert document["freed"] == len(UNNEEDED)
    assert not (bucket / UNNEEDED_KEY).exists()
    assert not list((bucket / "condemned").iterdir())
    assert set(count_fates(second, bucket)) == {"kept"}


def condemn_long_ago(bucket: Path) -> None:
    """Let the records of condemned blobs be older, but not than the blobs."""
    for path in (bucket / "objects").rglob("*"):
        os.utime(path, (10**9, 10**9))
    pass_time(bucket)


def test_what_is_stored_again_is_kept(second: Repository, bucket: Path) -> None:
    count_fates(second, bucket, "--yes")
    condemn_long_ago(bucket)
    os.utime(bucket / UNNEEDED_KEY)
    assert "deleted" not in count_fates(second, bucket, "--yes")
    assert (bucket / UNNEEDED_KEY).exists()


def test_what_a_push_has_pinned_is_kept(second: Repository, bucket: Path) -> None:
    count_fates(second, bucket, "--yes")
    condemn_long_ago(bucket)
    pin = begin_push(open_blobs(str(bucket)), [Digest.of_bytes(UNNEEDED)])
    document = read_document(second.mlver("gc", "--remote", str(bucket), "--yes", "--json"), "gc")
    assert (document["pins"], document["freed"]) == (1, 0)
    assert (bucket / UNNEEDED_KEY).exists()
    abandon_push(pin)


def test_the_pin_of_a_push_that_was_killed_goes(second: Repository, bucket: Path) -> None:
    begin_push(open_blobs(str(bucket)), [Digest.of_bytes(UNNEEDED)])
    pass_time(bucket)
    assert count_fates(second, bucket, "--yes")["condemned"] == 1
    assert list((bucket / "pins").iterdir())
    pass_time(bucket)
    count_fates(second, bucket, "--yes")
    assert not list((bucket / "pins").iterdir())


def test_a_remote_goes_by_its_name(second: Repository, bucket: Path) -> None:
    assert_refused(second, "gc", "--remote", "storage", "--yes")
    assert second.mlver("remote", "add", "storage", str(bucket)).code == 0
    said = assert_works(second, "gc", "--remote", "storage", "--yes")
    assert str(bucket) in said
    assert_works(second, "du", "--remote", "storage")


@pytest.mark.parametrize("folder", ["pins", "condemned", "repositories", "recipes/00", "packs"])
def test_what_cannot_be_read_ends_it(second: Repository, bucket: Path, folder: str) -> None:
    name = "0" * 64 + ".idx" if folder == "packs" else "0" * 32
    (bucket / folder).mkdir(parents=True, exist_ok=True)
    (bucket / folder / name).write_text("{}")
    before = sorted(bucket.rglob("*"))
    assert_refused(second, "gc", "--remote", str(bucket), "--yes")
    kept = [path for path in before if path.parent.name not in ("pins", "condemned")]
    assert all(path.exists() for path in kept)


def gone_process() -> str:
    """A process of this system that has ended."""
    here = describe_process()
    assert here is not None
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return f"{here.rpartition(' ')[0]} {process.pid}"


def write_deleting(bucket: Path, by: str, process: str | None) -> Path:
    """The record of a gc that is deleting, or was killed."""
    document: dict[str, object] = {
        "schema": SCHEMA,
        "state": "deleting",
        "keys": [],
        "since": None,
        "by": by,
        "process": process,
    }
    (bucket / "condemned").mkdir(exist_ok=True)
    number = len(list((bucket / "condemned").iterdir()))
    path = bucket / "condemned" / f"20260101t000000z-0000000{number}.json"
    path.write_text(json.dumps(document))
    return path


def test_a_gc_that_was_killed_is_settled_by_the_next(second: Repository, bucket: Path) -> None:
    by = f"{os.uname().nodename}:{second.path / '.git/mlver'}"
    own = write_deleting(bucket, by, gone_process())
    other = write_deleting(bucket, "another", gone_process())
    document = read_document(second.mlver("gc", "--remote", str(bucket), "--yes", "--json"), "gc")
    assert document["busy"] == ["another"]
    assert (own.exists(), other.exists()) == (False, True)


def test_a_clone_that_is_called_alike_is_left_to_work(second: Repository, bucket: Path) -> None:
    by = f"{os.uname().nodename}:{second.path / '.git/mlver'}"
    here = describe_process()
    assert here is not None
    boot, space, number = here.split()
    # One that runs: this one is what the tested gc is.
    parent = os.getppid()
    gone = gone_process().rpartition(" ")[2]
    working = [
        write_deleting(bucket, by, f"{boot} {space} {parent}"),
        write_deleting(bucket, by, f"{boot} pid:[1] {gone}"),
        write_deleting(bucket, by, f"{'0' * len(boot)} {space} {gone}"),
        write_deleting(bucket, by, f"{boot} {space} -{number}"),
        write_deleting(bucket, by, None),
    ]
    second.mlver("gc", "--remote", str(bucket), "--yes")
    assert all(path.exists() for path in working)
    pass_time(bucket)
    second.mlver("gc", "--remote", str(bucket), "--yes")
    assert not any(path.exists() for path in working)


@pytest.mark.parametrize("address", ["https://example.org/models", "lfs://origin"])
def test_what_cannot_be_deleted_from_is_refused(second: Repository, address: str) -> None:
    said = assert_refused(second, "gc", "--remote", address)
    assert "nothing can be deleted" in said


def test_a_path_is_meant_from_where_the_person_stands(second: Repository, bucket: Path) -> None:
    above = f"../{bucket.name}"
    (second.path / "deep").mkdir()
    deep = Repository(second.path / "deep")
    assert str(bucket) in assert_works(second, "gc", "--remote", above)
    assert str(bucket) in assert_works(deep, "gc", "--remote", f"../../{bucket.name}")
    assert str(bucket) in assert_works(second, "du", "--remote", above)


@pytest.mark.parametrize("address", ["s3://key:secret@bucket", "file://elsewhere/store"])
def test_what_is_no_address_is_told_so(second: Repository, address: str) -> None:
    said = assert_refused(second, "gc", "--remote", address, code=2)
    assert "no address of a remote" in said
    assert "secret" not in said
    assert "mlver remote list" in said
    assert "remote remove" not in said


@pytest.mark.parametrize("command", ["gc", "du"])
def test_no_remote_is_asked_offline(
    second: Repository, bucket: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLVER_OFFLINE", "1")
    assert "--offline" in assert_refused(second, command, "--remote", str(bucket), code=2)
    assert_works(second, command)


def test_a_listing_names_what_is_left(second: Repository, bucket: Path) -> None:
    blobs = open_blobs(str(bucket))
    count_fates(second, bucket, "--yes")
    assert not (bucket / LISTING).exists()
    publish_listing(blobs)
    assert UNNEEDED_KEY in (bucket / LISTING).read_text()
    condemn_long_ago(bucket)
    assert count_fates(second, bucket, "--yes")["deleted"] == 1
    assert UNNEEDED_KEY not in (bucket / LISTING).read_text()


def test_what_is_damaged_names_a_command(second: Repository, bucket: Path) -> None:
    (bucket / "recipes/00").mkdir(parents=True)
    (bucket / "recipes/00" / ("0" * 64)).write_text("{}")
    assert "mlver push" in assert_refused(second, "gc", "--remote", str(bucket), "--yes")
    assert "mlver gc" in assert_refused(second, "gc", "--yes", "--dry-run", code=2)
