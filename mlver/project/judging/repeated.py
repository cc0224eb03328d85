"""Events that a log holds more than once, as what is delivered at least once does."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

# An id takes about a hundred bytes here.
REMEMBERED = 1 << 18


@dataclass(slots=True)
class SeenEvents:
    """Remembers the last events that were counted, by their keys.

    `repeated` is how many came again, and `forgotten` how many are remembered no longer: one of
    these would be counted again.
    """

    repeated: int = 0
    forgotten: int = 0
    most: int = REMEMBERED
    _keys: set[int] = field(default_factory=set)
    _order: deque[int] = field(default_factory=deque)

    def is_new(self, key: int | None) -> bool:
        """Say whether an event was not seen yet, and remember it; one without a key is new."""
        if key is None:
            return True
        if key in self._keys:
            self.repeated += 1
            return False
        self._keys.add(key)
        self._order.append(key)
        if len(self._order) > self.most:
            self._keys.discard(self._order.popleft())
            self.forgotten += 1
        return True
