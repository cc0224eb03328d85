"""An address is refused with its reason, shown without its secrets, and makes one place trusted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.policy.remote_addresses import (
    TrustedPlace,
    describe_credentials,
    find_address_fault,
    find_place,
    hide_secrets,
    strip_secrets,
)
from mlver.records.sections.remotes import RemoteSettings


def make_remote(url: str, endpoint: str | None = None, region: str | None = None) -> RemoteSettings:
    return RemoteSettings(url=url, endpoint=endpoint, region=region)


USABLE = {
    "s3://models": "s3://models",
    "s3://models/digits/x": "s3://models",
    "S3://Models/digits": "s3://models",
    "gs://models": "gs://models",
    "az://models/a": "az://models",
    "abfss://digits@team.dfs.core.windows.net/x": "abfss://digits@team.dfs.core.windows.net",
    "/mnt/team/store": "/mnt/team/store",
    "/mnt//team/store/": "/mnt/team/store",
    "file:///mnt/team%20x/store": "/mnt/team x/store",
    "file://localhost/mnt/store": "/mnt/store",
    "/mnt/with ? and #": "/mnt/with ? and #",
    "/mnt/kim@example:x": "/mnt/kim@example:x",
    "ssh://kim@Store.Example.org/srv/models": "ssh://kim@store.example.org",
    "ssh://store.example.org:22/srv": "ssh://store.example.org",
    "ssh://store.example.org:2222/srv": "ssh://store.example.org:2222",
    "ssh://[2001:db8::1]:2222/srv": "ssh://[2001:db8::1]:2222",
    "oci://registry.example.org/team/models": "oci://registry.example.org",
    "https://models.example.org/x": "https://models.example.org",
    "http://models.example.org:8080/x": "http://models.example.org:8080",
}


@pytest.mark.parametrize("url", USABLE)
def test_an_address_names_the_place_that_is_trusted(url: str) -> None:
    remote = make_remote(url)
    assert find_address_fault(remote) is None
    assert find_place(remote).text == USABLE[url]
    assert hide_secrets(url) == url


PASSWORDS = "has a password in it"
TOKENS = "has a user name or a token in it"
QUERIES = "has a signature, a token or another secret in its query"
UNREADABLE = "names no host or bucket"
CONTROLS = "holds a space or a character that cannot be printed"
REFUSED = {
    "https://kim:hunter2@models.example.org/x": PASSWORDS,
    "ssh://kim:hunter2@models.example.org/x": PASSWORDS,
    "ssh://kim%3Ahunter2@models.example.org/x": PASSWORDS,
    "s3://AKIAXXXX:hunter2@models": PASSWORDS,
    "https://hunter2@models.example.org/x": TOKENS,
    "s3://hunter2@models": TOKENS,
    "az://hunter2@models": TOKENS,
    "abfss://digits:hunter2@team.dfs.core.windows.net": PASSWORDS,
    "az://models?sv=2022&sig=hunter2": QUERIES,
    "az://models?sv=2022&%73ig=hunter2": QUERIES,
    "s3://models/x?X-Amz-Signature=hunter2": QUERIES,
    "gs://models/x?x-goog-credential=hunter2": QUERIES,
    "https://models.example.org/x?access_token=hunter2": QUERIES,
    "https://models.example.org/x#token=hunter2": QUERIES,
    "file:///mnt/x?token=hunter2": QUERIES,
    "https://models.example.org/x?version=3": "has a query or a fragment",
    "https://models.example.org/x#top": "has a query or a fragment",
    "s3://mod els": CONTROLS,
    "s3://models/\x1b[2J": CONTROLS,
    "s3://models/%1b": CONTROLS,
    "s3://mod\nels": CONTROLS,
    "s3://": UNREADABLE,
    "s3:///models": UNREADABLE,
    "ssh://-oProxyCommand=touch/x": UNREADABLE,
    "ssh://-x/x": UNREADABLE,
    "ssh://host:port/x": UNREADABLE,
    "ssh://host:99999/x": UNREADABLE,
    "ssh://[host/x": UNREADABLE,
    "ssh://-oX@host/x": "has a user name that no account has",
    "ssh://a b@host/x": CONTROLS,
    "https://good.example.org\\@evil.example.org/x": TOKENS,
    "https://good.example.org\\.evil.example.org/x": UNREADABLE,
    "https://%67ood.example.org/x": UNREADABLE,
    "https://g\u043e\u043ed.example.org/x": UNREADABLE,
}


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_is_refused_with_its_reason(url: str) -> None:
    fault = find_address_fault(make_remote(url))
    assert fault == f"its address {REFUSED[url]}"
    assert "hunter2" not in hide_secrets(url)


RELATIVE = "its address is neither a whole path, from / on, nor does it have a scheme"
PATHS = {
    "store": RELATIVE,
    "../store": RELATIVE,
    "~/store": RELATIVE,
    "kim@host:store": RELATIVE,
    "file://other/mnt": RELATIVE,
    "file://": RELATIVE,
    "/mnt/../etc": "its path goes up by `..`",
    "file:///mnt/%2e%2e/etc": "its path goes up by `..`",
    "/mnt/\x1b[2J": "its path holds a character that cannot be printed",
    "/mnt/\ud800": "its path holds a character that cannot be printed",
}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_refused_with_its_reason(path: str) -> None:
    assert find_address_fault(make_remote(path)) == PATHS[path]


@pytest.mark.parametrize(
    ("url", "endpoint", "fault"),
    [
        ("s3://models", "https://kim:x@minio.example.org", f"its endpoint {PASSWORDS}"),
        ("s3://models", "https://minio.example.org?sig=x", f"its endpoint {QUERIES}"),
        ("s3://models", "ftp://x", "its endpoint does not begin with http:// or https://"),
        ("s3://models", "minio", "its endpoint does not begin with http:// or https://"),
        ("s3://models", "https://minio.example.org:x", f"its endpoint {UNREADABLE}"),
        # Such a server would not even see it: another host is what people would have confirmed.
        (
            "ssh://evil.example.org/x",
            "https://minio.example.org",
            "an address that begins with ssh:// has no endpoint",
        ),
        ("/mnt", "https://minio.example.org", "a directory has no endpoint"),
    ],
)
def test_an_endpoint_is_judged_like_an_address(url: str, endpoint: str, fault: str) -> None:
    assert find_address_fault(make_remote(url, endpoint)) == fault


def test_a_region_belongs_to_a_bucket() -> None:
    assert find_address_fault(make_remote("s3://models", region="eu-central-1")) is None
    assert find_address_fault(make_remote("/mnt", region="eu-central-1")) is not None


def test_a_server_without_encryption_is_another_place() -> None:
    address = "oci://registry.example.org/x"
    plain = RemoteSettings(url=address, insecure=True)
    assert find_address_fault(plain) is None
    assert find_place(plain).text == "oci+http://registry.example.org"
    assert find_address_fault(RemoteSettings(url="s3://models", insecure=True)) is not None


def test_the_server_that_answers_is_what_is_trusted_with_its_protocol() -> None:
    place = find_place(make_remote("s3://models", "https://Minio.example.org:9000"))
    assert place == TrustedPlace("s3+https://minio.example.org:9000", "minio.example.org:9000")
    assert find_place(make_remote("s3://other", "https://minio.example.org:9000/")) == place
    others = [
        make_remote("s3://models", "http://minio.example.org:9000"),
        make_remote("gs://models", "https://minio.example.org:9000"),
        make_remote("s3://models", "https://minio.example.org:9001"),
        make_remote("s3://models"),
    ]
    assert place not in [find_place(other) for other in others]


@pytest.mark.parametrize(
    ("word", "url", "is_named"),
    [
        ("store.example.org", "ssh://kim@store.example.org/x", True),
        ("Store.example.org", "https://store.example.org/x", True),
        ("https://store.example.org/", "https://store.example.org/x", True),
        ("store.example.org", "https://store.example.org:8443/x", False),
        ("store.example.org:8443", "https://store.example.org:8443/x", True),
        ("example.org", "https://store.example.org/x", False),
        ("/mnt/store/", "/mnt/store", True),
        ("/mnt", "/mnt/store", False),
        ("s3://models", "s3://models/x", True),
        # A bucket may have the name of a host that somebody trusts.
        ("store.example.org", "s3://store.example.org/x", False),
        ("", "s3://models", False),
    ],
)
def test_a_word_names_a_place(word: str, url: str, *, is_named: bool) -> None:
    assert find_place(make_remote(url)).is_named_by(word) is is_named


def test_it_is_said_where_secrets_come_from_instead() -> None:
    assert "AWS_ACCESS_KEY_ID" in describe_credentials("s3://a:b@c")
    assert "SSH keys" in describe_credentials("ssh://a:b@c")
    assert "docker login" in describe_credentials("oci://a:b@c")
    assert "environment" in describe_credentials("x://[")


@given(st.text(max_size=40), st.none() | st.text(max_size=20))
def test_any_text_is_judged_and_shown(url: str, endpoint: str | None) -> None:
    for address in (url, f"s3://{url}", f"ssh://{url}", f"file://{url}"):
        remote = make_remote(address, endpoint)
        assert "\x1b" not in hide_secrets(address)
        if find_address_fault(remote) is None:
            place = find_place(remote)
            assert place.text
            assert place.is_named_by(place.text)


def test_passwords_are_told_to_nobody() -> None:
    assert strip_secrets("https://kim:secret@example.org/a.git") == "https://example.org/a.git"
    assert strip_secrets("https://token@example.org/a.git") == "https://example.org/a.git"
    assert strip_secrets("ssh://git:secret@example.org/a") == "ssh://git@example.org/a"
    assert strip_secrets("git@example.org:a.git") == "git@example.org:a.git"
    assert strip_secrets("git+ssh://git@example.org/a") == "git+ssh://git@example.org/a"
    assert strip_secrets("/srv/a@b.git") == "/srv/a@b.git"
    assert strip_secrets("https://example.org/a.git?token=secret") == "https://example.org/a.git"
    for address in ("ext::curl -u kim:secret", "https://kim:secret@[example.org/a.git"):
        assert strip_secrets(address).startswith("hidden://")
