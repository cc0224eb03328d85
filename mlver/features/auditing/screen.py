"""What `mlver audit` prints."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.features.auditing.audit_result import AuditedMove, AuditedStage, AuditResult
from mlver.features.auditing.sentences import (
    DONE,
    LIMITS,
    choose_precision,
    join_words,
    tell_check,
    tell_evidence,
    tell_holding,
    tell_landing,
    tell_rule,
    tell_rule_change,
    tell_verdict,
)
from mlver.findings import Finding
from mlver.terminal.links import draw_findings, draw_hidden_count
from mlver.terminal.screen import Style, TextScreen
from mlver.terminal.words import format_count, format_time

_EMPTY = "(empty)"
_SHOWN = 20
_STYLES: dict[str, Style] = {"promote": "good", "rollback": "bad", "retire": "warn"}


def draw_audit(result: AuditResult, screen: TextScreen) -> None:
    for index, stage in enumerate(result.stages):
        if index:
            screen.draw_blank_line()
        if result.at is None:
            _draw_stage(stage, screen)
        else:
            _draw_holders(result, stage, screen)
    if not result.stages:
        screen.draw_line("no stage was ever moved")
    _draw_rules(result, screen)
    told = {finding for move in result.moves for finding in (*move.damage, *move.doubts)}
    damage = [finding for finding in result.damage if finding not in told]
    doubts = [finding for finding in result.unconfirmed if finding not in told]
    _draw_section("damaged, beside the moves shown", damage, screen, "bad")
    _draw_section("unconfirmed, beside the moves shown", doubts, screen, "warn")
    _draw_section("approvals without effect", result.unbound, screen, "warn")
    _draw_section("data that may not be used any more", result.withdrawn, screen, "warn")
    _draw_section("missing in this clone", result.missing, screen, "warn")
    _draw_end(result, screen)


def _draw_stage(stage: AuditedStage, screen: TextScreen) -> None:
    moves = format_count(stage.total, "move")
    shown = "" if len(stage.moves) == stage.total else f", {len(stage.moves):,} of them shown"
    holder = f"{stage.holder} holds it" if stage.holder else "it is empty"
    screen.draw_line((f"{stage.model} {stage.stage}", "name"), f"  {moves}{shown}; {holder}")
    for move in stage.moves:
        _draw_move(move, screen)


def _draw_move(move: AuditedMove, screen: TextScreen) -> None:
    before, after = move.previous or _EMPTY, move.holder or _EMPTY
    screen.draw_line(
        (f"  {move.sequence:04d}  {format_time(move.created)}  ", "dim"),
        (DONE[move.action], _STYLES[move.action]),
        (" by force" if move.forced else "", "warn"),
        (f"  {before} → {after}", "bold"),
        f"  {move.author}",
        (" (unconfirmed)" if move.unconfirmed else "", "warn"),
        hang=8,
    )
    why = join_words(move.message)
    screen.draw_line(f"        Why: {why}" if why else "        Why: not said.", hang=2)
    for sentence in (tell_evidence(move), tell_rule(move), tell_landing(move)):
        screen.draw_line(f"        {sentence}", hang=2)
    _draw_marks(move, screen)


def _draw_marks(move: AuditedMove, screen: TextScreen) -> None:
    """What is wrong with a move, and what nothing confirms."""
    for finding in move.damage:
        screen.draw_line("        ", ("DAMAGED: ", "bad"), finding.message, hang=2)
    for finding in move.doubts:
        screen.draw_line("        ", ("unconfirmed: ", "warn"), finding.message, hang=2)


def _draw_holders(result: AuditResult, stage: AuditedStage, screen: TextScreen) -> None:
    assert result.at is not None
    write_time = choose_precision(result.at)
    window = f"{write_time(result.at.start)} to {write_time(result.at.end)} UTC"
    screen.draw_line((f"{stage.model} {stage.stage}", "name"), (f"  {window}", "dim"))
    if not stage.moves:
        screen.draw_line(f"  No version of {stage.model} had held {stage.stage} by then.", hang=2)
    for move in stage.moves:
        screen.draw_line(f"  {tell_holding(move, write_time)}", hang=2)
        for sentence in (tell_evidence(move), tell_rule(move), tell_landing(move)):
            screen.draw_line((f"        {sentence}", "dim"), hang=2)
        _draw_marks(move, screen)


def _draw_rules(result: AuditResult, screen: TextScreen) -> None:
    if not result.rules:
        return
    screen.draw_blank_line()
    screen.draw_line(("rules", "bold"))
    for rule in result.rules:
        style: Style = "warn" if rule.change in ("looser", "removed") else "plain"
        screen.draw_line(
            (f"  {format_time(rule.created)}  ", "dim"),
            (rule.stage, "name"),
            "  ",
            (tell_rule_change(rule), style),
            f"  {rule.author}  ",
            (rule.commit[:10], "dim"),
            hang=2,
        )


def _draw_section(
    title: str, findings: Sequence[Finding], screen: TextScreen, style: Style
) -> None:
    if not findings:
        return
    screen.draw_blank_line()
    screen.draw_line((title, style))
    draw_findings(findings[:_SHOWN], screen, style)
    draw_hidden_count(len(findings) - _SHOWN, screen, indent=2)


def _draw_end(result: AuditResult, screen: TextScreen) -> None:
    screen.draw_blank_line()
    style: Style = "good"
    if result.unconfirmed or result.unbound or result.withdrawn or result.missing:
        style = "warn"
    screen.draw_line((tell_verdict(result), "bad" if result.damage else style))
    if result.against is not None:
        screen.draw_line(tell_check(result.against, result.head.changes), hang=2)
    if result.head.digest is None:
        reason = result.head.lacking or "nothing was committed yet"
        screen.draw_line(f"no audit head: {reason}", hang=2)
    else:
        changes = format_count(result.head.changes, "change")
        screen.draw_unbroken("audit head ", (result.head.digest, "bold"))
        screen.draw_line((f"  of {changes} to records and rules; note it elsewhere", "dim"))
    screen.draw_line((LIMITS, "dim"))
