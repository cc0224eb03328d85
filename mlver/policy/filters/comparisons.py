"""Comparisons by the kind of a field: numbers, dates, versions, text, lists and yes or no."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

from mlver.errors import UsageError
from mlver.policy.time_windows import parse_window
from mlver.version import Version, parse_version

FieldKind = Literal["number", "date", "version", "text", "hash", "names", "flag", "value"]
ValueTest: TypeAlias = Callable[[Any], bool]

EQUAL, CONTAINS = "=", "~"
_Comparison: TypeAlias = Callable[[Any, Any], bool]
_ORDERS: dict[str, _Comparison] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_VERSION_LINE = re.compile(r"v?(0|[1-9][0-9]{0,8})(?:\.(0|[1-9][0-9]{0,8}))?")
_HASH_START = re.compile(r"[0-9a-f]{7,64}")
_FLAGS = {"true": True, "yes": True, "false": False, "no": False}


def build_test(kind: FieldKind, sign: str, text: str, *, is_plain: bool) -> ValueTest:
    """The test of a field's value for `sign` (`=`, `~` or an order) and what stands behind it.

    `is_plain` says that the text was not quoted. Raise UsageError where the two do not go together.
    """
    return _BUILDERS[kind](sign, text, is_plain)


def _build_number_test(sign: str, text: str, is_plain: bool) -> ValueTest:
    number = read_number(text) if is_plain else None
    if number is None:
        raise UsageError(f"a number is compared with a number, and `{text}` is none")
    if sign == CONTAINS:
        raise UsageError("`~` is for text; compare a number with =, !=, <, <=, > or >=")
    compare = _find_comparison(sign)
    return lambda value: _is_number(value) and compare(value, number)


def _build_date_test(sign: str, text: str, is_plain: bool) -> ValueTest:
    window = parse_window(text, "a date field")
    if sign == CONTAINS:
        raise UsageError("`~` is for text; compare a date with =, !=, <, <=, > or >=")
    # A day is meant whole: `<= 2026-03-02` has all of it, and `> 2026-03-02` nothing of it.
    if sign == EQUAL:
        return lambda value: window.start <= value < window.end
    bound = window.start if sign in ("<", ">=") else window.end
    if sign in ("<", "<="):
        return lambda value: bool(value < bound)
    return lambda value: bool(value >= bound)


def _build_version_test(sign: str, text: str, is_plain: bool) -> ValueTest:
    if sign == CONTAINS:
        raise UsageError("`~` is for text; compare a version with =, !=, <, <=, > or >=")
    line = _VERSION_LINE.fullmatch(text)
    if line is None:
        wanted = parse_version(text)
        compare = _find_comparison(sign)
        return lambda value: compare(Version.parse(value), wanted)
    # `1.2` is all of its line, pre-releases of 1.2.0 included.
    major, minor = int(line[1]), line[2]
    depth = 1 if minor is None else 2
    wanted_line = (major, int(minor or 0))[:depth]
    compare_lines = _find_comparison(sign)
    return lambda value: compare_lines(_list_line(value)[:depth], wanted_line)


def _list_line(value: str) -> tuple[int, int]:
    version = Version.parse(value)
    return version.major, version.minor


def _build_text_test(sign: str, text: str, is_plain: bool) -> ValueTest:
    if sign == CONTAINS:
        folded = text.casefold()
        return lambda value: folded in str(value).casefold()
    if sign == EQUAL:
        return lambda value: str(value) == text
    raise UsageError(f"`{sign}` is for numbers, dates and versions; compare text with =, != or ~")


def _build_hash_test(sign: str, text: str, is_plain: bool) -> ValueTest:
    """Of an object id or a digest: its first digits name it."""
    digits = text.removeprefix("sha256:").lower()
    if sign != EQUAL or not _HASH_START.fullmatch(digits):
        raise UsageError(f"compare this with = and at least seven hexadecimal digits, not `{text}`")
    return lambda value: str(value).removeprefix("sha256:").startswith(digits)


def _build_names_test(sign: str, text: str, is_plain: bool) -> ValueTest:
    if sign == EQUAL:
        return lambda values: text in values
    if sign == CONTAINS:
        folded = text.casefold()
        return lambda values: any(folded in name.casefold() for name in values)
    raise UsageError(f"`{sign}` is for numbers, dates and versions; compare a stage with = or !=")


def _build_flag_test(sign: str, text: str, is_plain: bool) -> ValueTest:
    wanted = _FLAGS.get(text.lower())
    if wanted is None or sign != EQUAL:
        raise UsageError("this is yes or no: write the name alone, or compare it with = true")
    return lambda value: value is wanted


def _build_value_test(sign: str, text: str, is_plain: bool) -> ValueTest:
    """Of a value whose kind only each record knows: a number is compared as one."""
    number = read_number(text) if is_plain else None
    if sign in _ORDERS:
        if number is None:
            raise UsageError(f"`{sign}` needs a number behind it here, and `{text}` is none")
        compare = _ORDERS[sign]
        return lambda value: _compare_numbers(value, number, compare)
    if sign == CONTAINS:
        return _build_text_test(sign, text, is_plain)
    flag = _FLAGS.get(text) if is_plain and text in ("true", "false") else None
    return lambda value: _equals_value(value, text, number, flag)


def _find_comparison(sign: str) -> _Comparison:
    return _is_equal if sign == EQUAL else _ORDERS[sign]


def _is_equal(value: Any, other: Any) -> bool:
    return bool(value == other)


def _compare_numbers(value: object, number: float, compare: _Comparison) -> bool:
    known = read_number(value) if isinstance(value, str) else value
    return _is_number(known) and compare(known, number)


def _equals_value(value: object, text: str, number: float | None, flag: bool | None) -> bool:
    if isinstance(value, bool):
        return value is flag
    if isinstance(value, str):
        return value == text
    if isinstance(value, Sequence):
        return any(_equals_value(item, text, number, flag) for item in value)
    return number is not None and value == number


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_number(text: str) -> float | None:
    if _NUMBER.fullmatch(text) is None or len(text) > 300:
        return None
    if text.lstrip("+-").isdigit():
        return int(text)  # a large count is compared exactly
    number = float(text)
    return number if math.isfinite(number) else None


_BUILDERS: dict[FieldKind, Callable[[str, str, bool], ValueTest]] = {
    "number": _build_number_test,
    "date": _build_date_test,
    "version": _build_version_test,
    "text": _build_text_test,
    "hash": _build_hash_test,
    "names": _build_names_test,
    "flag": _build_flag_test,
    "value": _build_value_test,
}
