"""What `push --runs` and `pull --runs` show."""

from __future__ import annotations

from mlver.project.runs.exchange import BroughtRunsResult, SentRunsResult
from mlver.terminal.links import draw_findings
from mlver.terminal.screen import Part, TextScreen
from mlver.terminal.words import format_count


def draw_sent_runs(result: SentRunsResult, screen: TextScreen) -> None:
    place: Part = (result.remote, "name")
    if result.runs:
        verb = "Would send" if result.dry_run else "Sent"
        screen.draw_line((verb, "bold"), f" {format_count(len(result.runs), 'run')} to ", place)
    elif result.present:
        screen.draw_line(place, f" has all {format_count(result.present, 'run')} already")
    elif not result.refused:
        screen.draw_line("no run is recorded here yet")
    draw_findings(result.refused, screen)


def draw_brought_runs(result: BroughtRunsResult, screen: TextScreen) -> None:
    place: Part = (result.remote, "name")
    if result.runs:
        verb = "Would fetch" if result.dry_run else "Fetched"
        screen.draw_line((verb, "bold"), f" {format_count(len(result.runs), 'run')} from ", place)
    elif result.present:
        screen.draw_line(
            f"all {format_count(result.present, 'run')} of ", place, " are here already"
        )
    elif not result.refused:
        screen.draw_line(place, " has no runs")
    draw_findings(result.refused, screen)
