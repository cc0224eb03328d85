"""What a policy no longer asks for."""

from __future__ import annotations

from typing import NamedTuple


class Loosening(NamedTuple):
    """What a policy no longer asks for, or asks less of, and that in words."""

    aspect: str
    words: str
