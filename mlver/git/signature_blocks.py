"""Whether the bytes of an armoured block are built as a signature is, whoever made it.

What is cut off, or only begins like one, is none: no key would ever make it good.
"""

from __future__ import annotations

_SSH_MAGIC = b"SSHSIG\0\0\0\1"
_SSH_HASHES = (b"sha256", b"sha512")
_SIGNATURE_PACKET = 2
_PACKET_VERSIONS = (3, 4, 5, 6)
# the shortest has a version, a type, two algorithms, two counts, two bytes of a hash, and numbers
_SHORTEST_PACKET = 12
# X.690: what PKCS#7 calls signed data, 1.2.840.113549.1.7.2
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")


def is_signature(label: str, payload: bytes) -> bool:
    """Say whether the bytes of a block with this label are a whole signature."""
    if label == "SSH SIGNATURE":
        return _is_ssh(payload)
    if label == "SIGNED MESSAGE":
        return _is_signed_data(payload)
    return _is_openpgp(payload)


def _is_ssh(payload: bytes) -> bool:
    """As OpenSSH's PROTOCOL.sshsig has it: a version, and strings behind their lengths."""
    if not payload.startswith(_SSH_MAGIC):
        return False
    fields: list[bytes] = []
    rest = payload.removeprefix(_SSH_MAGIC)
    while rest:
        length = int.from_bytes(rest[:4], "big")
        if len(rest) < 4 + length:
            return False
        fields.append(rest[4 : 4 + length])
        rest = rest[4 + length :]
    if len(fields) != 5:
        return False
    public_key, namespace, _, hash_name, signature = fields
    return bool(public_key and namespace and signature) and hash_name in _SSH_HASHES


def _is_openpgp(payload: bytes) -> bool:
    """As RFC 9580, section 4.2 has it: nothing but whole packets of signatures."""
    rest = payload
    while rest:
        found = _find_body(rest)
        if found is None:
            return False
        start, end = found
        body = rest[start:end]
        if end > len(rest) or len(body) < _SHORTEST_PACKET or body[0] not in _PACKET_VERSIONS:
            return False
        rest = rest[end:]
    return bool(payload)


def _find_body(packet: bytes) -> tuple[int, int] | None:
    """Find where the body of a signature packet begins and ends; None where it is none."""
    head, first = packet[0], int.from_bytes(packet[1:2], "big")
    if head & 0xC0 == 0x80:
        kind, width = head >> 2 & 0xF, {0: 1, 1: 2, 2: 4}.get(head & 3)
        if kind != _SIGNATURE_PACKET or width is None:
            return None
        start = 1 + width
        return start, start + int.from_bytes(packet[1:start], "big")
    if head != 0xC0 | _SIGNATURE_PACKET:
        return None
    if first < 192:
        return 2, 2 + first
    if first < 224:
        return 3, 3 + (first - 192 << 8) + int.from_bytes(packet[2:3], "big") + 192
    # a signature comes in no parts
    if first < 255:
        return None
    return 6, 6 + int.from_bytes(packet[2:6], "big")


def _is_signed_data(payload: bytes) -> bool:
    """As X.690 has it: a sequence of a length that fits, or with an end of its own."""
    if len(payload) < 2 or payload[0] != 0x30:
        return False
    start, length = 2, payload[1]
    if length == 0x80:
        return payload.startswith(_SIGNED_DATA, start) and payload.endswith(b"\0\0")
    if length > 0x80:
        start += length & 0x7F
        length = int.from_bytes(payload[2:start], "big")
    return payload.startswith(_SIGNED_DATA, start) and len(payload) == start + length
