"""Memory that is given back to the system when it is no longer used."""

from __future__ import annotations

from contextlib import suppress
from functools import cache

# From <malloc.h> of the GNU C library.
_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 6 << 20


@cache
def return_large_blocks() -> None:
    """Have blocks of 6 MiB and more given back as soon as they are freed.

    The GNU library keeps them otherwise, once for each thread that had one. Other libraries, and
    other systems, are left as they are.
    """
    # Imported here: only what transfers needs it.
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
