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
_ARMOUR = "-----BEGIN AGE ENCRYPTED FILE-----"
_KEY = "AGE-SECRET-KEY-"


class ByteSource(Protocol):
    """What bytes are read from; none are left where it gives none."""

    def read(self, size: int, /) -> bytes: ...


def encrypt_value(value: Any, recipients: Sequence[str]) -> str:
    """Encrypt a value, as JSON, for all of these public keys.

    Raise MlverError for what is no public key, or where the library for it is not installed.
    """
    pyrage = import_extra("pyrage", _EXTRA)
    keys = [_parse_recipient(pyrage, recipient) for recipient in recipients]
    plain = json.dumps(value, ensure_ascii=False, sort_keys=True).encode()
    encrypted: bytes = pyrage.encrypt(plain, keys, armored=True)
    return encrypted.decode("ascii")


def decrypt_value(text: str, name: str, identities: Sequence[Any]) -> Any:
    """Decrypt a value with one of some private keys.

    Raise MlverError where none of them fits, or where it is not what `encrypt_value` writes.
    """
    pyrage = import_extra("pyrage", _EXTRA)
    try:
        plain = pyrage.decrypt(text.encode(), list(identities))
        return json.loads(plain)
    except (pyrage.DecryptError, ValueError) as error:
        raise MlverError(f"`{name}` cannot be decrypted: {error}") from None


def encrypt_stream(source: ByteSource, out: BinaryIO, recipients: Sequence[str]) -> None:
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
        raise MlverError(f"{name} cannot be decrypted: {error}") from None


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
