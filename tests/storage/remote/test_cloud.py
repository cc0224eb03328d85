"""Buckets: the same promises on S3, on what Google's client takes for its own, and on Azurite."""

from __future__ import annotations

import json
import os
import socket
import sys
import uuid
from contextlib import suppress
from pathlib import Path

import obstore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.errors import MlverError, UsageError
from mlver.storage.remote.blobs import (
    BlobAddress,
    BlobError,
    BlobMissing,
    BlobStore,
    BytesBlob,
    PutOutcome,
    TransientBlobError,
)
from mlver.storage.remote.cloud import CloudStore, build_store, open_cloud
from mlver.storage.remote.cloud_access import parse_place
from mlver.storage.remote.open import open_blobs, parse_address
from mlver.storage.remote.retrying import RetryingBlobs
from tests.servers.proxy import Fault, FaultKind, FaultProxy
from tests.servers.starting import RunningServer, find_ports
from tests.storage.remote.blob_conformance import KEY, BlobConformance, list_keys, read_blob
from tests.storage.remote.fault_conformance import SHORT


def set_environment(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)


def new_address(server: RunningServer, folder: str = "") -> BlobAddress:
    folder = folder or uuid.uuid4().hex
    return parse_address(f"{server.address}/{folder}/deeper", server.options)


class TestS3(BlobConformance):
    @pytest.fixture
    def blobs(self, seaweedfs: RunningServer, monkeypatch: pytest.MonkeyPatch) -> BlobStore:
        set_environment(seaweedfs, monkeypatch)
        return open_cloud(new_address(seaweedfs))


class TestGcs(BlobConformance):
    """What Google's storage does and its double does not: create-only, which overwrites there."""

    @pytest.fixture
    def blobs(self, gcs_double: RunningServer, monkeypatch: pytest.MonkeyPatch) -> BlobStore:
        set_environment(gcs_double, monkeypatch)
        return open_cloud(new_address(gcs_double))

    def test_put_never_replaces(self, blobs: BlobStore) -> None:
        for data in (b"first", b"second"):
            assert blobs.put_blob(KEY, BytesBlob(data)) is PutOutcome.CREATED
            assert read_blob(blobs, KEY) == data

    @pytest.mark.skip(reason="the double of Google's storage lets each of them create")
    def test_only_one_of_many_creates(self, blobs: BlobStore) -> None: ...


class TestAzure(BlobConformance):
    @pytest.fixture
    def blobs(self, azurite: RunningServer, monkeypatch: pytest.MonkeyPatch) -> BlobStore:
        set_environment(azurite, monkeypatch)
        return open_cloud(new_address(azurite))


@pytest.fixture
def s3(seaweedfs: RunningServer, monkeypatch: pytest.MonkeyPatch) -> RunningServer:
    set_environment(seaweedfs, monkeypatch)
    return seaweedfs


def judge_failure(blobs: BlobStore) -> BlobError:
    """What a person is told when an object is to be stored."""
    with pytest.raises(BlobError) as caught:
        blobs.put_blob(KEY, BytesBlob(b"x"))
    with pytest.raises(BlobError) as listing:
        list(blobs.list_blobs("packs/"))
    assert type(listing.value) is type(caught.value)
    assert listing.value.hint == caught.value.hint
    assert "Debug source" not in caught.value.message
    assert "\n" not in caught.value.message
    return caught.value


def test_a_wrong_key_is_named_with_what_to_set(
    s3: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    error = judge_failure(open_cloud(new_address(s3)))
    assert not isinstance(error, TransientBlobError)
    assert "SignatureDoesNotMatch" in error.message
    assert "AWS_ACCESS_KEY_ID" in error.message
    assert error.hint == "aws configure"


def test_a_wrong_key_of_azure(azurite: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(azurite, monkeypatch)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "YWJj")
    error = judge_failure(open_cloud(new_address(azurite)))
    assert "AuthorizationFailure" in error.message
    assert error.hint == "az login"
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "no base64!")
    with pytest.raises(MlverError, match="AZURE_STORAGE_ACCOUNT_KEY has a blank"):
        list(open_cloud(new_address(azurite)).list_blobs(""))
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "%%")
    error = judge_failure(open_cloud(new_address(azurite)))
    assert "Invalid Access Key" in error.message


