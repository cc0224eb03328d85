"""Requests that two versions answered, as a shadow answers those of the version in use."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from mlver.project.judging.events import ServedEvent
from mlver.project.judging.repeated import REMEMBERED


@dataclass(slots=True)
class RequestPairs:
    """Finds the two answers to one request.

    The last requests that one version answered alone are remembered; an answer of the other one
    that comes later finds nothing, and the request does not count.
    """

    most: int = REMEMBERED
    _waiting: OrderedDict[str, ServedEvent] = field(default_factory=OrderedDict)

    def match(self, event: ServedEvent) -> ServedEvent | None:
        """Find the other version's answer; remember this one where there is none yet."""
        if event.request is None:
            return None
        other = self._waiting.get(event.request)
        if other is not None and other.version != event.version:
            return self._waiting.pop(event.request)
        self._waiting[event.request] = event
        if len(self._waiting) > self.most:
            self._waiting.popitem(last=False)
        return None
