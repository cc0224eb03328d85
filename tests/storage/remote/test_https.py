from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlver.errors import MlverError, UsageError
from mlver.storage.remote import https
from mlver.storage.remote.blobs import (
    BlobError,
    BlobInfo,
    BlobMissing,
    BlobTooShort,
    BytesBlob,
    RangeIgnored,
    TransientBlobError,
)
from mlver.storage.remote.directory import DirectoryBlobs, init_directory
from mlver.storage.remote.https import HttpsBlobs, find_authorization, open_https
from mlver.storage.remote.listing import LISTING, format_listing, publish_listing, renew_listing
from mlver.storage.remote.open import open_blobs, parse_address
from tests.servers.nginx import (
    CERTIFICATE_VARIABLE,
    FOLDER_VARIABLE,
    PASSWORD,
    TLS_VARIABLE,
    USER,
    start_nginx,
)
from tests.servers.starting import RunningServer, Servers
from tests.storage.remote.blob_conformance import BAD_KEYS, KEY, list_keys, put_keys, read_blob
from tests.storage.remote.scripted import Answered, Asked, serve_script

_SECOND = timedelta(seconds=1)


@pytest.fixture(scope="session")
def nginx(servers: Servers) -> RunningServer:
    return servers.share_server("nginx", start_nginx)


@pytest.fixture
def store(nginx: RunningServer) -> DirectoryBlobs:
    """A store in a folder that nginx publishes."""
    folder = Path(nginx.environment[FOLDER_VARIABLE]) / uuid.uuid4().hex
    init_directory(folder)
    return DirectoryBlobs(folder)


def open_below(nginx: RunningServer, store: DirectoryBlobs, below: str = "") -> HttpsBlobs:
    return open_https(parse_address(f"{nginx.address}/{below}{store.root.name}", {}))


@pytest.fixture
def blobs(nginx: RunningServer, store: DirectoryBlobs) -> HttpsBlobs:
    return open_below(nginx, store)


