"""How long something was, in the unit in which a person would say it."""

from __future__ import annotations

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


def tell_span(seconds: int) -> str:
    """`45 s`, `12 min`, `7 h`, `17 d`: in the largest unit of which there are two at least."""
    for unit, length in _UNITS:
        if seconds >= 2 * length:
            return f"{seconds // length:,} {unit}"
    return f"{seconds} s"
