"""What an Alertmanager sends: a group of alerts, of which each comes again until it is over.

The format is that of its webhook, version 4. An alert that comes again is known by its fingerprint
(of its labels) and the time at which it started. A record names the alerts that it was made on in
its message, a line `Mlver-Alert: <fingerprint> <time>` each, as git's trailers are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any

_FINGERPRINT = re.compile(r"[0-9a-f]{1,64}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,24}(?:Z|[+-][0-9]{2}:[0-9]{2})")
_TRAILER = re.compile(r"^Mlver-Alert: ([0-9a-f]{1,64}) (\S{16,40})$", re.MULTILINE)
# A message names no more than these: what else is in a group has the digest of the whole.
_NAMED = 500


@dataclass(frozen=True, slots=True)
class AlertKey:
    """What tells one alert from all others, however often it is sent."""

    fingerprint: str
    starts_at: str


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """A group of alerts as it was sent: those that still fire, as far as each can be told."""

    is_resolved: bool
    firing: tuple[AlertKey, ...]

    def is_answered_by(self, answered: Set[AlertKey]) -> bool:
        """Say whether all alerts that fire here are among those that were acted on."""
        return bool(self.firing) and answered >= set(self.firing)


def parse_alert_group(data: bytes) -> AlertGroup | None:
    """Read what a webhook was sent; None for anything that is not a group of alerts."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.get("status") not in ("firing", "resolved"):
        return None
    alerts = document.get("alerts")
    if not isinstance(alerts, list):
        return None
    keys: dict[AlertKey, None] = {}
    for alert in alerts:
        key = _find_key(alert) if isinstance(alert, dict) else None
        if key is not None:
            keys[key] = None
    return AlertGroup(document["status"] == "resolved", tuple(keys))


def _find_key(alert: Mapping[str, Any]) -> AlertKey | None:
    """Find what an alert is known by; None where it is over, or where it does not say."""
    fingerprint, starts_at = alert.get("fingerprint"), alert.get("startsAt")
    if alert.get("status") != "firing" or not isinstance(fingerprint, str):
        return None
    if not isinstance(starts_at, str) or not _TIME.fullmatch(starts_at):
        return None
    return AlertKey(fingerprint, starts_at) if _FINGERPRINT.fullmatch(fingerprint) else None


def add_alerts(message: str, alerts: Iterable[AlertKey]) -> str:
    """Add the lines that name these alerts to the message of a record."""
    lines = [f"Mlver-Alert: {alert.fingerprint} {alert.starts_at}" for alert in alerts]
    if not lines:
        return message
    return "\n".join([message.strip(), "", *lines[:_NAMED]])


def list_answered(message: str) -> list[AlertKey]:
    """List the alerts that a record's message names."""
    return [AlertKey(*found) for found in _TRAILER.findall(message)]
