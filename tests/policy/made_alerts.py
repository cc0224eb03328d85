"""Alerts as an Alertmanager sends them, for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping

FIRST = "2026-11-28T10:00:00.123Z"
SECOND = "2026-11-28T10:05:00.5+01:00"


def dump_alerts(alerts: Mapping[str, str], status: str = "firing", **labels: str) -> bytes:
    """Dump a group of alerts: when each started, by its fingerprint; all have the `status`."""
    listed: list[dict[str, object]] = []
    for fingerprint, starts_at in alerts.items():
        alert = {"status": status, "fingerprint": fingerprint, "startsAt": starts_at}
        listed.append({**alert, "labels": labels, "endsAt": "0001-01-01T00:00:00Z"})
    document = {"version": "4", "status": status, "receiver": "mlver", "alerts": listed}
    return json.dumps(document).encode()
