"""What `mlver store --init` prints."""

from __future__ import annotations

from mlver.features.storing.store import StoreResult
from mlver.terminal.screen import TextScreen


def draw_store(result: StoreResult, screen: TextScreen) -> None:
    if result.made:
        screen.draw_line(("Made a store", "bold"), " in ", (result.path, "name"))
    else:
        screen.draw_line((result.path, "name"), " is a store already; nothing changed")
