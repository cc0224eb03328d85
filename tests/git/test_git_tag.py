"""What counts as a signature of a tag: a block that is whole, of a kind that git knows."""

from __future__ import annotations

import pytest

from mlver.git.git_tag import GitTag
from tests.signature_blocks import SSH_FIELDS, build_ssh, encode_text, write_block

_SSH = write_block("SSH SIGNATURE", encode_text(build_ssh()))
# as ssh-keygen wraps it: the last line may be padding alone
_PADDED = encode_text(build_ssh([*SSH_FIELDS[:4], b"x" * 15]))[:-1] + "\n="
_BODY = b"\x04" + bytes(11)
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_EMPTY = write_block("PGP SIGNATURE", "")


def is_signed(block: str, *, annotated: bool = True) -> bool:
    return GitTag("m@v1.0.0", "1" * 40, annotated, "2" * 40, f"m 1.0.0\n\nFirst\n{block}").is_signed


@pytest.mark.parametrize(
    "block",
    [
        _SSH,
        write_block("SSH SIGNATURE", _PADDED),
        write_block("PGP SIGNATURE", f"\n{encode_text(bytes([0x88, 12]) + _BODY)}\n=AbC1"),
        write_block("PGP SIGNATURE", f"Version: 2\n\n{encode_text(bytes([0x89, 0, 12]) + _BODY)}"),
        write_block("PGP SIGNATURE", encode_text(b"\xc2\xff\0\0\0\x0c" + _BODY)),
        write_block("PGP SIGNATURE", encode_text(b"\xc2\xc0\0\x04" + bytes(191))),
        write_block("PGP MESSAGE", f"\n{encode_text((bytes([0xC2, 12]) + _BODY) * 2)}"),
        write_block("SIGNED MESSAGE", encode_text(b"0\x0b" + _SIGNED_DATA)),
        write_block("SIGNED MESSAGE", encode_text(b"0\x81\x0b" + _SIGNED_DATA)),
        # as gpgsm writes it
        write_block("SIGNED MESSAGE", encode_text(b"0\x80" + _SIGNED_DATA + b"\0\0")),
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


@pytest.mark.parametrize(
    ("label", "payload"),
    [
        ("SSH SIGNATURE", build_ssh()[:10]),
        ("SSH SIGNATURE", build_ssh()[:-1]),
        ("SSH SIGNATURE", build_ssh() + b"x"),
        ("SSH SIGNATURE", build_ssh(version=2)),
        ("SSH SIGNATURE", build_ssh([*SSH_FIELDS, b""])),
        ("SSH SIGNATURE", build_ssh(SSH_FIELDS[:4])),
        ("SSH SIGNATURE", build_ssh([*SSH_FIELDS[:3], b"md5", b"x"])),
        ("SSH SIGNATURE", build_ssh([b"", *SSH_FIELDS[1:]])),
        ("PGP SIGNATURE", b"\x89"),
        ("PGP SIGNATURE", b"\x88\0"),
        ("PGP SIGNATURE", b"\x88\x0d" + _BODY),
        ("PGP SIGNATURE", b"\x88\x0b" + _BODY),
        ("PGP SIGNATURE", b"\x88\x0c\x09" + bytes(11)),
        ("PGP SIGNATURE", b"\x8b" + _BODY),
        ("PGP SIGNATURE", b"\xc2\xe0" + _BODY),
        ("PGP SIGNATURE", b"\xc1\x0c" + _BODY),
        ("PGP MESSAGE", b"\x80"),
        ("SIGNED MESSAGE", b"0"),
        ("SIGNED MESSAGE", b"0\0"),
        ("SIGNED MESSAGE", b"0\x0c" + _SIGNED_DATA),
        ("SIGNED MESSAGE", b"0\x80" + _SIGNED_DATA),
    ],
)
def test_what_is_cut_off_or_built_otherwise_is_no_signature(label: str, payload: bytes) -> None:
    assert not is_signed(write_block(label, encode_text(payload)))
