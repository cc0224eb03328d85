"""Numbers, sizes and values as people read them."""

from __future__ import annotations

from typing import Any

import pytest

from mlver.terminal.words import (
    distinguish_values,
    format_author,
    format_count,
    format_exact,
    format_number,
    format_percent,
    format_signed,
    format_size,
    format_sparkline,
    format_time,
    join_listed,
    shorten_digests,
    shorten_name,
    take_first_line,
)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (12_345, "12.3 kB"),
        (999_600, "1 MB"),
        (4_290_000_000, "4.29 GB"),
    ],
)
def test_sizes(amount: int, shown: str) -> None:
    assert format_size(amount) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.1234567891, "0.123457"),
        (1.0, "1"),
        (True, "true"),
        (None, "null"),
        ("text", "text"),
        (10**12, "1000000000000"),
    ],
)
def test_numbers(value: Any, shown: str) -> None:
    assert format_number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.1234567891, "0.1234567891"),
        (1.0, "1.0"),
        (["가", 1, {}], '["가", 1, {}]'),
        ("a b", "a b"),
    ],
)
def test_whole_values(value: Any, shown: str) -> None:
    assert format_exact(value) == shown


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        (0.5, 0.25, ("0.5", "0.25")),
        (1, 1.0, ("1", "1.0")),
        (1, "1", ("1", '"1"')),
        (True, "true", ("true", '"true"')),
        (0.93100001, 0.93100002, ("0.93100001", "0.93100002")),
    ],
)
def test_different_values_look_different(old: Any, new: Any, shown: tuple[str, str]) -> None:
    assert distinguish_values(old, new) == shown


def test_the_rest() -> None:
    assert (
        format_count(1, "file"),
        format_count(12_000, "file"),
        format_count(2, "child", "children"),
    ) == (
        "1 file",
        "12,000 files",
        "2 children",
    )
    assert (format_signed(-0.5), format_percent(2.93), format_percent(-50.0)) == (
        "−0.5",
        "+2.93 %",
        "−50 %",
    )
    assert format_time("2026-11-21T03:04:05Z") == "2026-11-21 03:04"
    assert format_author("Kim <kim@example.org>") == "Kim"
    assert take_first_line("one\ntwo") == "one"
    assert join_listed(["a", "b", "c"], 2) == "a, b and 1 more"


@pytest.mark.parametrize(
    ("values", "blocks", "plain"),
    [
        ((0.1, 0.2, 0.3), "▁▅█", "_-^"),
        ((3, None, 1, 2), "█ ▁▅", "^ _-"),
        ((-1.7e308, 0, 1.7e308), "▁▅█", "_-^"),
        ((1, 2), "", ""),
        ((1, 1, 1), "", ""),
        ((None, None, None), "", ""),
        ((1, 2, 10**400), "", ""),
        ((0.0, 5e-324, 5e-324), "", ""),
        ((0.0, 1.0, float("inf")), "", ""),
    ],
)
def test_a_line_of_blocks_goes_up_and_down(
    values: tuple[float | None, ...], blocks: str, plain: str
) -> None:
    assert format_sparkline(values, has_blocks=True) == blocks
    assert format_sparkline(values, has_blocks=False) == plain


def test_digests_in_messages_are_short_and_those_in_paths_are_whole() -> None:
    digits = "0123456789abcdef" * 4
    said = f"sha256:{digits} is in .git/mlver/objects/{digits[:2]}/{digits[2:]}, sha256:{digits}0"
    assert shorten_digests(said) == said.replace(f"sha256:{digits} ", "sha256:0123456789ab ")


def test_the_name_of_a_key_is_short_as_well() -> None:
    key = "SHA256:ykCftzBAbNsiNJ1q7Sh0uw8MqPIVFlEM/sh3KBOSg0A"
    assert shorten_digests(f"signed by a@b.org {key}") == "signed by a@b.org SHA256:ykCftzBAbNsi"


@pytest.mark.parametrize(
    ("name", "short"),
    [("Nora Newcomer", "Nora N."), ("Kim", "Kim"), ("Ana María de Souza", "Ana S."), ("", "")],
)
def test_a_name_is_short_where_room_is(name: str, short: str) -> None:
    assert shorten_name(name) == short