def test_a_bucket_that_is_not_there_is_no_empty_one(
    s3: RunningServer, azurite: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = open_cloud(parse_address("s3://no-such-bucket/folder", s3.options))
    with pytest.raises(BlobError, match="there is no bucket no-such-bucket") as caught:
        list(blobs.list_blobs(""))
    assert not isinstance(caught.value, BlobMissing)
    with pytest.raises(BlobError, match="there is no bucket no-such-bucket"):
        blobs.get_range(KEY, 0, 1)
    set_environment(azurite, monkeypatch)
    blobs = open_cloud(parse_address("az://no-such-container/folder", azurite.options))
    error = judge_failure(blobs)
    assert "there is no container no-such-container" in error.message


@pytest.mark.parametrize(
    ("endpoint", "meaning"),
    [
        ("http://127.0.0.1:{free}", "nothing listens there"),
        ("http://no-such-host.invalid", "its name is not known"),
        ("http://127.0.0.1:{silent}", "nothing came for too long"),
    ],
)
def test_a_server_that_does_not_answer_is_asked_again(
    s3: RunningServer, endpoint: str, meaning: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (free,) = find_ports(1)
        endpoint = endpoint.format(free=free, silent=silent.getsockname()[1])
        address = parse_address("s3://bucket/folder", {"endpoint": endpoint})
        error = judge_failure(open_cloud(address._replace(timings=SHORT)))
    assert isinstance(error, TransientBlobError)
    assert meaning in error.message


def test_a_server_without_tls_is_named(s3: RunningServer) -> None:
    options = {"endpoint": s3.options["endpoint"].replace("http://", "https://")}
    error = judge_failure(open_cloud(parse_address("s3://bucket/folder", options)))
    assert not isinstance(error, TransientBlobError)
    assert "may begin with http://" in error.message


def test_http_is_spoken_only_where_the_endpoint_says_so(
    s3: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (address,) = s3.options["endpoint"].split("http://")[1:]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{address}")
    blobs = open_cloud(parse_address(f"{s3.address}/{uuid.uuid4().hex}", {}))
    assert blobs.put_blob(KEY, BytesBlob(b"x")) is PutOutcome.CREATED
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://{address}")
    judge_failure(open_cloud(parse_address(f"{s3.address}/folder", {})))


class TestConfirming:
    """The checksums of SHA-256: only a server that was seen to refuse a wrong one is believed."""

    def test_seaweedfs_refuses_a_wrong_one(self, s3: RunningServer) -> None:
        blobs = open_cloud(new_address(s3))
        assert blobs.confirms_content()
        assert blobs.confirms_content()
        assert list_keys(blobs) == []

    def test_the_others_are_read_back(
        self, gcs_double: RunningServer, azurite: RunningServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for server in (gcs_double, azurite):
            set_environment(server, monkeypatch)
            assert not open_cloud(new_address(server)).confirms_content()

    def test_a_bit_flipped_on_the_way_is_refused_and_sent_again(self, s3: RunningServer) -> None:
        with FaultProxy(s3.port) as proxy:
            options = {**s3.options, "endpoint": f"http://127.0.0.1:{proxy.port}"}
            address = parse_address(f"{s3.address}/{uuid.uuid4().hex}", options)
            blobs = open_cloud(address)
            proxy.reset_faults({0: Fault(FaultKind.FLIP_UP, 3, in_body=True)})
            with pytest.raises(TransientBlobError, match="arrived changed"):
                blobs.put_blob(KEY, BytesBlob(b"some bytes"))
            assert list_keys(blobs) == []
            proxy.reset_faults({0: Fault(FaultKind.FLIP_UP, 3, in_body=True)})
            RetryingBlobs(blobs, SHORT.retries).put_blob(KEY, BytesBlob(b"some bytes"))
            assert read_blob(blobs, KEY) == b"some bytes"

    def test_a_server_that_accepts_any_is_not_believed(self, s3: RunningServer) -> None:
        # The server never sees the wrong checksum, as if it knew no such header.
        rewrite = {b"x-amz-checksum-sha256: AAAA": b"x-some-other-checksum: AAAA"}
        with FaultProxy(s3.port, rewrite=rewrite) as proxy:
            options = {**s3.options, "endpoint": f"http://127.0.0.1:{proxy.port}"}
            blobs = open_cloud(parse_address(f"{s3.address}/{uuid.uuid4().hex}", options))
            assert not blobs.confirms_content()
            assert list_keys(blobs) == []


@pytest.mark.parametrize(
    ("url", "bucket", "prefix", "account"),
    [
        ("s3://models", "models", "", ""),
        ("S3://models/", "models", "", ""),
        ("s3://models/team a/ü/", "models", "team a/ü", ""),
        ("gs://my.bucket_1/x", "my.bucket_1", "x", ""),
        ("az://models/x", "models", "x", ""),
        ("azure://models", "models", "", ""),
        ("abfss://models@account1.dfs.core.windows.net/x/y", "models", "x/y", "account1"),
        ("az://models@account1.blob.core.windows.net", "models", "", "account1"),
    ],
)
def test_what_an_address_says(url: str, bucket: str, prefix: str, account: str) -> None:
    place = parse_place(parse_address(url, {}))
    assert (place.bucket, place.prefix, place.account) == (bucket, prefix, account)
    assert open_blobs(place.address).address == place.address


@pytest.mark.parametrize(
    ("url", "options", "reason"),
    [
        ("s3://", {}, "names no bucket"),
        ("s3:///x", {}, "names no bucket"),
        ("s3://key:secret@bucket/x", {}, "names no bucket"),
        ("gs://a b/x", {}, "names no bucket"),
        ("s3://bucket/../x", {}, "has an empty part"),
        ("s3://bucket//x", {}, "has an empty part"),
        ("s3://bucket/x?versionId=1", {}, "has an empty part"),
        ("s3://bucket/x#1", {}, "has an empty part"),
        ("s3://bucket/a\x1b[0m", {}, "has an empty part"),
        ("s3://bucket/x", {"endpiont": "https://x"}, "has no setting `endpiont`"),
        ("gs://bucket/x", {"region": "x"}, "has no setting `region`"),
        ("s3://bucket/x", {"endpoint": "x.example.org"}, "is no endpoint"),
        ("s3://bucket/x", {"endpoint": "https://user:pw@x"}, "is no endpoint"),
        ("s3://bucket/x", {"endpoint": "ftp://x"}, "is no endpoint"),
    ],
)
def test_an_address_that_names_no_bucket_is_refused(
    url: str, options: dict[str, str], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        open_blobs(url, options)
    assert "\x1b" not in caught.value.message


@given(st.sampled_from(["s3", "gs", "az", "abfss"]), st.text())
def test_no_address_is_worse_than_refused(scheme: str, rest: str) -> None:
    with suppress(UsageError):
        assert open_blobs(f"{scheme}://{rest}").address.startswith(f"{scheme}://")


class TestProfiles:
    @pytest.fixture(autouse=True)
    def files(
        self, seaweedfs: RunningServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        self.server = seaweedfs
        self.address = new_address(seaweedfs)
        self.folder = tmp_path / "home/.aws"
        self.folder.mkdir(parents=True)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        for name in tuple(os.environ):
            if name.startswith("AWS_"):
                monkeypatch.delenv(name)
        key, secret = seaweedfs.environment.values()
        self.keys = f"aws_access_key_id = {key}\naws_secret_access_key = {secret}\n"

    def can_write(self) -> bool:
        outcome = open_cloud(self.address).put_blob(KEY, BytesBlob(b"x"))
        return outcome is PutOutcome.CREATED

    def test_the_default_one_needs_no_word(self) -> None:
        (self.folder / "credentials").write_text(f"[default]\n{self.keys}")
        assert self.can_write()

    def test_one_that_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        (self.folder / "credentials").write_text(
            f"[default]\naws_access_key_id=x\naws_secret_access_key=x\n[work]\n{self.keys}"
        )
        endpoint = self.server.options["endpoint"]
        (self.folder / "config").write_text(f"[profile work]\nendpoint_url = {endpoint}\n")
        with pytest.raises(BlobError, match="InvalidAccessKeyId"):
            self.can_write()
        monkeypatch.setenv("AWS_PROFILE", "work")
        self.address = self.address._replace(options={})
        assert self.can_write()

    def test_keys_of_the_environment_come_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        (self.folder / "credentials").write_text(f"[default]\n{self.keys}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        with pytest.raises(BlobError, match="InvalidAccessKeyId"):
            self.can_write()

    def test_one_that_is_not_there_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_PROFILE", "work")
        with pytest.raises(MlverError, match="there is no profile work") as caught:
            self.can_write()
        assert caught.value.hint == "aws configure list-profiles"

    @pytest.mark.parametrize(
        "content", [b"no section\n", b"[default\n", b"[default]\n\xff\xfe", b"\0"]
    )
    def test_a_file_that_is_none_is_refused_without_its_content(self, content: bytes) -> None:
        (self.folder / "credentials").write_bytes(content + self.keys.encode())
        with pytest.raises(MlverError, match="cannot be read as a file of profiles") as caught:
            self.can_write()
        assert "mlver-tests-secret" not in str(caught.value)

    def test_a_program_may_give_the_keys(self) -> None:
        key, secret = self.server.environment.values()
        told = {"Version": 1, "AccessKeyId": key, "SecretAccessKey": secret}
        (self.folder / "told").write_text(json.dumps(told))
        program = f"cat {self.folder}/told"
        (self.folder / "config").write_text(f"[default]\ncredential_process = {program}\n")
        assert self.can_write()

    def test_a_login_needs_boto3(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "boto3", None)
        (self.folder / "config").write_text("[default]\ncredential_process = /bin/false\n")
        with pytest.raises(MlverError, match="needs `boto3`") as caught:
            self.can_write()
        assert caught.value.hint == "pip install 'mlver[s3-profiles]'"

    def test_a_key_with_its_newline_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key\n")
        with pytest.raises(MlverError, match="AWS_ACCESS_KEY_ID has a blank"):
            self.can_write()

    def test_nothing_anywhere_says_what_to_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        (port,) = find_ports(1)
        monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"http://127.0.0.1:{port}")
        error = judge_failure(open_cloud(self.address))
        assert "there are no credentials" in error.message
        assert error.hint == "aws configure"


def test_a_connection_string_of_azure_opens_it(
    azurite: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, key = azurite.environment.values()
    text = f"AccountName={account};AccountKey={key};BlobEndpoint={azurite.options['endpoint']};"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
    blobs = open_cloud(parse_address(f"{azurite.address}/{uuid.uuid4().hex}", {}))
    assert blobs.put_blob(KEY, BytesBlob(b"x")) is PutOutcome.CREATED


def test_what_others_keep_beside_is_neither_listed_nor_touched(s3: RunningServer) -> None:
    folder = uuid.uuid4().hex
    blobs, outer = open_cloud(new_address(s3, folder)), build_outer(s3, folder)
    for key in ("deeper/A", "deeper/x/Y y", "deeper-still/a", "a"):
        obstore.put(outer, key, b"x")
    blobs.put_blob(KEY, BytesBlob(b"x"))
    assert list_keys(blobs) == [KEY]


def build_outer(server: RunningServer, folder: str) -> CloudStore:
    place = parse_place(parse_address(f"{server.address}/{folder}", server.options))
    return build_store(place, SHORT)
