"""How many bytes of a file below `.mlver/` are read at most."""

from __future__ import annotations

from mlver.errors import MlverError, shell_command
from mlver.records import layout

# No record, settings or schema is ever longer; a manifest of that size lists some 2,700,000 files.
_BYTE_LIMIT = 16 << 20
_MANIFEST_LIMIT = 256 << 20
# A listing of that size has some 2,000,000 objects.
LISTING_LIMIT = 512 << 20
# That is what is kept of some 200,000 tensors.
TENSORS_LIMIT = 64 << 20


def find_byte_limit(path: str) -> int:
    """How many bytes of a file below `.mlver/` are read at most, wherever it is read from."""
    if path.startswith(f"{layout.MANIFESTS}/"):
        return _MANIFEST_LIMIT
    if path.startswith(f"{layout.LISTINGS}/"):
        return LISTING_LIMIT
    if path.startswith(f"{layout.TENSORS}/"):
        return TENSORS_LIMIT
    return _BYTE_LIMIT


def check_length(path: str, data: bytes) -> None:
    """Raise MlverError where a file below `.mlver/` goes on behind what is read of it."""
    limit = find_byte_limit(path)
    if len(data) > limit:
        raise MlverError(
            f"{path} is larger than {limit >> 20} MiB, which nothing of mlver's is",
            hint=shell_command("ls", "-l", "--", path),
        )
