"""What judge prints, and a plan for it."""

from __future__ import annotations

from collections.abc import Mapping

from mlver.project.judging.judge import JudgeResult
from mlver.project.judging.plan import VerdictPlanResult
from mlver.project.judging.repeated import REMEMBERED
from mlver.records.promotion import Result
from mlver.records.verdict import EventCount, VerdictLook
from mlver.terminal.screen import ANSWER_STYLES, Cell, Part, TextScreen
from mlver.terminal.words import format_count

_WORDS: Mapping[Result, str] = {"pass": "pass", "fail": "fail", "inconclusive": "not sure"}
_HEADERS = ("metric", "limit", "", "bad", "beside", "between")


def draw_judge(result: JudgeResult, screen: TextScreen) -> None:
    compared = "" if result.baseline is None else f" beside {result.baseline}"
    name = f"{result.model} {result.version}"
    screen.draw_line(
        (result.answer.capitalize(), ANSWER_STYLES[result.answer]),
        f": {name} in {result.stage}{compared}: {result.reason}",
        hang=2,
    )
    _draw_counted(result, screen)
    _draw_repeated(result, screen)
    screen.draw_table(_list_rows(result), headers=_HEADERS, right=(3, 4, 5), indent=2)
    if result.sequence is not None:
        screen.draw_line(f"recorded as verdict {result.sequence} on {result.stage}")
    elif result.answer == "inconclusive" and not result.deadline:
        screen.draw_line(
            (f"  the next look is at {result.next_look:,} events of each version", "dim")
        )
    if result.next is not None:
        screen.draw_next(result.next)


def _draw_counted(result: JudgeResult, screen: TextScreen) -> None:
    """Say what was counted, and of how much of it the table below speaks."""
    looks = format_count(result.looks, "look")
    screen.draw_line(f"  {_format_events(result.counted)}, {looks}")
    if result.judged is not None and result.intervals:
        screen.draw_line(f"  the last look was at {_format_events(result.judged)}:")


def _format_events(look: VerdictLook) -> str:
    events = format_count(look.candidate, "event")
    return events if look.baseline is None else f"{events} beside {look.baseline:,}"


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
    if result.judged is None:
        return rows
    for one in result.intervals:
        count = result.judged.metrics[one.metric]
        rows.append(
            [
                one.metric,
                one.limit,
                (_WORDS[one.answer], ANSWER_STYLES[one.answer]),
                _format_share(count.candidate),
                "" if count.baseline is None else _format_share(count.baseline),
                f"{one.low:+.2%} … {one.high:+.2%}",
            ]
        )
    return rows


def _format_share(count: EventCount) -> str:
    return f"{count.share:.2%} ({count.bad:,})" if count.events else "none"


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
    if result.baseline is not None:
        screen.draw_line((f"  with {result.ratio:.3g} events beside each of them", "dim"))
    if result.assumed:
        screen.draw_line(("  nothing was counted: the share of bad events is assumed", "dim"))


def _format_needed(events: int | None, result: VerdictPlanResult) -> str:
    if events is None:
        return "never"
    if result.per_hour is None:
        return f"{events:,}"
    return f"{events:,} ({events / result.per_hour:,.1f} h)"
