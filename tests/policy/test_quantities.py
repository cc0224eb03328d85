"""Numbers, shares, sizes and durations as settings write them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mlver.policy.quantities import (
    read_change,
    read_decimal,
    read_size,
    show_decimal,
    subtract_exactly,
)


@pytest.mark.parametrize(
    ("setting", "size"),
    [
        (5, 5),
        ("4GiB", 4 << 30),
        ("4 GB", 4 * 10**9),
        ("1.5kB", 1_500),
        ("0.1B", 0),
        ("4", None),
        ("GB", None),
        (True, None),
        (None, None),
        ("-1GB", None),
    ],
)
def test_sizes(setting: object, size: int | None) -> None:
    assert read_size(setting) == size


@pytest.mark.parametrize(
    ("setting", "written"),
    [(0.005, "0.005"), ("5%", "5%"), ("5.50%", "5.5%"), (0, "0"), (1e-7, "0.0000001")],
)
def test_changes(setting: object, written: str) -> None:
    assert str(read_change(setting)) == written


@pytest.mark.parametrize("setting", [-1, "-5%", "5", "%", True, None, float("nan"), "5%%", [1]])
def test_no_change(setting: object) -> None:
    assert read_change(setting) is None


def test_nothing_is_rounded() -> None:
    large, small = read_decimal(10**300), read_decimal(1e-300)
    assert large is not None
    assert small is not None
    assert subtract_exactly(subtract_exactly(large, small), large) == -small
    assert read_decimal(float("inf")) is None
    assert read_decimal(True) is None


def test_numbers_are_shown_with_all_their_digits() -> None:
    assert show_decimal(Decimal("0.9450")) == "0.945"
    assert show_decimal(Decimal("40.0")) == "40"
    assert show_decimal(Decimal("1E+2")) == "100"
    assert show_decimal(Decimal("1E-300")) == "1E-300"
