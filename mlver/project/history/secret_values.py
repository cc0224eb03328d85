"""The private keys of whoever runs mlver, and the secret parameters that they decrypt."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mlver.content.encryption import decrypt_value, read_identities
from mlver.errors import MlverError, printable_name, shell_command
from mlver.records.version import VersionRecord
from mlver.system.regular import open_regular

# A file of private keys is a few lines long.
_BYTE_LIMIT = 1 << 20


def decrypt_params(record: VersionRecord, identity: Path) -> dict[str, Any]:
    """Decrypt the secret parameters of a version by dotted name, with a private key of that file.

    Raise MlverError where the file cannot be read or holds no key, or where the key does not fit.
    """
    if not record.secrets:
        return {}
    identities = read_identity_file(identity)
    return {name: decrypt_value(text, name, identities) for name, text in record.secrets.items()}


def read_identity_file(path: Path) -> list[Any]:
    """Read the private keys in a file; raise MlverError where it cannot be read or holds none."""
    shown = printable_name(str(path))
    try:
        with os.fdopen(open_regular(path, follow=True), "rb") as opened:
            return read_identities(opened.read(_BYTE_LIMIT), shown)
    except OSError as error:
        hint = shell_command("ls", "-l", "--", path)
        raise MlverError(f"{shown} cannot be read: {error.strerror}", hint=hint) from None
