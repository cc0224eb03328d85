"""What score prints."""

from __future__ import annotations

from mlver.features.scoring.comparing import ReplayedVersion
from mlver.features.scoring.replay import ReplayResult
from mlver.features.scoring.request import ScoredVersion, ScoreResult
from mlver.terminal.screen import Part, TextScreen
from mlver.terminal.words import format_count, format_duration, format_number, format_second


def draw_score(result: ScoreResult, screen: TextScreen) -> None:
    for scored in result.versions:
        _draw_version(result, scored, screen)
    if not result.versions:
        screen.draw_line(("Inconclusive", "warn"), f": no answer of {result.model} is logged there")
    if result.window is not None:
        window = f"{format_second(result.window.start)} to {format_second(result.window.end)}"
        screen.draw_line((f"  answered {window} UTC, known from {result.known}", "dim"), hang=4)
    _draw_counts(result, screen)


def _draw_version(result: ScoreResult, scored: ScoredVersion, screen: TextScreen) -> None:
    name: Part = (f"{result.model} {scored.version}", "name")
    if scored.outcome in ("inconclusive", "unknown"):
        screen.draw_line(("Inconclusive", "warn"), ": ", name, f": {scored.reason}", hang=2)
    else:
        word = "Would record" if scored.outcome == "planned" else "Scored"
        number = "" if scored.sequence is None else f"  (evaluation {scored.sequence})"
        again = " already" if scored.sequence is not None and scored.commit is None else ""
        screen.draw_line((f"{word}{again}", "bold"), " ", name, number)
    for metric, value in scored.metrics.items():
        note = ""
        if metric in ("precision", "recall", "f1") and result.average is not None:
            note = f"  ({_describe_average(result.average)})"
        screen.draw_line(f"  {metric}  {format_number(value)}", (note, "dim"))
    answers = format_count(scored.answers, "answer")
    screen.draw_line(f"  coverage  {scored.coverage:.1%}, {scored.joined:,} of {answers}")
    if scored.joined:
        _draw_ages(scored, screen)


def _describe_average(average: str) -> str:
    return "macro" if average == "macro" else f"of the class {average}"


def _draw_ages(scored: ScoredVersion, screen: TextScreen) -> None:
    if scored.label_age is None:
        age = "unknown: no row has a `time`"
    else:
        age = f"{format_duration(scored.label_age)}, the median"
    screen.draw_line(f"  label age  {age}")
    if scored.late:
        screen.draw_line(f"  {format_count(scored.late, 'label')} came late")
    if scored.early:
        told = f"  {format_count(scored.early, 'label')} came before the answer was given"
        screen.draw_line((told, "warn"))


def _draw_counts(result: ScoreResult, screen: TextScreen) -> None:
    totals = result.totals
    told = (
        (result.repeated, "answer", "came again; each counts once"),
        (result.open, "event", "without an answer"),
        (totals.empty, "row", "that say nothing yet"),
        (totals.repeated, "row", "that say again what others said"),
        (totals.conflicting, "request", "left out, as rows say different things of them"),
        (totals.unmatched, "request", "of which something is known, and no log has an answer"),
    )
    for count, noun, words in told:
        if count:
            screen.draw_line(f"  {format_count(count, noun)} {words}", hang=4)


def draw_replay(result: ReplayResult, screen: TextScreen) -> None:
    name: Part = (f"{result.model} {result.against}", "name")
    if result.dry_run:
        asked = format_count(result.asked, "request")
        screen.draw_line(("Would ask", "bold"), " ", name, f" {asked} of {result.logs}")
        screen.draw_line(f"  by {result.command}", hang=2)
    for version in result.versions:
        _draw_replayed(result, version, name, screen)
    for count, words in (
        (result.skipped, "without features or without an answer"),
        (result.repeated, "that came again; each counts once"),
    ):
        if count:
            screen.draw_line(f"  {format_count(count, 'event')} {words}", hang=4)
    if result.unasked:
        screen.draw_line(f"  {format_count(result.unasked, 'answer')} to no request", hang=4)
    if result.sequence is not None:
        again = "recorded as" if result.commit is not None else "recorded already as"
        screen.draw_line(f"{again} evaluation {result.sequence} of ", name)


def _draw_replayed(
    result: ReplayResult, version: ReplayedVersion, name: Part, screen: TextScreen
) -> None:
    logged: Part = (f"{result.model} {version.version}", "name")
    if not version.compared:
        screen.draw_line(("Inconclusive", "warn"), ": ", name, " answered nothing of ", logged)
        return
    compared = f"{version.agreed:,} of {format_count(version.compared, 'answer')}"
    screen.draw_line(name, " agrees with ", logged, f" in {compared}")
    for metric, value in version.metrics.items():
        screen.draw_line(f"  {metric}  {format_number(value)}")
    for change in version.changes:
        changed = f"  {change.logged} → {change.replayed}"
        screen.draw_line(changed, f"  {format_count(change.count, 'time')}", hang=4)
    if version.p is not None:
        screen.draw_line(f"  as uneven by chance alone: p = {version.p:.3g} (McNemar)")
    if version.judged is not None:
        judged = version.judged
        right = f"{version.version} was right in {judged.logged:,}"
        known = format_count(judged.count, "request")
        screen.draw_line(
            f"  of {known} whose truth is known {right}, and {result.against} is in"
            f" {judged.replayed:,}: {judged.lost:,} lost, {judged.won:,} won,"
            f" p = {judged.p:.3g} (McNemar)",
            hang=4,
        )
    if version.compared < version.answers:
        missing = format_count(version.answers - version.compared, "request")
        screen.draw_line((f"  {missing} not answered again", "warn"))
