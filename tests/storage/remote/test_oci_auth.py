from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.storage.remote.blobs import BlobError, BytesBlob
from mlver.storage.remote.oci import open_oci
from mlver.storage.remote.oci_auth import find_credentials, parse_json_object
from mlver.storage.remote.open import parse_address
from tests.servers.registry import PASSWORD, USER, start_private_registry
from tests.servers.starting import RunningServer, Servers
from tests.storage.remote.blob_conformance import KEY, read_blob
from tests.storage.remote.scripted import Answered, Asked, ScriptedServer, serve_script


@pytest.fixture(scope="session")
def private_registry(servers: Servers) -> RunningServer:
    return servers.share_server("private-registry", start_private_registry)


def encode_login(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def write_logins(folder: Path, document: object) -> None:
    (folder / "config.json").write_text(json.dumps(document))


@pytest.fixture
def logins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of `docker login`."""
    for name in ("DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def test_the_login_of_docker_opens_a_registry(
    private_registry: RunningServer, logins: Path
) -> None:
    host = f"127.0.0.1:{private_registry.port}"
    address = parse_address(f"oci://{host}/a/b", {})
    with pytest.raises(BlobError, match="401") as caught:
        open_oci(address).stat_blob(KEY)
    assert "log in there" in caught.value.message
    write_logins(logins, {"auths": {host: {"auth": encode_login(USER, "wrong")}}})
    with pytest.raises(BlobError, match="401"):
        open_oci(address).stat_blob(KEY)
    write_logins(logins, {"auths": {host: {"auth": encode_login(USER, PASSWORD)}}})
    blobs = open_oci(address)
    blobs.put_blob(KEY, BytesBlob(b"secret"))
    assert read_blob(blobs, KEY) == b"secret"
    # This one allows no deleting.
    with pytest.raises(BlobError, match="deletes nothing"):
        blobs.delete_blob(KEY)
    assert read_blob(blobs, KEY) == b"secret"


def challenge_for(server: ScriptedServer) -> Answered:
    realm = f'Bearer realm="{server.address}/token?x=1",service="s",scope="repository:a:pull"'
    return Answered(401, headers={"WWW-Authenticate": realm})


@pytest.mark.parametrize("kind", ["none", "password", "identity"])
def test_a_token_is_fetched_once_and_used(logins: Path, kind: str) -> None:
    servers: list[ScriptedServer] = []

    def answer(asked: Asked) -> Answered:
        if asked.path.startswith("/token"):
            return Answered(body=b'{"token": "t0ken"}')
        if asked.headers.get("authorization") != "Bearer t0ken":
            return challenge_for(servers[0])
        return Answered(404)

    with serve_script(answer) as server:
        servers.append(server)
        entry = {"password": {"auth": encode_login("me", "pass")}, "identity": {}, "none": {}}[kind]
        if kind == "identity":
            entry = {"auth": encode_login("me", ""), "identitytoken": "idtok"}
        write_logins(logins, {"auths": {server.host: entry}})
        blobs = open_oci(parse_address(f"oci://{server.host}/a", {}))
        for _ in range(3):
            assert list(blobs.list_blobs("")) == []
        tokens = [asked for asked in server.asked if asked.path.startswith("/token")]
        assert len(tokens) == 1
        if kind == "identity":
            assert b"refresh_token=idtok" in tokens[0].body
        else:
            assert tokens[0].path == "/token?x=1&service=s&scope=repository%3Aa%3Apull"
            sent = {"password": f"Basic {encode_login('me', 'pass')}"}.get(kind)
            assert tokens[0].headers.get("authorization") == sent
        assert len(server.asked) == 5


@pytest.mark.parametrize(
    "challenge",
    [
        "",
        "Bearer",
        "Negotiate abc",
        'Bearer realm=""',
        'Bearer realm="file:///etc/passwd"',
        'Bearer realm="http://192.0.2.1/token"',
        'Bearer realm="/token"',
        "Bearer " + 'a="b",' * 5000,
        'Bearer realm="' + "x" * 9000,
    ],
)
def test_a_hostile_challenge_gets_nothing(logins: Path, challenge: str) -> None:
    answered = Answered(401, headers={"WWW-Authenticate": challenge})
    with serve_script(lambda _: answered) as server:
        write_logins(logins, {"auths": {server.host: {"auth": encode_login("me", "pass")}}})
        with pytest.raises(BlobError):
            open_oci(parse_address(f"oci://{server.host}/a", {})).stat_blob(KEY)
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"token": 1}',
        b'{"token": ""}',
        b'{"token": "a\\r\\nb"}',
        b"[" * 100_000,
    ],
)
def test_a_hostile_token_is_refused(logins: Path, body: bytes) -> None:
    servers: list[ScriptedServer] = []

    def answer(asked: Asked) -> Answered:
        return Answered(body=body) if "token" in asked.path else challenge_for(servers[0])

    with serve_script(answer) as server:
        servers.append(server)
        with pytest.raises(BlobError, match="gave no token"):
            open_oci(parse_address(f"oci://{server.host}/a", {})).stat_blob(KEY)


def test_a_login_is_that_of_the_longest_name(logins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {
        "quay.io": {"auth": encode_login("all", "1")},
        "quay.io/team": {"auth": encode_login("team", "2")},
        "https://index.docker.io/v1/": {"auth": encode_login("hub", "3")},
        "https://old.example/v1/": {"username": "old", "password": "4"},
        "empty.example": {},
    }
    write_logins(logins, {"auths": entries})
    assert find_credentials("quay.io", "team/x") == ("team", "2", "")
    assert find_credentials("quay.io", "other") == ("all", "1", "")
    assert find_credentials("docker.io", "team/x") == ("hub", "3", "")
    assert find_credentials("old.example", "x") == ("old", "4", "")
    assert find_credentials("empty.example", "x") is None
    assert find_credentials("evil.example", "quay.io") is None
    given = {"auths": {"evil.example": {"auth": encode_login("ci", "5")}}}
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps(given))
    assert find_credentials("evil.example", "x") == ("ci", "5", "")


@pytest.mark.parametrize("auth", ["%%%", "w6", 5, ["x"], {"a": 1}, "/w=="])
def test_a_damaged_login_is_named_without_its_text(logins: Path, auth: object) -> None:
    write_logins(logins, {"auths": {"host": {"auth": auth}}})
    with pytest.raises(BlobError, match=r"config\.json is not valid: the login of host"):
        find_credentials("host", "x")


@pytest.mark.parametrize("text", ["", "[]", "nonsense", '{"auths": 5}', '{"auths": {"host": 5}}'])
def test_a_file_without_logins_has_none(logins: Path, text: str) -> None:
    (logins / "config.json").write_text(text)
    assert find_credentials("host", "x") is None


def test_what_is_no_json_object_is_empty() -> None:
    for text in ("[" * 200_000, '{"a":' * 200_000, b"\xff", "1" * 5000, "{"):
        assert parse_json_object(text) == {}


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A credential helper, and what it was asked."""
    program = tmp_path / "bin" / "docker-credential-tests"
    program.parent.mkdir()
    program.write_text(
        f"""#!/bin/sh
read -r server <&0 || true
echo "$1 $server" >>{tmp_path}/asked
case "$server" in
kept.example) echo '{{"Username": "me", "Secret": "s3cret"}}' ;;
token.example) echo '{{"Username": "<token>", "Secret": "idtok"}}' ;;
broken.example) echo '[' ;;
*) echo 'credentials not found in native keychain'; exit 1 ;;
esac
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return tmp_path / "asked"


def test_a_credential_helper_is_asked(logins: Path, helper: Path) -> None:
    auths = {"plain.example": {"auth": encode_login("all", "1")}, "kept.example": {}}
    write_logins(logins, {"auths": auths, "credsStore": "tests"})
    assert find_credentials("kept.example", "a/b") == ("me", "s3cret", "")
    assert find_credentials("token.example", "a/b") == ("<token>", "", "idtok")
    assert find_credentials("broken.example", "a/b") is None
    assert find_credentials("plain.example", "a/b") == ("all", "1", "")
    assert helper.read_text().startswith("get kept.example\nget token.example\n")
    helper.unlink()
    write_logins(logins, {"auths": auths, "credHelpers": {"kept.example": "tests"}})
    assert find_credentials("other.example", "a/b") is None
    assert not helper.exists()
    assert find_credentials("kept.example", "a/b") == ("me", "s3cret", "")


@pytest.mark.parametrize("name", ["missing", "../x", "a b", "-x", "", "\x1b"])
def test_a_helper_that_cannot_be_run_is_named(logins: Path, name: str) -> None:
    write_logins(logins, {"credHelpers": {"host": name}})
    if not name:
        assert find_credentials("host", "x") is None
        return
    with pytest.raises(MlverError) as caught:
        find_credentials("host", "x")
    assert caught.value.message.isprintable()
