from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mlver.errors import UsageError
from mlver.storage.remote.blobs import (
    BlobError,
    BlobMissing,
    BlobStore,
    BytesBlob,
    PutOutcome,
    TransientBlobError,
)
from mlver.storage.remote.oci import BLOB_TYPE, OciBlobs, format_manifest, open_oci
from mlver.storage.remote.oci_names import key_to_tag
from mlver.storage.remote.oci_registry import (
    Descriptor,
    digest_of,
    parse_descriptor,
)
from mlver.storage.remote.oci_uploads import CHUNK_BYTES
from mlver.storage.remote.open import parse_address
from tests.servers.registry import start_registry
from tests.servers.starting import RunningServer, Servers
from tests.storage.remote.blob_conformance import (
    KEY,
    BlobConformance,
    list_keys,
    put_keys,
    read_blob,
)
from tests.storage.remote.scripted import Answered, Asked, ScriptedServer, serve_script


@pytest.fixture(scope="session")
def registry(servers: Servers) -> RunningServer:
    return servers.share_server("registry", start_registry)


def open_repository(registry: RunningServer) -> OciBlobs:
    """An empty repository."""
    return open_oci(parse_address(f"{registry.address}/team/{uuid.uuid4().hex}", {}))


@pytest.fixture
def blobs(registry: RunningServer) -> OciBlobs:
    return open_repository(registry)


class TestOci(BlobConformance):
    @pytest.fixture
    def blobs(self, registry: RunningServer) -> BlobStore:
        return open_repository(registry)

    def test_only_one_of_many_creates(self, blobs: BlobStore) -> None:
        """A registry cannot promise that: one blob stays, and that one is whole."""
        contents = [b"%d" % number * 50_000 for number in range(8)]
        with ThreadPoolExecutor(len(contents)) as pool:
            outcomes = list(pool.map(lambda data: blobs.put_blob(KEY, BytesBlob(data)), contents))
        assert PutOutcome.CREATED in outcomes
        assert read_blob(blobs, KEY) in contents
        assert list_keys(blobs) == [KEY]


def test_the_registry_refuses_a_wrong_digest(blobs: OciBlobs) -> None:
    assert blobs.confirms_content()
    assert list_keys(blobs) == []


