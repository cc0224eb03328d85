"""A double of TensorFlow Serving that keeps its rule of labels, and nothing else.

Versions take a while to load. A label may be given only to a version that is loaded; where a new
label may not, all the labels stay as they were (`UpdateModelVersionLabelMap`, server_core.cc). With
`--allow_version_labels_for_unavailable_models` a label that is not in use yet may.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.servers.protos import parse_server_config


class LabelsRefused(Exception):
    """FailedPrecondition: a label is of a version that is not loaded."""


@dataclass
class LabelServer:
    """`delay` is how often `tick` has to be called until a version is loaded."""

    delay: int = 2
    allows_unavailable: bool = False
    labels: dict[str, int] = field(default_factory=dict)
    _loading: dict[int, int] = field(default_factory=dict)

    def reload(self, text: str) -> None:
        """Read a `models.config`, as the server does when it polls the file."""
        wanted: set[int] = set()
        labels: dict[str, int] = {}
        for config in parse_server_config(text).model_config_list.config:
            wanted.update(config.model_version_policy.specific.versions)
            labels.update(config.version_labels)
        self._loading = {number: self._loading.get(number, self.delay) for number in wanted}
        for label, number in labels.items():
            is_new = label not in self.labels
            if number not in self.available and not (self.allows_unavailable and is_new):
                raise LabelsRefused(f"{label}: {number}")
        self.labels = labels

    def tick(self) -> None:
        """Let a little time pass."""
        self._loading = {number: max(0, left - 1) for number, left in self._loading.items()}

    @property
    def available(self) -> set[int]:
        """The versions that are loaded."""
        return {number for number, left in self._loading.items() if left == 0}

    def describe_status(self) -> dict[str, object]:
        """What `GET /v1/models/NAME` answers."""
        statuses = []
        for number, left in self._loading.items():
            statuses.append({"version": str(number), "state": "LOADING" if left else "AVAILABLE"})
        return {"model_version_status": statuses}
