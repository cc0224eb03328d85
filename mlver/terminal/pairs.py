"""Options that take NAME=VALUE, any number of times."""

from __future__ import annotations

from contextlib import suppress

from mlver.document.values import parse_scalar
from mlver.errors import UsageError


def parse_pairs(given: list[str] | None, option: str) -> dict[str, str]:
    """`NAME=VALUE` words as a map.

    Raise UsageError for a word of another form, and for a name that is given twice.
    """
    pairs: dict[str, str] = {}
    for pair_text in given or ():
        pair_name, equals, value = pair_text.partition("=")
        if not pair_name or not equals or not value:
            example = f"{option} train=data/train"
            raise UsageError(f"{option} takes NAME=VALUE, not `{pair_text}`; for example {example}")
        if pair_name in pairs:
            raise UsageError(f"{option} names `{pair_name}` twice; give each name once")
        pairs[pair_name] = value
    return pairs


def check_number_pairs(given: list[str] | None, option: str) -> tuple[str, ...]:
    """`NAME=NUMBER` words, unchanged; raise UsageError where a value is no finite number."""
    for pair_text in given or ():
        number_name, equals, value = pair_text.partition("=")
        if not number_name or not equals or not _is_number(value):
            example = f"{option} {number_name or 'accuracy'}=0.93"
            raise UsageError(
                f"{option} takes NAME=NUMBER, not `{pair_text}`; for example {example};"
                " anything but a number belongs in --param or --label"
            )
    return tuple(given or ())


def _is_number(text: str) -> bool:
    with suppress(UsageError):
        value = parse_scalar(text)
        return isinstance(value, int | float) and not isinstance(value, bool)
    return False
