from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.errors import UsageError
from mlver.storage.remote.blobs import BlobError, is_key
from mlver.storage.remote.oci_names import is_tag, key_to_tag, parse_repository, tag_to_key
from mlver.storage.remote.open import parse_address

_KEYS = st.text("ab0_.-/", min_size=1, max_size=20).filter(is_key)


@given(_KEYS)
def test_each_key_has_a_tag_of_its_own(key: str) -> None:
    tag = key_to_tag(key)
    assert is_tag(tag)
    assert tag_to_key(tag) == key


@given(st.text("_-./ab0Z", max_size=20))
def test_each_tag_of_ours_is_that_of_its_key(tag: str) -> None:
    key = tag_to_key(tag)
    if key is not None:
        assert is_key(key)
        assert key_to_tag(key) == tag


def test_slashes_dots_and_underscores_stay_apart() -> None:
    keys = ["a/b", "a.b", "a_b", "a__b", "a_-b", "a-b", "a-_b", "a_/b".replace("_/", "/")]
    assert len({key_to_tag(key) for key in keys}) == len(set(keys))
    assert key_to_tag("objects/ab/abcd") == "_objects__ab__abcd"
    assert tag_to_key("_a_-b") == "a_b"


@pytest.mark.parametrize(
    "tag",
    ["", "_", "1.2.0", "latest", "_a_", "_a_xb", "_A", "__a", "_a b", "_a__", "_" + "a" * 200],
)
def test_the_tags_of_others_are_no_keys(tag: str) -> None:
    assert tag_to_key(tag) is None


def test_a_key_that_no_tag_can_hold_is_refused() -> None:
    assert len(key_to_tag(f"objects/ab/{'a' * 64}")) < 128
    with pytest.raises(BlobError, match="too long"):
        key_to_tag("/".join(["a" * 60] * 3))


@pytest.mark.parametrize(
    ("address", "host", "name"),
    [
        ("oci://ghcr.io/team/models", "ghcr.io", "team/models"),
        ("OCI://LOCALHOST:5000/a/", "localhost:5000", "a"),
        ("oci://[::1]:5000/a__b/c-d.e", "[::1]:5000", "a__b/c-d.e"),
    ],
)
def test_an_address_names_a_repository(address: str, host: str, name: str) -> None:
    assert parse_repository(parse_address(address, {})) == (host, name)


@pytest.mark.parametrize(
    "address",
    [
        "oci://host",
        "oci://host/",
        "oci:///a",
        "oci://host/A",
        "oci://host/a:1",
        "oci://host/a//b",
        "oci://host/a@sha256:00",
        "oci://user@host/a",
        "oci://user:secret@host/a",
        "oci://host/a/../b",
        "oci://host/" + "a" * 256,
        "oci://host/\x1b",
    ],
)
def test_what_names_no_repository_is_refused(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_repository(parse_address(address, {}))
    assert caught.value.message.isprintable()
    assert "secret" not in caught.value.message
