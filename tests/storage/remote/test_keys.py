"""Keys are safe to use as paths, whatever somebody comes up with."""

from __future__ import annotations

import os
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.storage.remote.blobs import BlobError, check_key, check_prefix, is_key
from mlver.system import durable

_LETTERS = "abz019._-/A\\ \n\0é:~"
_TEXTS = st.one_of(st.text(_LETTERS, max_size=12), st.text(max_size=20))
_COMPONENTS = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,30}[a-z0-9])?", fullmatch=True)


@given(_TEXTS)
def test_a_key_is_a_plain_path_below_its_root(text: str) -> None:
    if not is_key(text):
        with pytest.raises(BlobError):
            check_key(text)
        return
    path = PurePosixPath(text)
    assert str(path) == text
    assert not path.is_absolute()
    assert text.isascii()
    assert text == text.lower()
    assert os.path.normpath(text) == text
    for part in path.parts:
        assert not part.startswith(".")
        assert not part.endswith(".")
        assert not durable.is_temporary(part)


@given(st.lists(_COMPONENTS, min_size=1, max_size=8))
def test_what_the_rule_allows_is_a_key_and_a_folder(components: list[str]) -> None:
    key = "/".join(components)
    assert check_key(key) == key
    assert check_prefix(f"{key}/") == f"{key}/"
    with pytest.raises(BlobError, match="is no folder"):
        check_prefix(key)


def test_the_keys_of_a_remote_are_keys() -> None:
    for key in (
        "objects/ab/" + "ab" * 32,
        "packs/" + "ab" * 32 + ".pack",
        "pins/6f1c2f0e-0000-4000-8000-000000000000.json",
        "condemned/20261128t214700z.json",
        "repositories/6f1c.json",
    ):
        assert check_key(key) == key


def test_very_long_and_very_deep_keys_are_refused() -> None:
    assert is_key("a" * 128)
    assert not is_key("a" * 129)
    assert is_key("/".join("a" * 8))
    assert not is_key("/".join("a" * 9))
