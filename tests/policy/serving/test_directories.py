"""The folder of a version is named after the time of its record, and no two have one name."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.policy.serving.directories import name_by_time

TIMES = st.integers(0, 9_999_999_999).map(
    lambda second: f"{datetime.datetime.fromtimestamp(second, datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
)


@pytest.mark.parametrize(
    ("taken", "name"),
    [
        ([], "v-20261231-235958"),
        (["v-20261231-235958"], "v-20261231-235959"),
        (["v-20261231-235958", "v-20261231-235959"], "v-20270101-000000"),
        (["v-20261231-235959"], "v-20261231-235958"),
    ],
)
def test_a_name_that_is_taken_gives_way_to_the_next_second(taken: list[str], name: str) -> None:
    assert name_by_time("2026-12-31T23:59:58Z", taken) == name


@pytest.mark.parametrize(
    ("created", "names"),
    [
        ("9999-12-31T23:59:59Z", ["v-99991231-235959", "v-99991231-235959-1"]),
        ("2026-02-30T00:00:00Z", ["v-20260230-000000", "v-20260230-000000-1"]),
        ("0000-01-01T00:00:00Z", ["v-00000101-000000", "v-00000101-000000-1"]),
    ],
)
def test_a_time_that_no_second_follows_gets_a_number(created: str, names: list[str]) -> None:
    first = name_by_time(created, [])
    assert [first, name_by_time(created, [first])] == names


@given(st.lists(TIMES, max_size=20))
def test_versions_of_any_times_have_names_of_their_own(times: list[str]) -> None:
    names: list[str] = []
    for created in times:
        names.append(name_by_time(created, names))
    assert len(set(names)) == len(names)
    # A name says when its record was made, or how many were made before it from that second on.
    for created, name in zip(times, names, strict=True):
        moment = datetime.datetime.strptime(name + "Z", "v-%Y%m%d-%H%M%S%z")
        assert 0 <= (moment - datetime.datetime.fromisoformat(created)).total_seconds() < 20
