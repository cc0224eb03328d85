"""What drill prints."""

from __future__ import annotations

from mlver.project.drilling.drill import DrillResult
from mlver.terminal.links import draw_findings
from mlver.terminal.screen import Part, TextScreen
from mlver.terminal.words import format_count, format_size


def draw_drill(result: DrillResult, screen: TextScreen) -> None:
    target: Part = (f"{result.model} {result.version or ''}".strip(), "name")
    if result.obstacles:
        screen.draw_line(
            ("No rollback", "bad"), f" of {result.stage} is possible now: ", target, hang=2
        )
        draw_findings(result.obstacles, screen)
        return
    screen.draw_line(("A rollback", "good"), f" of {result.stage} to ", target, " would work")
    files = format_count(result.files, "file")
    screen.draw_line(
        f"  {files}, {format_size(result.bytes)}, restored in {result.seconds:.1f} s"
        " and removed again"
    )
    steps = ", ".join(f"{step.name} {step.seconds:.1f} s" for step in result.steps)
    screen.draw_line(f"  {sum(step.seconds for step in result.steps):.1f} s in all: {steps}")
    if result.skipped:
        screen.draw_line(
            "  not restored, as nobody keeps it here: ", ", ".join(result.skipped), hang=2
        )
    if result.note is not None:
        screen.draw_line(f"  recorded as note {result.note} on it")
