"""What judge prints."""

from __future__ import annotations

from collections.abc import Mapping

from mlver.features.monitoring.judge import JudgeResult
from mlver.records.promotion import Result
from mlver.records.verdict import EventCount
from mlver.terminal.screen import Cell, Style, TextScreen
from mlver.terminal.words import format_count

_STYLES: Mapping[Result, Style] = {"pass": "good", "fail": "bad", "inconclusive": "warn"}
_HEADERS = ("metric", "limit", "", "candidate", "baseline", "interval")


def draw_judge(result: JudgeResult, screen: TextScreen) -> None:
    compared = "" if result.baseline is None else f" beside {result.baseline}"
    name = f"{result.model} {result.version}"
    screen.draw_line(
        (result.answer.capitalize(), _STYLES[result.answer]),
        f": {name} in {result.stage}{compared}: {result.reason}",
        hang=2,
    )
    counted = format_count(result.counted.candidate, "event")
    if result.counted.baseline is not None:
        counted += f" beside {result.counted.baseline:,}"
    screen.draw_line(f"  {counted}, {format_count(result.looks, 'look')}")
    screen.draw_table(_list_rows(result), headers=_HEADERS, indent=2)
    if result.sequence is not None:
        screen.draw_line(f"recorded as verdict {result.sequence} on {result.stage}")
    elif result.answer == "inconclusive" and not result.deadline:
        screen.draw_line(
            (f"  the next look is at {result.next_look:,} events of each version", "dim")
        )


def _list_rows(result: JudgeResult) -> list[list[Cell]]:
    rows: list[list[Cell]] = []
    for one in result.intervals:
        count = result.counted.metrics[one.metric]
        rows.append(
            [
                one.metric,
                one.limit,
                (one.answer, _STYLES[one.answer]),
                _format_share(count.candidate),
                "" if count.baseline is None else _format_share(count.baseline),
                f"{one.low:+.2%} … {one.high:+.2%}",
            ]
        )
    return rows


def _format_share(count: EventCount) -> str:
    share = f"{count.share:.2%}" if count.events else "none"
    return f"{count.bad:,} of {count.events:,} ({share})"
