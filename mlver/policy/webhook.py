"""Which rollbacks a group of alerts asks for, as an Alertmanager's webhook sends it. Pure.

An alert asks for one where it fires and has the label `mlver_action="rollback"`. The format is that
of the webhook, version 4.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlver import names
from mlver.errors import MlverError, printable_name
from mlver.policy.alerts import AlertGroup, AlertKey, parse_alert_group
from mlver.version import parse_version

PAYLOAD_VERSION = "4"
_ACTION = ("mlver_action", "rollback")
# Each has evidence of its own, nearly as large as what was sent, and the remote is asked for each.
_MOST_DEMANDS = 100


class WebhookFault(ValueError):
    """What was sent is no group of alerts, in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackDemand:
    """Alerts that ask for a rollback of a version in use.

    `stage` is the one that the alerts name, None where they name none. `evidence` are the bytes of
    the group with these alerts alone, and `group` what is known of them.
    """

    model: str
    version: str
    stage: str | None
    evidence: bytes
    group: AlertGroup
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedAlerts:
    """What a group asks for; `passed_over` is how many of its alerts ask for nothing.

    `truncated` is how many alerts of the group were not sent.
    """

    demands: tuple[RollbackDemand, ...]
    passed_over: int
    truncated: int


def parse_webhook(data: bytes) -> ReceivedAlerts:
    """Read what a webhook was sent; raise WebhookFault for anything that is no group of alerts."""
    document = _parse_document(data)
    wanted: dict[tuple[str, str, str | None], list[Mapping[str, Any]]] = {}
    passed_over = 0
    for alert in document["alerts"]:
        place = _find_place(alert)
        if place is None:
            passed_over += 1
        else:
            wanted.setdefault(place, []).append(alert)
    if len(wanted) > _MOST_DEMANDS:
        raise WebhookFault(f"it asks for the rollback of more than {_MOST_DEMANDS} versions")
    is_whole = len(wanted) == 1 and not passed_over
    demands: list[RollbackDemand] = []
    for (model, version, stage), alerts in wanted.items():
        evidence = data if is_whole else _dump_part(document, alerts)
        group = parse_alert_group(evidence)
        if group is None or len(group.firing) != len({_identify(alert) for alert in alerts}):
            raise WebhookFault("an alert that fires has no fingerprint, or no time of its start")
        demands.append(
            RollbackDemand(
                model=model,
                version=version,
                stage=stage,
                evidence=evidence,
                group=group,
                names=tuple(dict.fromkeys(_name_alert(alert) for alert in alerts)),
            )
        )
    return ReceivedAlerts(
        demands=tuple(demands), passed_over=passed_over, truncated=document["truncatedAlerts"]
    )


def list_keys(demand: RollbackDemand) -> Sequence[AlertKey]:
    return demand.group.firing


def _parse_document(data: bytes) -> dict[str, Any]:
    """Parse a group, with each of its alerts a mapping with labels."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise WebhookFault("it is no JSON document") from None
    if not isinstance(document, dict):
        raise WebhookFault("it is no JSON object")
    if document.get("version") != PAYLOAD_VERSION:
        raise WebhookFault(f'its `version` is not "{PAYLOAD_VERSION}"')
    alerts = document.get("alerts")
    if document.get("status") not in ("firing", "resolved") or not isinstance(alerts, list):
        raise WebhookFault("it has no `status`, or no list of `alerts`")
    truncated = document.setdefault("truncatedAlerts", 0)
    if isinstance(truncated, bool) or not isinstance(truncated, int) or truncated < 0:
        raise WebhookFault("its `truncatedAlerts` is no number of alerts")
    for alert in alerts:
        if not isinstance(alert, dict) or not isinstance(alert.get("labels"), dict):
            raise WebhookFault("one of its alerts has no labels")
    return document


def _find_place(alert: Mapping[str, Any]) -> tuple[str, str, str | None] | None:
    """Find the model, the version and the stage that an alert is about; None for no demand."""
    labels = alert["labels"]
    name, value = _ACTION
    if alert.get("status") != "firing" or labels.get(name) != value:
        return None
    model, version, stage = (labels.get(key) for key in ("model", "version", "stage"))
    if not isinstance(model, str) or not isinstance(version, str):
        raise WebhookFault("an alert that asks for a rollback names no model, or no version")
    if stage is not None and not isinstance(stage, str):
        raise WebhookFault("the stage that an alert names is no text")
    try:
        return names.check_model(model), str(parse_version(version)), stage
    except MlverError as error:
        raise WebhookFault(error.message) from None


def _identify(alert: Mapping[str, Any]) -> tuple[str, str]:
    return str(alert.get("fingerprint")), str(alert.get("startsAt"))


def _name_alert(alert: Mapping[str, Any]) -> str:
    return printable_name(str(alert["labels"].get("alertname", "an alert"))[:100])


def _dump_part(document: Mapping[str, Any], alerts: Sequence[Mapping[str, Any]]) -> bytes:
    """Write a group with these alerts alone: the same part of the same group is the same bytes."""
    part = {**document, "status": "firing", "alerts": list(alerts)}
    return json.dumps(part, sort_keys=True, ensure_ascii=True).encode()
