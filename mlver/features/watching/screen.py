"""What watch prints: a line an event."""

from __future__ import annotations

from contextlib import suppress
from typing import TextIO

from mlver.errors import printable_name
from mlver.features.watching.events import WatchKind, WatchResult
from mlver.terminal.screen import Style, TextScreen
from mlver.terminal.structured import build_document, dump_json

_STYLES: dict[WatchKind, Style] = {
    "rolled back": "bad",
    "failed": "bad",
    "refused": "warn",
    "no way back": "warn",
    "judged": "bold",
    "started": "good",
    "stopped": "dim",
}


def draw_event(event: WatchResult, screen: TextScreen) -> None:
    status = "" if event.status is None else f" ({event.status})"
    subject = " ".join(filter(None, (event.model, event.version)))
    place = f" {event.stage}" if event.stage is not None else ""
    about = f"{subject}{place}: " if subject else ""
    screen.draw_unbroken(
        (event.time, "dim"),
        "  ",
        (event.event.ljust(11), _STYLES.get(event.event, "plain")),
        f"  {about}{printable_name(event.says)}{status}",
    )
    for hint in event.hints:
        screen.draw_unbroken("  ", ("hint: ", "dim"), hint)


def print_event(event: WatchResult, stream: TextIO, *, json: bool) -> None:
    """Print an event at once: a line for people, or one JSON document on a line.

    A log that takes no more lines is no reason to watch no more.
    """
    with suppress(OSError):
        if json:
            stream.write(dump_json(build_document(event)))
        else:
            draw_event(event, TextScreen(stream))
        stream.flush()
