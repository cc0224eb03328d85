"""Data that a web server publishes: what its own index states, read and compared."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path

import pytest

from mlver.errors import InvalidDocument
from mlver.records.listing import HashedObject, PrefixListing
from mlver.storage.remote import object_hashing
from mlver.storage.remote.blobs import BlobError, BlobMissing, RangeIgnored
from mlver.storage.remote.object_hashing import hash_chunk
from mlver.storage.remote.open import parse_address
from mlver.storage.remote.published import (
    CHECKSUMS,
    LISTING,
    PublishedReader,
    open_published_reader,
)
from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.servers.nginx import (
    CERTIFICATE_VARIABLE,
    FOLDER_VARIABLE,
    TLS_VARIABLE,
    start_nginx,
)
from tests.servers.starting import RunningServer, Servers
from tests.storage.remote.scripted import Answered, serve_script

FILES = {"a b.csv": b"row\n" * 10, "ü/100%.csv": b"other\n", "empty": b""}


def hash_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def state(files: dict[str, bytes]) -> str:
    return "".join(f"{hash_of(data)}  ./{name}\n" for name, data in files.items())


@pytest.fixture(scope="session")
def nginx(servers: Servers) -> RunningServer:
    return servers.share_server("nginx", start_nginx)


@pytest.fixture
def folder(nginx: RunningServer) -> Path:
    """A folder that nginx publishes, with files and what states them."""
    folder = Path(nginx.environment[FOLDER_VARIABLE]) / uuid.uuid4().hex
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / CHECKSUMS).write_text(state(FILES))
    return folder


def open_below(nginx: RunningServer, folder: Path, below: str = "") -> PublishedReader:
    return open_published_reader(parse_address(f"{nginx.address}/{below}{folder.name}", {}))


def test_what_is_stated_is_listed_and_read(nginx: RunningServer, folder: Path) -> None:
    (folder / "more").write_text("which nobody states")
    reader = open_below(nginx, folder)
    listed = sorted(reader.list_objects())
    assert [(item.key, item.size) for item in listed] == [
        (name, len(FILES[name])) for name in sorted(FILES)
    ]
    assert all(item.etag for item in listed)
    for item in listed:
        assert reader.stat_object(item.key) == item
        assert reader.find_claim(item) == hash_of(FILES[item.key])
    assert reader.read_piece("a b.csv", 4, 3) == (b"row", listed[0])
    assert reader.read_piece("a b.csv", 90, 3) == (b"", listed[0])


def test_a_listing_of_mlver_is_an_index_too(nginx: RunningServer, folder: Path) -> None:
    (folder / CHECKSUMS).unlink()
    objects = [HashedObject(name, len(data), hash_of(data)) for name, data in FILES.items()]
    listing = PrefixListing.from_objects("file:///somewhere/else", objects)
    (folder / LISTING).write_bytes(listing.to_bytes())
    assert {item.key for item in open_below(nginx, folder).list_objects()} == set(FILES)


def test_a_folder_without_an_index_is_refused(nginx: RunningServer, folder: Path) -> None:
    (folder / CHECKSUMS).unlink()
    with pytest.raises(BlobError, match="has neither SHA256SUMS nor") as refused:
        list(open_below(nginx, folder).list_objects())
    assert "sha256sum" in refused.value.message
    (folder / CHECKSUMS).write_text("<html><title>Index of /</title>")
    with pytest.raises(InvalidDocument, match="SHA256SUMS"):
        list(open_below(nginx, folder).list_objects())


def test_a_file_that_is_stated_and_not_there_is_named(nginx: RunningServer, folder: Path) -> None:
    (folder / "a b.csv").unlink()
    with pytest.raises(BlobMissing, match=r"a b\.csv is stated there, and does not exist"):
        list(open_below(nginx, folder).list_objects())


def test_a_server_without_ranges_is_named(nginx: RunningServer, folder: Path) -> None:
    with pytest.raises(RangeIgnored):
        open_below(nginx, folder, "norange/").read_piece("a b.csv", 4, 3)


def test_an_answer_without_a_size_is_none() -> None:
    def answer(_: object) -> Answered:
        return Answered(headers={"Content-Length": "many"}, body=b"")

    with serve_script(answer) as server:
        reader = open_published_reader(parse_address(server.address, {}))
        with pytest.raises(BlobError, match="does not tell the size of a"):
            reader.stat_object("a")


def test_other_bytes_than_are_stated_are_an_error(
    nginx: RunningServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = open_below(nginx, folder)
    listed = sorted(reader.list_objects())
    monkeypatch.setattr(object_hashing, "open_reader", lambda url, options: reader)
    url = reader.server.address
    read = hash_chunk(url, {}, listed)
    assert [item.sha256 for item in read] == [hash_of(FILES[item.key]) for item in listed]
    assert not any(item.claimed for item in read)
    claimed = hash_chunk(url, {}, listed, mode="claimed")
    assert claimed == [item._replace(claimed=True) for item in read]
    path = folder / "a b.csv"
    path.write_bytes(FILES["a b.csv"].upper())
    changed = [reader.stat_object(item.key) for item in listed]
    with pytest.raises(BlobError, match="the index beside it states"):
        hash_chunk(url, {}, changed)


def test_public_data_is_pinned_by_https(
    nginx: RunningServer, folder: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", nginx.environment[CERTIFICATE_VARIABLE])
    url = f"{nginx.environment[TLS_VARIABLE]}/{folder.name}"
    assert_works(repository, "init")
    repository.write(".gitignore", "/model.bin\n")
    repository.write("model.bin", "weights")
    repository.commit()
    train = ("--data", f"train={url}")
    assert_works(repository, "register", "m", "--weights", "model.bin", *train, "-m", "Why")
    document = read_document(repository.mlver("show", "m", "--json"), "show")
    pinned = document["record"]["data"]["train"]
    assert (pinned["path"], pinned["files"], "claimed" in pinned) == (url, len(FILES), False)
    assert_works(repository, "verify", "--all", "--remote-data")
    (folder / CHECKSUMS).unlink()
    assert "a page of links is no listing" in assert_refused(repository, "hash", url)