@pytest.mark.parametrize("size", [0, 1, 1000, (1 << 20) + 1])
def test_what_was_put_is_read(blobs: HttpsBlobs, store: DirectoryBlobs, size: int) -> None:
    data = (bytes(range(256)) * (size // 256 + 1))[:size]
    store.put_blob(KEY, BytesBlob(data))
    assert read_blob(blobs, KEY) == data
    assert blobs.stat_blob(KEY).size == size
    assert abs((blobs.stat_blob(KEY).stored - store.stat_blob(KEY).stored).total_seconds()) < 2


def test_ranges_are_exact(blobs: HttpsBlobs, store: DirectoryBlobs) -> None:
    data = bytes(range(256)) * 20
    store.put_blob(KEY, BytesBlob(data))
    for offset, size in ((0, 1), (1, 300), (5119, 1), (0, 5120), (100, 0)):
        assert blobs.get_range(KEY, offset, size) == data[offset : offset + size]
    for offset, size in ((5000, 121), (0, 5121), (9000, 1), (9000, 0)):
        with pytest.raises(BlobTooShort) as caught:
            blobs.get_range(KEY, offset, size)
        assert KEY in caught.value.message


def test_what_is_not_there_is_missing(blobs: HttpsBlobs, store: DirectoryBlobs) -> None:
    put_keys(store, ["objects/ab/other"])
    for key in (KEY, "packs/a", "objects/ab/othe"):
        for size in (0, 1):
            with pytest.raises(BlobMissing) as caught:
                blobs.get_range(key, 0, size)
            assert key in caught.value.message
        with pytest.raises(BlobMissing):
            blobs.stat_blob(key)


@pytest.mark.parametrize("key", BAD_KEYS)
def test_what_is_no_key_is_refused(blobs: HttpsBlobs, key: str) -> None:
    for call in (
        lambda: blobs.get_range(key, 0, 1),
        lambda: blobs.stat_blob(key),
        lambda: blobs.put_blob(key, BytesBlob(b"")),
        lambda: blobs.delete_blob(key),
    ):
        with pytest.raises(BlobError, match="is no key"):
            call()


def test_it_lists_what_the_store_says(
    blobs: HttpsBlobs, store: DirectoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [f"objects/{number:02x}/{number}" for number in range(40)]
    keys += ["objects.old/a", "packs/p.idx", "top"]
    put_keys(store, keys)
    with pytest.raises(BlobError, match=r"has no file listing\.txt"):
        list_keys(blobs)
    renew_listing(store)
    assert not (store.root / LISTING).exists()
    assert publish_listing(store) == len(keys)
    assert list_keys(blobs) == sorted(keys)
    assert len(list_keys(blobs, "objects/")) == 40
    assert list_keys(blobs, "pins/") == []
    assert [info.size for info in blobs.list_blobs("packs/")] == [len("packs/p.idx")]
    (listed,) = blobs.list_blobs("packs/")
    assert abs(listed.stored - store.stat_blob("packs/p.idx").stored) < _SECOND
    put_keys(store, ["packs/q.idx"])
    renew_listing(store)
    assert list_keys(blobs, "packs/") == ["packs/p.idx"]
    monkeypatch.setattr(https, "_LISTING_AGE_S", 0.0)
    assert list_keys(blobs, "packs/") == ["packs/p.idx", "packs/q.idx"]


def test_it_changes_nothing(blobs: HttpsBlobs, store: DirectoryBlobs) -> None:
    put_keys(store, [KEY])
    for call in (
        lambda: blobs.put_blob(KEY, BytesBlob(b"x")),
        lambda: blobs.replace_blob(KEY, BytesBlob(b"x")),
        lambda: blobs.delete_blob(KEY),
    ):
        with pytest.raises(BlobError, match="changes nothing there"):
            call()
    assert not blobs.confirms_content()
    blobs.sweep_leftovers()
    assert read_blob(blobs, KEY) == KEY.encode()


def test_what_nginx_can_do_wrong(nginx: RunningServer, store: DirectoryBlobs) -> None:
    put_keys(store, [KEY])
    ignoring = open_below(nginx, store, "norange/")
    assert ignoring.get_range(KEY, 0, len(KEY)) == KEY.encode()
    with pytest.raises(RangeIgnored):
        ignoring.get_range(KEY, 1, 2)
    with pytest.raises(BlobError, match="without end"):
        open_below(nginx, store, "loop/").get_range(KEY, 0, 1)
    with pytest.raises(TransientBlobError, match="503"):
        open_below(nginx, store, "broken/").get_range(KEY, 0, 1)
    assert open_below(nginx, store, "away/").get_range(KEY, 1, 2) == b"bj"


def test_a_login_comes_from_netrc_and_goes_to_its_host_only(
    nginx: RunningServer, store: DirectoryBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_keys(store, [KEY])
    with pytest.raises(BlobError, match="401"):
        open_below(nginx, store, "private/").stat_blob(KEY)
    logins = tmp_path / "netrc"
    logins.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    monkeypatch.setenv("NETRC", str(logins))
    assert read_blob(open_below(nginx, store, "private/"), KEY) == KEY.encode()
    logins.write_text(f"default login {USER} password {PASSWORD}\n")
    assert find_authorization("127.0.0.1") is None
    logins.write_text(f"machine 127.0.0.1 {PASSWORD}\n")
    with pytest.raises(BlobError, match="netrc, line") as caught:
        find_authorization("127.0.0.1")
    assert PASSWORD not in caught.value.message


def test_only_a_trusted_certificate_is_believed(
    nginx: RunningServer, store: DirectoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_keys(store, [KEY])
    address = f"{nginx.environment[TLS_VARIABLE]}/{store.root.name}"
    with pytest.raises(BlobError, match="have its certificate trusted") as caught:
        open_https(parse_address(address, {})).stat_blob(KEY)
    assert not isinstance(caught.value, TransientBlobError)
    monkeypatch.setenv("SSL_CERT_FILE", nginx.environment[CERTIFICATE_VARIABLE])
    assert read_blob(open_https(parse_address(address, {})), KEY) == KEY.encode()
    # This way leads to plain HTTP.
    away = address.replace(store.root.name, f"away/{store.root.name}")
    with pytest.raises(BlobError, match="from HTTPS to plain HTTP"):
        open_https(parse_address(away, {})).stat_blob(KEY)


def test_a_redirect_takes_no_login_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with serve_script(lambda _: Answered(body=b"x")) as other:
        place = {"Location": f"{other.address.replace('127.0.0.1', 'localhost')}/y"}
        with serve_script(lambda _: Answered(302, headers=place)) as server:
            blobs = open_https(parse_address(server.address, {}))
            assert blobs.get_range("a", 0, 1) == b"x"
            assert "authorization" in server.asked[0].headers
        assert "authorization" not in other.asked[0].headers
        assert other.asked[0].headers["range"] == "bytes=0-0"


def test_a_bucket_that_hides_what_it_lacks_is_understood() -> None:
    listing = format_listing([BlobInfo("a", 1, datetime(2026, 11, 29, tzinfo=UTC))])

    def answer(asked: Asked) -> Answered:
        return Answered(body=listing) if asked.path == f"/{LISTING}" else Answered(403)

    with serve_script(answer) as server:
        blobs = open_https(parse_address(server.address, {}))
        with pytest.raises(BlobError, match="403"):
            blobs.stat_blob("b")
        assert list_keys(blobs) == ["a"]
        with pytest.raises(BlobMissing):
            blobs.stat_blob("b")
        with pytest.raises(BlobMissing):
            blobs.get_range("b", 0, 1)


_PARTIAL = "bytes 2-4/10"


@pytest.mark.parametrize(
    ("answered", "kind"),
    [
        (Answered(206, b"cde", {"Content-Range": _PARTIAL}), None),
        (Answered(206, b"cde"), RangeIgnored),
        (Answered(206, b"abc", {"Content-Range": "bytes 0-2/10"}), RangeIgnored),
        (Answered(206, b"cdef", {"Content-Range": _PARTIAL}), RangeIgnored),
        (Answered(206, b"cd", {"Content-Range": "bytes 2-3/4"}), BlobTooShort),
        (Answered(206, b"cd", {"Content-Range": "bytes 2-3/10"}), BlobError),
        (Answered(206, b"cd", {"Content-Range": _PARTIAL}), TransientBlobError),
        (Answered(206, b"cde", {"Content-Range": "bytes 2-4/" + "9" * 5000}), None),
        (Answered(206, b"cde", {"Content-Range": "pages 2-4/10"}), RangeIgnored),
        (Answered(206, b"cde", {"Content-Range": _PARTIAL, "Content-Length": "9"}), BlobError),
        (Answered(206, b"x", {"Content-Range": _PARTIAL, "Content-Encoding": "br"}), RangeIgnored),
        (Answered(200, b"cde"), RangeIgnored),
        (Answered(200, bytes(1 << 20)), RangeIgnored),
        (Answered(416), BlobTooShort),
        (Answered(403), BlobError),
        (Answered(500), TransientBlobError),
        (Answered(302, headers={"Location": "http://192.0.2.1/x"}), BlobError),
        (Answered(302, headers={"Location": "file:///etc/passwd"}), BlobError),
        (Answered(302, headers={"Location": "http://[::1"}), BlobError),
        (Answered(302, headers={"Location": "http://a:b@localhost/"}), BlobError),
    ],
)
def test_a_hostile_answer_is_never_taken_for_the_range(
    answered: Answered, kind: type[BlobError] | None
) -> None:
    with serve_script(lambda _: answered) as server:
        blobs = open_https(parse_address(server.address, {}))
        if kind is None:
            assert blobs.get_range("a", 2, 3) == b"cde"
            return
        with pytest.raises(kind) as caught:
            blobs.get_range("a", 2, 3)
        assert caught.value.message.isprintable()


@pytest.mark.parametrize("length", ["", "-1", "1e3", "9" * 30, "٣"])
def test_a_size_that_is_none_is_refused(length: str) -> None:
    def answer(_: Asked) -> Answered:
        return Answered(headers={"Content-Length": length.encode().decode("latin-1")})

    # The server of this test needs a number for itself.
    with serve_script(lambda asked: Answered(404) if length == "" else answer(asked)) as server:
        blobs = open_https(parse_address(server.address, {}))
        with pytest.raises(BlobError):
            blobs.stat_blob("a")


@pytest.mark.parametrize(
    "address",
    [
        "https://a:b@host/x",
        "https://token@host/x",
        "https:///x",
        "https://host/x?y",
        "https://host/x#y",
        "https://host/a b",
        "https://host/\x1b[1m",
        "https://host/ä",
        "https://host/../x",
        "https://host:port/x",
        "https://[::1/x",
        "http://example.com/x",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_blobs(address)
    assert caught.value.message.isprintable()
    assert "a:b" not in caught.value.message
    assert "token" not in caught.value.message


def test_plain_http_to_others_is_an_option() -> None:
    opened = open_blobs("http://example.com/x/", {"insecure": "true"})
    assert opened.address == "http://example.com/x"


def test_nobody_there_may_pass() -> None:
    with serve_script(lambda _: Answered()) as server:
        address = server.address
    with pytest.raises(TransientBlobError) as caught:
        open_https(parse_address(address, {})).stat_blob("a")
    assert isinstance(caught.value, MlverError)
    assert address in caught.value.message