def test_more_than_one_chunk_is_stored_and_read_by_ranges(blobs: OciBlobs) -> None:
    data = bytes(range(256)) * (CHUNK_BYTES // 256) * 2 + b"the rest"
    assert blobs.put_blob(KEY, BytesBlob(data)) is PutOutcome.CREATED
    assert blobs.stat_blob(KEY).size == len(data)
    assert blobs.get_range(KEY, CHUNK_BYTES - 3, 6) == data[CHUNK_BYTES - 3 : CHUNK_BYTES + 3]
    assert blobs.get_range(KEY, len(data) - 8, 8) == b"the rest"


def test_bytes_that_are_there_are_not_sent_again(
    blobs: OciBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytes(2 << 20)
    blobs.put_blob("objects/a", BytesBlob(data))
    monkeypatch.setattr(type(blobs.uploads), "push_bytes", lambda *_: pytest.fail("sent again"))
    assert blobs.put_blob("objects/b", BytesBlob(data)) is PutOutcome.CREATED
    assert read_blob(blobs, "objects/b") == data


def test_tags_of_others_are_no_blobs(blobs: OciBlobs) -> None:
    put_keys(blobs, [KEY])
    layer = Descriptor("application/octet-stream", digest_of(KEY.encode()), len(KEY))
    config = blobs.uploads.push_empty_config()
    other = format_manifest("application/vnd.example", config, [layer], {})
    for tag in ("1.2.0", "latest", "_UPPER", key_to_tag("objects/ab/other")):
        blobs.registry.put_manifest(tag, other)
    assert list_keys(blobs) == [KEY]
    with pytest.raises(BlobError, match="is no blob of mlver's"):
        blobs.stat_blob("objects/ab/other")
    # Nobody could read it, so storing the blob puts that right.
    assert blobs.put_blob("objects/ab/other", BytesBlob(b"x")) is PutOutcome.CREATED
    assert read_blob(blobs, "objects/ab/other") == b"x"


def test_two_keys_of_one_content_are_deleted_apart(blobs: OciBlobs) -> None:
    for key in ("a", "b"):
        blobs.put_blob(key, BytesBlob(b"same"))
    blobs.delete_blob("a")
    assert list_keys(blobs) == ["b"]
    assert read_blob(blobs, "b") == b"same"


def test_options_are_judged() -> None:
    address = parse_address("oci://host/a", {"insecure": "yes"})
    with pytest.raises(UsageError, match="true or false"):
        open_oci(address)
    assert open_oci(parse_address("oci://host/a", {})).registry.base == "https://host/v2/a"
    insecure = open_oci(parse_address("oci://host/a", {"insecure": "true"}))
    assert insecure.registry.base == "http://host/v2/a"
    hub = open_oci(parse_address("oci://docker.io/a/b", {}))
    assert hub.registry.base == "https://registry-1.docker.io/v2/a/b"


_LAYER = {"mediaType": "x", "digest": digest_of(b"abc"), "size": 3}


def write_manifest(**changes: Any) -> bytes:
    """The manifest of a blob under KEY, with some fields changed."""
    times = {"org.mlver.key": KEY, "org.opencontainers.image.created": "2026-11-29T22:00:00Z"}
    document = {"artifactType": BLOB_TYPE, "layers": [_LAYER], "annotations": times}
    return json.dumps({**document, **changes}).encode()


def open_scripted(server: ScriptedServer) -> OciBlobs:
    return open_oci(parse_address(f"oci://{server.host}/a", {}))


def serve_manifest(manifest: bytes, blob: Answered) -> Callable[[Asked], Answered]:
    def answer(asked: Asked) -> Answered:
        if "/tags/" in asked.path:
            return Answered(body=json.dumps({"tags": [key_to_tag(KEY), 5, "-x", None]}).encode())
        return Answered(body=manifest) if "/manifests/" in asked.path else blob

    return answer


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b'{"layers":' * 100_000,
        b" " * (5 << 20),
        write_manifest(artifactType="x"),
        write_manifest(layers=[]),
        write_manifest(layers=[_LAYER, _LAYER]),
        write_manifest(layers={"0": _LAYER}),
        write_manifest(layers=[{**_LAYER, "digest": "sha256:../../../x"}]),
        write_manifest(layers=[{**_LAYER, "digest": 5}]),
        write_manifest(layers=[{**_LAYER, "size": -1}]),
        write_manifest(layers=[{**_LAYER, "size": True}]),
        write_manifest(layers=[{**_LAYER, "size": 10**30}]),
        write_manifest(annotations=None),
        write_manifest(annotations={"org.mlver.key": "other"}),
        write_manifest(annotations={"org.mlver.key": KEY}),
        write_manifest(
            annotations={"org.mlver.key": KEY, "org.opencontainers.image.created": "9999-99"}
        ),
    ],
)
def test_a_hostile_manifest_is_no_blob(manifest: bytes) -> None:
    with serve_script(serve_manifest(manifest, Answered(body=b"abc"))) as server:
        blobs = open_scripted(server)
        for call in (
            lambda: blobs.stat_blob(KEY),
            lambda: blobs.get_range(KEY, 0, 3),
            lambda: blobs.delete_blob(KEY),
        ):
            with pytest.raises(BlobError) as caught:
                call()
            assert caught.value.message.isprintable()
        assert not any(asked.method == "DELETE" for asked in server.asked)
        if len(manifest) < 4 << 20:
            assert list(blobs.list_blobs("")) == []


@pytest.mark.parametrize(
    "blob", [Answered(body=b"ab"), Answered(body=b"abcd"), Answered(404), Answered(500)]
)
def test_a_blob_of_another_length_is_refused(blob: Answered) -> None:
    with serve_script(serve_manifest(write_manifest(), blob)) as server, pytest.raises(BlobError):
        open_scripted(server).get_range(KEY, 0, 3)


def test_a_registry_that_changes_a_manifest_is_asked_again() -> None:
    headers = {"Docker-Content-Digest": digest_of(b"other")}
    with (
        serve_script(lambda _: Answered(body=write_manifest(), headers=headers)) as server,
        pytest.raises(TransientBlobError, match="changed on its way"),
    ):
        open_scripted(server).stat_blob(KEY)


def serve_uploads(headers: Callable[[Asked], dict[str, str]]) -> Callable[[Asked], Answered]:
    """A registry that has nothing and takes everything; the headers of what it stored."""

    def answer(asked: Asked) -> Answered:
        if asked.method == "POST":
            return Answered(202, headers={"Location": "/v2/a/blobs/uploads/1"})
        return Answered(201, headers=headers(asked)) if asked.method == "PUT" else Answered(404)

    return answer


@pytest.mark.parametrize("digest", [digest_of(b"other"), None])
def test_a_manifest_that_did_not_arrive_is_sent_again(digest: str | None) -> None:
    headers = {} if digest is None else {"Docker-Content-Digest": digest}
    with serve_script(serve_uploads(lambda _: headers)) as server:
        with pytest.raises(TransientBlobError, match="is not what was sent"):
            open_scripted(server).put_blob(KEY, BytesBlob(b"abc"))
        asked = [request.method for request in server.asked if "/manifests/" in request.path]
        assert asked == ["GET", "PUT", "GET"][: 2 if digest else 3]


