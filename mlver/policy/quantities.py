"""Numbers as settings and records write them, compared exactly: 0.3 is three tenths.

Their decimal digits count, not the binary fractions that stand for them, and nothing is rounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, Inexact, InvalidOperation, Overflow

# No sum or product of what a record can hold has more digits: whole numbers in it have up to 4,300.
_EXACT = Context(
    prec=12_000, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation, Inexact, Overflow]
)
_PERCENT = re.compile(r"([0-9]{1,9}(?:[.][0-9]{1,9})?)%")
_SIZE = re.compile(r"([0-9]{1,9}(?:[.][0-9]{1,9})?) ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)")
_DECIMAL_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_BINARY_UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_SHOWN_DIGITS = 30


def read_decimal(value: object) -> Decimal | None:
    """Read a number as it is written; None for anything else, and for what is not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = Decimal(repr(value))
    return number if number.is_finite() else None


def add_exactly(first: Decimal, second: Decimal) -> Decimal:
    return _EXACT.add(first, second)


def subtract_exactly(first: Decimal, second: Decimal) -> Decimal:
    return _EXACT.subtract(first, second)


def show_decimal(number: Decimal) -> str:
    """Write a number with all of its digits."""
    plain = format(number, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return plain if len(plain) <= _SHOWN_DIGITS else str(number)


@dataclass(frozen=True, slots=True)
class Change:
    """How far a value may go from a baseline: an amount, or so many percent of its magnitude."""

    amount: Decimal
    is_percent: bool

    def measure(self, baseline: Decimal) -> Decimal:
        """The amount for a baseline, whose sign does not count."""
        if not self.is_percent:
            return self.amount
        share = _EXACT.multiply(self.amount, Decimal("0.01"))
        return _EXACT.multiply(share, baseline.copy_abs())

    def __str__(self) -> str:
        return f"{show_decimal(self.amount)}{'%' if self.is_percent else ''}"


def read_change(setting: object) -> Change | None:
    """Read a number, or text such as `5%`; None for anything else, and for less than nothing."""
    if isinstance(setting, str):
        match = _PERCENT.fullmatch(setting)
        return None if match is None else Change(Decimal(match[1]), is_percent=True)
    amount = read_decimal(setting)
    if amount is None or amount < 0:
        return None
    return Change(amount, is_percent=False)


def read_size(setting: object) -> int | None:
    """Read a size such as `4GiB`, or a number of bytes, in whole bytes; None for anything else."""
    if isinstance(setting, int) and not isinstance(setting, bool):
        return setting
    match = _SIZE.fullmatch(setting) if isinstance(setting, str) else None
    if match is None:
        return None
    unit = {**_DECIMAL_UNITS, **_BINARY_UNITS}[match[2]]
    return int(_EXACT.multiply(Decimal(match[1]), Decimal(unit)))
