"""How long to wait for remotes: the one table of times, in seconds. Tests pass shorter ones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timings:
    """Times in seconds.

    `stall`: a transfer that no byte was moved by for so long is given up, with a message.
    """

    stall: float = 300.0


STANDARD = Timings()
