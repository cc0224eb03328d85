"""Settings of Alertmanager: alerts that act go to `mlver watch`, and all of them to people."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.policy.monitoring.subject import MonitoredStage
from mlver.records.values import Document

_PEOPLE = "people"
# What belongs to one version comes in one message.
_GROUPS = ["alertname", "model", "version"]


def build_alertmanager(
    watched: Sequence[MonitoredStage], webhook: str, token_file: str
) -> Document:
    """Build the settings, in which the receiver of people is still empty.

    A message that is refused as it could not be worked on (5xx) is sent again, and all are repeated
    while an alert lasts: one act may be asked for many times.
    """
    model = watched[0].model
    receiver = f"mlver-{model}"
    stages = "|".join(one.stage for one in watched)
    route = {
        "receiver": receiver,
        "matchers": ['mlver_action="rollback"', f'model="{model}"', f'stage=~"{stages}"'],
        "group_by": _GROUPS,
        "group_wait": "1s",
        "group_interval": "10s",
        "repeat_interval": "5m",
        # People are told as well.
        "continue": True,
    }
    hook = {
        "url": webhook,
        # That an alert is over is no reason to go forward again.
        "send_resolved": False,
        "max_alerts": 0,
        "http_config": {"authorization": {"type": "Bearer", "credentials_file": token_file}},
    }
    everybody = {"receiver": _PEOPLE, "matchers": [f'model="{model}"'], "group_by": _GROUPS}
    return {
        "route": {"receiver": _PEOPLE, "group_by": _GROUPS, "routes": [route, everybody]},
        "receivers": [{"name": _PEOPLE}, {"name": receiver, "webhook_configs": [hook]}],
    }
