"""What a webhook is sent asks for rollbacks, for nothing, or is no group of alerts."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.policy.webhook import ReceivedAlerts, WebhookFault, parse_webhook
from tests.policy.made_alerts import FIRST, SECOND

LABELS = {"alertname": "Errors", "model": "digits", "version": "1.1.0", "stage": "production"}


def make_alert(fingerprint: str = "a1", starts: str = FIRST, **labels: Any) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {**LABELS, "mlver_action": "rollback", **labels},
        "annotations": {},
        "startsAt": starts,
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": fingerprint,
    }


def dump(*alerts: Any, **fields: Any) -> bytes:
    usual = {"version": "4", "status": "firing", "alerts": list(alerts), "truncatedAlerts": 0}
    return json.dumps({**usual, **fields}).encode()


def test_an_alert_names_what_is_to_be_rolled_back_and_is_the_evidence() -> None:
    data = dump(make_alert())
    (demand,) = parse_webhook(data).demands
    assert (demand.model, demand.version, demand.stage) == ("digits", "1.1.0", "production")
    assert (demand.evidence, demand.names) == (data, ("Errors",))
    assert [key.fingerprint for key in demand.group.firing] == ["a1"]


def test_what_is_no_act_is_passed_over() -> None:
    resolved = {**make_alert(), "status": "resolved"}
    received = parse_webhook(dump(make_alert(mlver_action="page"), resolved))
    assert (received.demands, received.passed_over) == ((), 2)
    assert parse_webhook(dump(resolved, status="resolved")).demands == ()


def test_two_versions_are_two_demands_with_evidence_of_their_own() -> None:
    first, second = make_alert("a1"), make_alert("b2", SECOND, version="1.2.0")
    demands = parse_webhook(dump(first, second)).demands
    assert [demand.version for demand in demands] == ["1.1.0", "1.2.0"]
    assert demands[0].evidence != demands[1].evidence
    assert [key.fingerprint for key in demands[1].group.firing] == ["b2"]
    again = parse_webhook(dump(first, second)).demands
    assert [demand.evidence for demand in again] == [demand.evidence for demand in demands]


def test_alerts_that_were_left_out_are_counted() -> None:
    assert parse_webhook(dump(make_alert(), truncatedAlerts=3)).truncated == 3


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no JSON object"),
        (b"\xff\xfe", "no JSON"),
        (dump(version="3"), "version"),
        (dump(version=4), "version"),
        (dump(status="odd"), "status"),
        (dump(alerts={}), "alerts"),
        (dump(truncatedAlerts=-1), "truncatedAlerts"),
        (dump(truncatedAlerts=True), "truncatedAlerts"),
        (dump("alert"), "labels"),
        (dump({"labels": []}), "labels"),
        (dump(make_alert(model=None)), "no model"),
        (dump(make_alert(version=1.1)), "no version"),
        (dump(*[make_alert(version=f"1.{n}.0") for n in range(101)]), "more than 100 versions"),
        (dump(make_alert(version="1.1")), "semantic version"),
        (dump(make_alert(model="../x")), "model name"),
        (dump(make_alert(stage=1)), "stage"),
        (dump(make_alert("")), "fingerprint"),
        (dump(make_alert(starts="today")), "start"),
    ],
)
def test_nonsense_is_named(data: bytes, fault: str) -> None:
    with pytest.raises(WebhookFault, match=fault):
        parse_webhook(data)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
_KEYS = st.sampled_from(["status", "labels", "fingerprint", "startsAt", "version", "alerts"])


@given(st.dictionaries(_KEYS, _JSON), st.dictionaries(st.sampled_from(sorted(LABELS)), _JSON))
def test_no_document_is_a_fault_of_ours(fields: dict[str, Any], labels: dict[str, Any]) -> None:
    alert = {**make_alert(), **fields}
    alert["labels"] = {**make_alert()["labels"], **labels}
    for data in (dump(alert), dump(**fields), json.dumps(fields).encode()):
        with suppress(WebhookFault):
            assert isinstance(parse_webhook(data), ReceivedAlerts)
