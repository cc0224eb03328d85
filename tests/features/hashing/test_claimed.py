"""`--trust-server-checksums`: what a server claims is recorded as claimed, and said to be."""

from __future__ import annotations

import uuid
from dataclasses import replace

import obstore
import pytest
from obstore.store import S3Store

from mlver.project.artifacts.listed import find_listing_faults
from mlver.project.project import Project
from mlver.project.reporter import SilentReporter
from mlver.records.listing import HashedObject, PrefixListing
from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.servers.starting import RunningServer

COUNT = 5
TRUST = "--trust-server-checksums"


@pytest.fixture
def url(seaweedfs: RunningServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """A prefix in a bucket, as the environment of the person says where it is."""
    for name, value in seaweedfs.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", seaweedfs.options["endpoint"])
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    prefix = uuid.uuid4().hex
    bucket = seaweedfs.address.removeprefix("s3://")
    store = S3Store(
        bucket, prefix=prefix, client_options={"allow_http": True}, checksum_algorithm="SHA256"
    )
    for number in range(COUNT):
        obstore.put(store, f"part-{number}", b"row %d\n" % number, use_multipart=False)
    return f"{seaweedfs.address}/{prefix}"


@pytest.fixture
def claiming(repository: Repository, url: str) -> Repository:
    """With a version whose data were not read."""
    assert_works(repository, "init")
    repository.write(".gitignore", "/model.bin\n")
    repository.write("model.bin", "weights")
    repository.commit()
    data = ("--data", f"train={url}")
    said = assert_works(
        repository, "register", "m", "--weights", "model.bin", *data, TRUST, "-m", "Why"
    )
    assert "checksums claimed, not proven" in said
    return repository


def show_train(repository: Repository, version: str) -> dict[str, object]:
    document = read_document(repository.mlver("show", f"m@{version}", "--json"), "show")
    train: dict[str, object] = document["record"]["data"]["train"]
    return train


def test_claims_are_counted_and_never_taken_unasked(repository: Repository, url: str) -> None:
    document = read_document(repository.mlver("hash", url, TRUST, "--json"), "hash")
    assert (document["hashed"], document["claimed"], document["reused"]) == (0, COUNT, 0)
    assert f"{COUNT} claimed by the server, not proven" in assert_works(
        repository, "hash", url, TRUST
    )
    read = read_document(repository.mlver("hash", url, "--json"), "hash")
    assert (read["hashed"], read["claimed"], read["reused"]) == (COUNT, 0, 0)
    assert read["digest"] == document["digest"]
    # What was read before is more than a claim.
    again = read_document(repository.mlver("hash", url, TRUST, "--json"), "hash")
    assert (again["hashed"], again["claimed"], again["reused"]) == (0, 0, COUNT)


def test_whoever_looks_is_told(claiming: Repository) -> None:
    train = show_train(claiming, "1.0.0")
    assert train["claimed"] == {"sha256": str(train["digest"])[7:]}
    assert "checksums claimed, not proven" in assert_works(claiming, "show", "m@1.0.0")
    assert "claimed by the server, not proven" in assert_works(claiming, "verify", "--all")
    assert "claimed by the server, not proven" in assert_works(claiming, "audit")
    assert claiming.mlver("audit", "--strict").code == 1


def test_reading_proves_them(claiming: Repository) -> None:
    document = read_document(claiming.mlver("verify", "--remote-data", "--json"), "verify")
    assert (document["remote_objects"], document["notes"]) == (COUNT, [])
    assert_works(claiming, "register", "m", "--bump", "patch", "-m", "Read")
    train = show_train(claiming, "1.0.1")
    assert "claimed" not in train
    assert train["digest"] == show_train(claiming, "1.0.0")["digest"]
    assert "not proven" not in assert_works(claiming, "show", "m@1.0.1")


def test_a_record_that_hides_a_claim_is_wrong(claiming: Repository) -> None:
    project = Project.find_from(claiming.path, SilentReporter())
    record, _ = project.registry.read_version("m", project.registry.list_versions("m")[0])
    train = record.data["train"]
    assert not list(find_listing_faults(project, "m", train))
    (fault,) = find_listing_faults(project, "m", replace(train, claimed={}))
    assert "other checksums that are only claimed" in fault.message


def test_only_the_claimed_objects_are_in_the_claim() -> None:
    read = HashedObject("a", 1, "ab" * 32)
    claimed = HashedObject("b", 1, "cd" * 32, claimed=True)
    listing = PrefixListing("s3://b", (read, claimed))
    only = PrefixListing("s3://b", (claimed,))
    assert listing.claims == only.claims == {"sha256": only.manifest.digest.hex}
    assert PrefixListing("s3://b", (read,)).claims == {}