def test_a_manifest_that_was_held_up_gets_a_new_time() -> None:
    stored: list[Any] = []

    def tell_digest(asked: Asked) -> dict[str, str]:
        if "/manifests/" not in asked.path:
            return {"Date": "Sun, 29 Nov 2026 22:00:00 GMT"}
        stored.append(json.loads(asked.body)["annotations"]["org.opencontainers.image.created"])
        times = {"Date": "Sun, 29 Nov 2026 23:59:59 GMT"}
        return {**times, "Docker-Content-Digest": digest_of(asked.body)}

    with serve_script(serve_uploads(tell_digest)) as server:
        assert open_scripted(server).put_blob(KEY, BytesBlob(b"x")) is PutOutcome.CREATED
    assert stored == ["2026-11-29T22:00:00Z", "2026-11-29T23:59:59Z"]


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 29 Nov 99999 22:00:00 GMT"])
def test_a_registry_without_a_clock_is_refused(date: str) -> None:
    with serve_script(serve_uploads(lambda _: {"Date": date})) as server:
        with pytest.raises(BlobError, match="answers without a Date"):
            open_scripted(server).put_blob(KEY, BytesBlob(b"x"))
        assert not any("/manifests/" in asked.path for asked in server.asked[1:])


def test_pages_without_end_are_given_up() -> None:
    def answer(asked: Asked) -> Answered:
        tags = json.dumps({"tags": ["1.0.0", "1.1.0"]}).encode()
        return Answered(body=tags, headers={"Link": f'<{asked.path}&last=x>; rel="next"'})

    with serve_script(answer) as server:
        with pytest.raises(BlobError, match="without end"):
            list(open_scripted(server).list_blobs(""))
        assert len(server.asked) == 2


def test_all_pages_are_read() -> None:
    def answer(asked: Asked) -> Answered:
        if "/manifests/" in asked.path:
            return Answered(404)
        page = int(asked.path.partition("page=")[2] or 0)
        link = {"Link": f'</v2/a/tags/list?page={page + 1}>; rel="next"'} if page < 3 else {}
        return Answered(body=json.dumps({"tags": [f"_k{page}"]}).encode(), headers=link)

    with serve_script(answer) as server:
        assert list(open_scripted(server).list_blobs("")) == []
        asked = {request.path for request in server.asked if "/manifests/" in request.path}
        assert asked == {f"/v2/a/manifests/_k{page}" for page in range(4)}


@pytest.mark.parametrize("link", ["http://192.0.2.1/x", "http://localhost:1/x", "http://[::1"])
def test_the_pages_of_another_host_are_not_read(link: str) -> None:
    tags = Answered(body=b'{"tags": ["1"]}', headers={"Link": f'<{link}>; rel="next"'})
    with serve_script(lambda _: tags) as server, pytest.raises(BlobError):
        list(open_scripted(server).list_blobs(""))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"tag'])
def test_what_is_no_list_of_tags_is_no_empty_store(body: bytes) -> None:
    with (
        serve_script(lambda _: Answered(body=body)) as server,
        pytest.raises(TransientBlobError, match="gave no list of tags"),
    ):
        list(open_scripted(server).list_blobs(""))


def test_a_registry_that_takes_anything_confirms_nothing() -> None:
    def answer(asked: Asked) -> Answered:
        if asked.method == "POST":
            return Answered(202, headers={"Location": "/v2/a/blobs/uploads/1"})
        return Answered(201)

    with serve_script(answer) as server:
        assert not open_scripted(server).confirms_content()


@pytest.mark.parametrize("location", ["", "http://192.0.2.1/up", "ftp://localhost/x"])
def test_an_upload_goes_nowhere_else_in_plain_text(location: str) -> None:
    def answer(asked: Asked) -> Answered:
        if asked.method == "POST":
            return Answered(202, headers={"Location": location} if location else {})
        return Answered(404)

    with serve_script(answer) as server, pytest.raises(BlobError):
        open_scripted(server).put_blob(KEY, BytesBlob(b"x"))


def test_what_a_registry_says_is_printed_on_one_line() -> None:
    body = json.dumps({"errors": [{"code": "DENIED", "message": "\x1b[31m\n::error::" * 90}]})
    with serve_script(lambda _: Answered(400, body=body.encode())) as server:
        with pytest.raises(BlobError, match="DENIED") as caught:
            open_scripted(server).stat_blob(KEY)
        assert caught.value.message.isprintable()
        assert len(caught.value.message) < 500


def test_a_missing_repository_is_an_empty_store(blobs: OciBlobs) -> None:
    assert list_keys(blobs) == []
    with pytest.raises(BlobMissing):
        blobs.stat_blob(KEY)


@pytest.mark.parametrize("document", [None, 5, [], {}, {"mediaType": 1}, {"digest": "sha256:0"}])
def test_what_is_no_descriptor_is_none(document: object) -> None:
    assert parse_descriptor(document) is None
    assert parse_descriptor(_LAYER) == Descriptor("x", digest_of(b"abc"), 3, {})
