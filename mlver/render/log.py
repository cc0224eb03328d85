from __future__ import annotations

from mlver.commands.log import Event, LogResult
from mlver.render.screen import Cell, Part, TextScreen, Style
from mlver.render.words import format_count, take_first_line, format_time, format_author

_STYLES: dict[str, Style] = {"promoted": "good", "rolled back": "bad", "retired": "warn"}


def draw_log(result: LogResult, screen: TextScreen) -> None:
    if not result.total and not result.faults:
        screen.draw_line("nothing has happened yet")
    screen.draw_table([_format_event_row(event) for event in result.events], fold=4)
    for fault in result.faults:
        screen.draw_line(("unreadable: ", "bad"), take_first_line(fault), " (mlver verify --all)", hang=2)
    older = result.total - len(result.events)
    if older:
        screen.draw_line((f"{format_count(older, 'older event')}: add --limit {result.total}", "dim"))


def _format_event_row(event: Event) -> list[Cell]:
    what: list[Part] = [(event.event, _STYLES.get(event.event, "plain"))]
    if event.forced:
        what.append((" by force", "warn"))
    where = f"{event.stage}: {event.previous or '(empty)'} → {event.version}" if event.stage else ""
    if event.event == "approved":
        where = f"for {event.stage}"
    return [
        (format_time(event.created), "dim"),
        (f"{event.model} {event.version}", "name"),
        what,
        where,
        [take_first_line(event.message), (f"  {format_author(event.author)}", "dim")],
    ]
