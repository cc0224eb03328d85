from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.digest import Digest
from mlver.errors import UsageError

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_of_no_bytes_it_is_the_published_value() -> None:
    assert str(Digest.of_bytes(b"")) == f"sha256:{EMPTY}"


@given(st.binary())
def test_it_is_read_as_it_is_written(data: bytes) -> None:
    digest = Digest.of_bytes(data)
    assert digest.hex == hashlib.sha256(data).hexdigest()
    assert Digest.parse(str(digest)) == digest
    assert hash(Digest.parse(str(digest))) == hash(digest)


WRONG = [
    EMPTY,
    f"sha256:{EMPTY[:-1]}",
    f"sha256:{EMPTY}0",
    f"sha256:{EMPTY.upper()}",
    f"md5:{EMPTY[:32]}",
]
WRONG += [
    f"SHA256:{EMPTY}",
    f"sha256:{EMPTY}\n",
    f" sha256:{EMPTY}",
    "sha256:",
    "",
    f"sha256:../{EMPTY[3:]}",
]


@pytest.mark.parametrize("text", WRONG)
def test_anything_else_is_refused_with_its_shape(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not a digest, .* 64 hexadecimal digits"):
        Digest.parse(text)
