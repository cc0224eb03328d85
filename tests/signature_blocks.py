"""Blocks that are built as signatures of tags are, though nobody made them."""

from __future__ import annotations

import base64
from collections.abc import Sequence

SSH_FIELDS = (b"a key", b"git", b"", b"sha512", b"a signature")


def encode_text(payload: bytes) -> str:
    return base64.b64encode(payload).decode()


def write_block(label: str, body: str) -> str:
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"


def build_ssh(fields: Sequence[bytes] = SSH_FIELDS, version: int = 1) -> bytes:
    strings = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    return b"SSHSIG" + version.to_bytes(4, "big") + strings
