"""Alerts as an Alertmanager sends them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.policy.alerts import AlertKey, add_alerts, list_answered, parse_alert_group
from tests.policy.made_alerts import FIRST, SECOND, dump_alerts

_KEYS = st.builds(
    AlertKey,
    st.text("0123456789abcdef", min_size=1, max_size=16),
    st.datetimes().map(lambda time: f"{time:%Y-%m-%dT%H:%M:%S}.123Z".zfill(24)),
)


def test_the_alerts_that_fire_are_told() -> None:
    group = parse_alert_group(dump_alerts({"a1": FIRST, "b2": SECOND}))
    assert group is not None
    assert not group.is_resolved
    assert group.firing == (AlertKey("a1", FIRST), AlertKey("b2", SECOND))


def test_alerts_that_are_over_are_none_of_them() -> None:
    over = parse_alert_group(dump_alerts({"a1": FIRST}, status="resolved"))
    assert over is not None
    assert (over.is_resolved, over.firing) == (True, ())


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"no JSON", b"[]", b"{}", b"\xff", b"[" * 100_000),
        b'{"status": "firing"}',
        b'{"status": "firing", "alerts": {}}',
        b'{"status": "odd", "alerts": []}',
        b'{"status": [], "alerts": []}',
    ],
)
def test_anything_else_is_no_group(data: bytes) -> None:
    assert parse_alert_group(data) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("fingerprint", "a1\nMlver-Alert: b2"),
        ("fingerprint", 7),
        ("startsAt", f"{FIRST}\n"),
        ("startsAt", None),
        ("status", []),
    ],
)
def test_an_alert_that_cannot_be_told_is_in_no_message(field: str, value: object) -> None:
    document = json.loads(dump_alerts({"a1": FIRST}))
    document["alerts"][0][field] = value
    group = parse_alert_group(json.dumps(document).encode())
    assert group is not None
    assert group.firing == ()
    assert not group.is_answered_by(set())


def test_a_group_is_answered_once_all_its_alerts_are() -> None:
    one, two = AlertKey("a1", FIRST), AlertKey("b2", SECOND)
    both = parse_alert_group(dump_alerts({"a1": FIRST, "b2": SECOND}))
    assert both is not None
    assert not both.is_answered_by({one})
    assert both.is_answered_by({two, one})
    # The same alert fired again later.
    again = parse_alert_group(dump_alerts({"a1": SECOND}))
    assert again is not None
    assert not again.is_answered_by({one})


@given(st.lists(_KEYS, max_size=9, unique=True), st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_message_keeps_the_alerts_that_were_added(alerts: list[AlertKey], message: str) -> None:
    named = list_answered(add_alerts(message, alerts))
    assert named[len(named) - len(alerts) :] == alerts


@given(st.binary(max_size=200))
def test_no_bytes_stop_it(data: bytes) -> None:
    parse_alert_group(data)
