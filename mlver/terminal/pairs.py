"""Options that take NAME=VALUE, any number of times."""

from __future__ import annotations

from contextlib import suppress

from mlver.document.values import parse_scalar
from mlver.errors import UsageError


def parse_pairs(given: list[str], option: str) -> dict[str, str]:
    """`NAME=VALUE` words as a map; raise UsageError for one that is not, or is told twice."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals or not value:
            raise UsageError(
                f"{option} takes NAME=VALUE, not `{text}`",
                hint=f"such as {option} train=data/train",
            )
        if name in found:
            raise UsageError(f"{option} names `{name}` twice", hint="give each name once")
        found[name] = value
    return found


def check_number_pairs(given: list[str], option: str) -> tuple[str, ...]:
    """`NAME=NUMBER` words as they are; raise UsageError for one whose value is no finite number."""
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals or not _is_number(value):
            raise UsageError(
                f"{option} takes NAME=NUMBER, not `{text}`",
                hint=f"such as {option} {name or 'accuracy'}=0.93; anything but a number belongs in --param or --label",
            )
    return tuple(given)


def _is_number(text: str) -> bool:
    with suppress(UsageError):
        value = parse_scalar(text)
        return isinstance(value, int | float) and not isinstance(value, bool)
    return False
