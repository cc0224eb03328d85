"""What judge prints, and a plan for it."""

from __future__ import annotations

from collections.abc import Mapping

from mlver.project.judging.judge import JudgeResult
from mlver.project.judging.plan import VerdictPlanResult
from mlver.project.judging.repeated import REMEMBERED
from mlver.records.promotion import Result
from mlver.records.verdict import EventCount
from mlver.terminal.screen import Cell, Part, Style, TextScreen
from mlver.terminal.words import format_count

_STYLES: Mapping[Result, Style] = {"pass": "good", "fail": "bad", "inconclusive": "warn"}
_HEADERS = ("metric", "limit", "", "candidate", "baseline", "at the last look")


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
    _draw_repeated(result, screen)
    screen.draw_table(_list_rows(result), headers=_HEADERS, indent=2)
    if result.sequence is not None:
        screen.draw_line(f"recorded as verdict {result.sequence} on {result.stage}")
    elif result.answer == "inconclusive" and not result.deadline:
        screen.draw_line(
            (f"  the next look is at {result.next_look:,} events of each version", "dim")
        )


def _draw_repeated(result: JudgeResult, screen: TextScreen) -> None:
    if result.repeated:
        screen.draw_line(f"  {format_count(result.repeated, 'event')} came again, and count once")
    if result.forgotten:
        told = (
            f"  only the last {REMEMBERED:,} ids are remembered: an event that came again after"
            " more others was counted again"
        )
        screen.draw_line((told, "warn"), hang=2)


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


_PLAN_HEADERS = ("metric", "limit", "bad now", "to pass", "to fail")


def draw_plan(result: VerdictPlanResult, screen: TextScreen) -> None:
    compared = "" if result.baseline is None else f" beside {result.baseline}"
    name: Part = (f"{result.model} {result.version}", "name")
    screen.draw_line("A verdict on ", name, f" in {result.stage}{compared} needs events of it:")
    rows: list[list[Cell]] = []
    for one in result.limits:
        needed = [_format_needed(events, result) for events in (one.to_pass, one.to_fail)]
        rows.append([one.metric, one.limit, f"{one.base:.2%}", *needed])
    screen.draw_table(rows, headers=_PLAN_HEADERS, right=(2, 3, 4), indent=2)
    screen.draw_line((f"  with {result.ratio:.3g} events beside each of them", "dim"))
    if result.assumed:
        screen.draw_line(("  nothing was counted: the share of bad events is assumed", "dim"))


def _format_needed(events: int | None, result: VerdictPlanResult) -> str:
    if events is None:
        return "never"
    if result.per_hour is None:
        return f"{events:,}"
    return f"{events:,} ({events / result.per_hour:,.1f} h)"
