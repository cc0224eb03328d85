"""What counts as a signature of a tag: a block that is whole, of a kind that git knows."""

from __future__ import annotations

import base64

import pytest

from mlver.git.git_tag import GitTag


def encode_text(payload: bytes) -> str:
    return base64.b64encode(payload).decode()


def write_block(label: str, body: str) -> str:
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


_SSH = write_block("SSH SIGNATURE", encode_text(b"SSHSIG by somebody"))
# as ssh-keygen wraps it: the last line may be padding alone
_PADDED = encode_text(b"SSHSIG" + b"x" * 46)[:-1] + "\n="
_EMPTY = write_block("PGP SIGNATURE", "")


def is_signed(block: str, *, annotated: bool = True) -> bool:
    return GitTag("m@v1.0.0", "1" * 40, annotated, "2" * 40, f"m 1.0.0\n\nFirst\n{block}").is_signed


@pytest.mark.parametrize(
    "block",
    [
        _SSH,
        write_block("SSH SIGNATURE", _PADDED),
        write_block("PGP SIGNATURE", f"\n{encode_text(bytes([0x88]) * 60)}\n=AbC1"),
        write_block("PGP SIGNATURE", f"Version: GnuPG v2\n\n{encode_text(bytes([0x89]) * 9)}"),
        write_block("PGP MESSAGE", f"\n{encode_text(bytes([0xC2]) * 9)}"),
        write_block("SIGNED MESSAGE", encode_text(b"0 DER")),
        _EMPTY + _SSH,
    ],
)
def test_a_whole_block_is_a_signature(block: str) -> None:
    assert is_signed(block)
    assert not is_signed(block, annotated=False)


@pytest.mark.parametrize(
    "block",
    [
        "",
        "-----BEGIN PGP SIGNATURE-----\n",
        _SSH.partition("-----END")[0],
        _SSH.replace("END SSH", "END PGP"),
        _EMPTY,
        write_block("PGP SIGNATURE", "Version: GnuPG v2\n\n=AbC1"),
        write_block("SSH SIGNATURE", "no base64 at all!"),
        write_block("SSH SIGNATURE", "déjà"),
        write_block("SSH SIGNATURE", encode_text(b"anything")),
        write_block("PGP MESSAGE", encode_text(b"anything")),
        write_block("SIGNED MESSAGE", encode_text(b"anything")),
        # git checks the last
        _SSH + _EMPTY,
    ],
)
def test_what_only_looks_like_a_block_is_none(block: str) -> None:
    assert not is_signed(block)
