"""How long to wait for remotes and git servers, and how often to try again: the one table of times.

All are in seconds. Whoever waits takes a `Timings` as an argument, so that tests pass shorter ones.
"""

from __future__ import annotations

from dataclasses import dataclass

_HOUR = 3600.0
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a call is tried, and for how many seconds after it failed first.

    The waits in between double.
    """

    attempts: int = 6
    first_wait: float = 0.2
    longest_wait: float = 15.0
    patience: float = 180.0


@dataclass(frozen=True, slots=True)
class Timings:
    """How long to wait for what.

    `connect`: until a server has accepted a connection. `silence`: for the next byte of an answer;
    the call failed for now after that. `whole_call`: for one call, however slowly bytes flow.
    `stall`: a transfer in which nothing was confirmed for so long, retries included, is given up.

    `git_silence`: git, which asks another repository or fetches from it, says nothing at all for so
    long; then it is ended. A person may be typing a password meanwhile. A push is given
    `hook_silence` until git tells of its own work: a hook of the person's may be at work before.

    `grace`: what gc condemned on a remote is deleted after that at the earliest, and a pin protects
    its objects for that long. `least_grace`: no settings make it shorter.
    """

    retries: RetryPolicy = RetryPolicy()
    connect: float = 10.0
    silence: float = 30.0
    whole_call: float = _HOUR
    stall: float = 300.0
    git_silence: float = 300.0
    hook_silence: float = _HOUR
    grace: float = 14 * _DAY
    least_grace: float = _DAY


STANDARD = Timings()
