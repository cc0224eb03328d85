"""Values and files encrypted for named people, as the format age has it (age-encryption.org/v1).

The text of a value is age's ASCII armour; files are binary. `age --decrypt` reads both without
mlver.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, BinaryIO, Protocol

from mlver.errors import MlverError, printable_name, shell_command
from mlver.extras import import_extra

_EXTRA = "encrypt"
_VERSION = b"age-encryption.org/v1"
_ARMOUR = "-----BEGIN AGE ENCRYPTED FILE-----"
_KEY = "AGE-SECRET-KEY-"
_NO_MATCH = "No matching keys"
# What is encrypted of a value: its name, and the value itself.
_NAME, _VALUE = "param", "value"
# In the header of a file, a line for each key that can read it, and one after them all.
_READER, _END = b"-> ", b"---"
_GREASE = "-grease"  # a line that age adds so that every reader bears unknown ones


class ByteStream(Protocol):
    """What bytes are read from; none are left where it gives none."""

    def read(self, size: int, /) -> bytes: ...


class NoMatchingKeyError(MlverError):
    """None of the private keys that were named is one of those that it was encrypted for."""


def encrypt_value(value: Any, name: str, recipients: Sequence[str]) -> str:
    """Encrypt a value, as JSON with the name that it has, for all of these public keys.

    So nobody can put it in the place of another. Raise MlverError for what is no public key, or
    where the library for it is not installed.
    """
    pyrage = import_extra("pyrage", _EXTRA)
    keys = [_parse_recipient(pyrage, recipient) for recipient in recipients]
    document = {_NAME: name, _VALUE: value}
    plain = json.dumps(document, ensure_ascii=False, sort_keys=True).encode()
    encrypted: bytes = pyrage.encrypt(plain, keys, armored=True)
    return encrypted.decode("ascii")


def decrypt_value(text: str, name: str, identities: Sequence[Any]) -> Any:
    """Decrypt the value of this name with one of some private keys.

    Raise NoMatchingKeyError where none of them fits, and MlverError where it is not what
    `encrypt_value` writes, or was encrypted under another name.
    """
    pyrage = import_extra("pyrage", _EXTRA)
    shown = printable_name(name)
    try:
        plain = json.loads(pyrage.decrypt(text.encode(), list(identities)))
    except (pyrage.DecryptError, ValueError) as error:
        raise _build_error(f"`{shown}`", error) from None
    # The first ones were encrypted without a name.
    if not isinstance(plain, dict) or plain.keys() != {_NAME, _VALUE}:
        return plain
    if plain[_NAME] != name:
        other = printable_name(str(plain[_NAME]))
        raise MlverError(f"`{shown}` holds what was encrypted as `{other}`")
    return plain[_VALUE]


def _build_error(shown: str, error: Exception) -> MlverError:
    message = f"{shown} cannot be decrypted: {error}"
    if str(error).startswith(_NO_MATCH):
        return NoMatchingKeyError(message)
    return MlverError(message)


def encrypt_stream(source: ByteStream, out: BinaryIO, recipients: Sequence[str]) -> None:
    """Encrypt what is left to read of `source` for all of these public keys, in little memory.

    Raise MlverError for what is no public key, or where the library for it is not installed.
    """
    pyrage = import_extra("pyrage", _EXTRA)
    keys = [_parse_recipient(pyrage, recipient) for recipient in recipients]
    pyrage.encrypt_io(source, out, keys)


def decrypt_stream(source: BinaryIO, out: BinaryIO, name: str, identities: Sequence[Any]) -> None:
    """Decrypt `source` with one of some private keys, in little memory.

    Raise MlverError where none fits, or where these are not the bytes that were encrypted; `out`
    may then hold a part that must not be used.
    """
    pyrage = import_extra("pyrage", _EXTRA)
    try:
        pyrage.decrypt_io(source, out, list(identities))
    except (pyrage.DecryptError, OSError) as error:
        raise _build_error(name, error) from None


def read_identities(data: bytes, source: str) -> list[Any]:
    """Read the private keys in a file: those of `age-keygen`, or one of OpenSSH without passphrase.

    Raise MlverError where it holds none that can be used.
    """
    pyrage = import_extra("pyrage", _EXTRA)
    hint = shell_command("ls", "-l", "--", source)
    text = data.decode("utf-8", "replace")
    keys = [line.strip() for line in text.splitlines() if line.strip().startswith(_KEY)]
    try:
        if keys:
            return [pyrage.x25519.Identity.from_str(key) for key in keys]
        return [pyrage.ssh.Identity.from_buffer(data)]
    except pyrage.IdentityError as error:
        message = f"{source} holds no private key that can be used: {error}"
        raise MlverError(message, hint=hint) from None


def is_encrypted(text: str) -> bool:
    """Whether a text at least begins as one that was encrypted does."""
    return text.startswith(_ARMOUR)


def list_readers(head: bytes) -> list[str] | None:
    """List the kinds of the keys that can read a file, by its first bytes; None for none of age's.

    Which keys of a kind these are, only who has one of them can tell.
    """
    lines = head.split(b"\n")
    kinds: list[str] = []
    if lines[0] != _VERSION:
        return None
    for line in lines[1:]:
        if line.startswith(_END):
            return kinds
        if line.startswith(_READER):
            kind = line[len(_READER) :].split(b" ")[0].decode("ascii", "replace")
            if not kind.endswith(_GREASE):
                kinds.append(kind)
    return None


def name_reader(recipient: str) -> str:
    """Name the kind of key that a public key is, as `list_readers` does."""
    return "X25519" if recipient.startswith("age1") else recipient.partition(" ")[0]


def _parse_recipient(pyrage: Any, recipient: str) -> Any:
    kind = pyrage.x25519 if recipient.startswith("age1") else pyrage.ssh
    try:
        return kind.Recipient.from_str(recipient)
    except pyrage.RecipientError as error:
        raise MlverError(
            f"`encrypt.recipients` names {printable_name(recipient[:40])}, which is no public key:"
            f" {error}",
            hint=shell_command("mlver", "config", "get", "encrypt.recipients"),
        ) from None
