"""Which keys may sign at a given time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.policy.allowed_signers import find_openpgp, select_valid

KEY = "ssh-ed25519 AAAA"
# 2026-01-01T00:00:00Z
NEW_YEAR = 1_767_225_600


@pytest.mark.parametrize(
    ("options", "at", "kept"),
    [
        ("", NEW_YEAR, True),
        ('valid-before="20260101Z"', NEW_YEAR - 1, True),
        ('valid-before="20260101Z"', NEW_YEAR, False),
        ('valid-before="20260101"', NEW_YEAR, False),
        ('valid-before="202601010000Z"', NEW_YEAR, False),
        ('valid-before="20260101000001Z"', NEW_YEAR, True),
        ('valid-after="20260101Z"', NEW_YEAR - 1, False),
        ('valid-after="20260101Z"', NEW_YEAR, True),
        ('namespaces="git",valid-before="20250101Z"', NEW_YEAR, False),
        ('Valid-Before="20250101Z"', NEW_YEAR, False),
    ],
)
def test_a_key_counts_only_while_it_is_valid(options: str, at: int, kept: bool) -> None:
    words = [word for word in ("kim@example.org", options, KEY) if word]
    line = " ".join(words).encode()
    assert select_valid(line, at) == (line if kept else b"")


def test_a_comment_that_names_a_date_ends_nothing() -> None:
    line = f'kim@example.org {KEY} valid-before="20200101Z"\n# a comment\n\n'.encode()
    assert select_valid(line, NEW_YEAR) == line


def test_a_principal_in_quotes_hides_no_date() -> None:
    line = f'"kim@example.org" valid-before="20200101Z" {KEY}\n'.encode()
    assert select_valid(line, NEW_YEAR) == b""


def test_openpgp_keys_are_named_in_comments() -> None:
    signers = f"kim@example.org {KEY}\n# openpgp: ana@example.org 0123 4567 89ab cdef\n#openpgp: x"
    assert find_openpgp(signers.encode()) == {"0123456789ABCDEF": "ana@example.org"}


@given(data=st.binary(max_size=200), at=st.integers(0, 2**33))
def test_whatever_a_file_holds_lines_are_kept_or_left_out(data: bytes, at: int) -> None:
    assert set(select_valid(data, at).splitlines()) <= set(data.splitlines())
    find_openpgp(data)
