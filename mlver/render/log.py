from __future__ import annotations

from mlver.commands.log import Event, LogResult
from mlver.render.screen import Cell, Part, Screen, Style
from mlver.render.words import count, first_line, when, who

_STYLES: dict[str, Style] = {"promoted": "good", "rolled back": "bad", "retired": "warn"}


def text(result: LogResult, screen: Screen) -> None:
    if not result.total and not result.faults:
        screen.line("nothing has happened yet")
    screen.table([_event(event) for event in result.events], fold=4)
    for fault in result.faults:
        screen.line(("unreadable: ", "bad"), first_line(fault), " (mlver verify --all)", hang=2)
    older = result.total - len(result.events)
    if older:
        screen.line((f"{count(older, 'older event')}: add --limit {result.total}", "dim"))


def _event(event: Event) -> list[Cell]:
    what: list[Part] = [(event.event, _STYLES.get(event.event, "plain"))]
    if event.forced:
        what.append((" by force", "warn"))
    where = f"{event.stage}: {event.previous or '(empty)'} → {event.version}" if event.stage else ""
    if event.event == "approved":
        where = f"for {event.stage}"
    return [
        (when(event.created), "dim"),
        (f"{event.model} {event.version}", "name"),
        what,
        where,
        [first_line(event.message), (f"  {who(event.author)}", "dim")],
    ]
