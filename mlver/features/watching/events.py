"""What `mlver watch` tells: one event a line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

WatchKind = Literal[
    "started",
    "judged",
    "rolled back",
    "unchanged",
    "refused",
    "published",
    "deployed",
    "no way back",
    "failed",
    "stopped",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchResult:
    """One event. `status` is what a webhook was answered, None where nobody asked.

    `version` is what it is about, and `to` what holds the stage then.
    """

    time: str
    event: WatchKind
    says: str
    model: str | None = None
    stage: str | None = None
    version: str | None = None
    to: str | None = None
    status: int | None = None
    hints: tuple[str, ...] = ()


TellEvent = Callable[[WatchResult], None]
