"""What the receiver hands to the loop, and the answer that comes back."""

from __future__ import annotations

import queue
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import NamedTuple

from mlver.policy.webhook import ReceivedAlerts

_LONGEST_WAIT_S = 0.5


class WebhookAnswer(NamedTuple):
    """An HTTP status, and a sentence for whoever reads the answer."""

    status: int
    says: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """Alerts that somebody waits for an answer to."""

    alerts: ReceivedAlerts
    reply: Future[WebhookAnswer] = field(default_factory=Future)

    def answer(self, status: int, says: str) -> None:
        """Answer, if anybody still waits."""
        if self.reply.set_running_or_notify_cancel():
            self.reply.set_result(WebhookAnswer(status, says))


class Inbox:
    """Deliveries in the order in which they came; there is room for `room` of them."""

    def __init__(self, room: int = 8) -> None:
        # It can be put to within a signal handler, which a bounded queue cannot.
        self._queue: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._room = room

    def offer(self, delivery: Delivery) -> bool:
        """Put a delivery in, unless there is no room."""
        if self._queue.qsize() >= self._room:
            return False
        self._queue.put(delivery)
        return True

    def wake(self) -> None:
        """End the wait of whoever takes."""
        self._queue.put(None)

    def take(self, seconds: float) -> Delivery | None:
        """Wait at most so many seconds for a delivery, and never for long.

        A signal that comes just before the wait begins does not end it.
        """
        try:
            return self._queue.get(timeout=min(max(seconds, 0.0), _LONGEST_WAIT_S))
        except queue.Empty:
            return None
