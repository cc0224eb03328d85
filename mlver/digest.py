"""A digest: the identity of bytes, carried together with its algorithm."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import ClassVar

from mlver.errors import UsageError

_TEXT = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """The SHA-256 of some bytes; `hex` is its 64 lower-case hexadecimal digits."""

    hex: str
    algorithm: ClassVar[str] = "sha256"

    @classmethod
    def of_bytes(cls, data: bytes) -> Digest:
        return cls(hashlib.sha256(data).hexdigest())

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Read `sha256:<64 hex>`; raise UsageError on anything else."""
        digest_match = _TEXT.fullmatch(text)
        if digest_match is None:
            raise UsageError(
                f"`{text}` is not a digest, which is `sha256:` and 64 hexadecimal digits"
            )
        return cls(digest_match[1])

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"
