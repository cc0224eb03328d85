"""An audit as tables for other programs: CSV with a row a move, and Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from mlver.features.auditing.audit_result import AuditedMove, AuditedRule, AuditResult
from mlver.features.auditing.sentences import (
    DONE,
    LIMITS,
    choose_precision,
    join_words,
    tell_check,
    tell_evidence,
    tell_gate,
    tell_holding,
    tell_landing,
    tell_rule,
    tell_rule_change,
    tell_verdict,
)
from mlver.findings import Finding
from mlver.terminal.cells import format_csv_cell
from mlver.terminal.markdown import format_table, quote_code
from mlver.terminal.screen import TextScreen
from mlver.terminal.words import format_time

_COLUMNS = (
    "model stage number event version previous created since until author unconfirmed forced seal"
    " message gates approvals policy policy_commit rule_commit rule_author committer commit landed"
    " record damage doubts"
).split()


def draw_audit_csv(result: AuditResult, screen: TextScreen) -> None:
    """A row a move, then one for each change of a rule (RFC 4180); messages are whole."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for move in result.moves:
        cells = _list_cells(move)
        writer.writerow([format_csv_cell(cells.get(column)) for column in _COLUMNS])
    for rule in result.rules:
        cells = _list_rule_cells(rule)
        writer.writerow([format_csv_cell(cells.get(column)) for column in _COLUMNS])
    screen.write_page(text.getvalue())


def _list_cells(move: AuditedMove) -> dict[str, object]:
    policy, rule = move.policy, move.rule
    return {
        "model": move.model,
        "stage": move.stage,
        "number": move.sequence,
        "event": DONE[move.action],
        "version": move.version,
        "previous": move.previous,
        "created": move.created,
        "since": move.since,
        "until": move.until,
        "author": move.author,
        "unconfirmed": move.unconfirmed,
        "forced": move.forced,
        "seal": move.seal,
        "message": move.message,
        "gates": "; ".join(map(tell_gate, move.gates)),
        "approvals": "; ".join(approval.approver for approval in move.approvals),
        "policy": None if policy is None else str(policy.digest),
        "policy_commit": None if policy is None else policy.commit,
        "rule_commit": None if rule is None else rule.commit,
        "rule_author": None if rule is None else rule.author,
        "committer": move.committer,
        "commit": move.commit,
        "landed": move.landed,
        "record": move.record,
        "damage": _join_findings(move.damage),
        "doubts": _join_findings(move.doubts),
    }


def _list_rule_cells(rule: AuditedRule) -> dict[str, object]:
    return {
        "stage": rule.stage,
        "event": f"rule {rule.change}",
        "created": rule.created,
        "author": rule.author,
        "message": "; ".join(rule.loosened),
        "committer": rule.committer,
        "commit": rule.commit,
    }


def _join_findings(findings: Iterable[Finding]) -> str | None:
    return "; ".join(finding.message for finding in findings) or None


def draw_audit_markdown(result: AuditResult, screen: TextScreen) -> None:
    """A page for a ticket or a wiki; all text that others chose is code, which does nothing."""
    lines: list[str] = ["# Audit", ""]
    if result.at is not None:
        lines += _list_holders(result)
    else:
        rows = [_list_row(move) for move in result.moves]
        headers = ["stage", "time (UTC)", "event", "version", "by", "why", "gates", "rule", "marks"]
        lines += [format_table(headers, rows, most=len(rows)), ""]
    if result.rules:
        rule_rows = [_list_rule_row(rule) for rule in result.rules]
        headers = ["stage", "time (UTC)", "rule", "by", "commit"]
        lines += ["## Rules", "", format_table(headers, rule_rows, most=len(rule_rows)), ""]
    for title, findings in (
        ("Damaged", result.damage),
        ("Unconfirmed", result.unconfirmed),
        ("Approvals without effect", result.unbound),
        ("Data that may not be used any more", result.withdrawn),
        ("Missing in this clone", result.missing),
    ):
        if findings:
            lines += [f"## {title}", ""]
            lines += [f"* {_quote_whole(_name_finding(finding))}" for finding in findings]
            lines.append("")
    lines.append(f"{tell_verdict(result).capitalize()}.")
    if result.against is not None:
        lines += ["", f"{quote_code(tell_check(result.against, result.head.changes))}."]
    if result.head.digest is not None:
        lines += ["", f"audit head `{result.head.digest}`"]
    screen.write_page("\n".join([*lines, "", LIMITS, ""]))


def _quote_whole(text: str) -> str:
    return quote_code(text, len(text))


def _list_holders(result: AuditResult) -> list[str]:
    write_time = choose_precision(result.at)
    lines: list[str] = []
    for stage in result.stages:
        lines += [f"## {quote_code(f'{stage.model} {stage.stage}')}", ""]
        if not stage.moves:
            lines += ["No version had held it by then.", ""]
        for move in stage.moves:
            lines += [f"* {_quote_whole(tell_holding(move, write_time))}"]
            evidence = (tell_evidence(move), tell_rule(move), tell_landing(move))
            lines += [f"  * {_quote_whole(told)}" for told in evidence]
        lines.append("")
    return lines


def _name_finding(finding: Finding) -> str:
    return f"{finding.subject} {finding.message}"


def _list_row(move: AuditedMove) -> list[str]:
    rule = "" if move.policy is None else quote_code(str(move.policy.digest)[:19])
    return [
        quote_code(f"{move.model} {move.stage} {move.sequence}"),
        format_time(move.created),
        DONE[move.action],
        quote_code(f"{move.previous or '(empty)'} → {move.holder or '(empty)'}"),
        quote_code(move.author),
        _quote_whole(join_words(move.message)),
        _quote_whole("; ".join(f"{gate.gate}: {gate.result}" for gate in move.gates)),
        rule,
        ", ".join(_list_marks(move)),
    ]


def _list_marks(move: AuditedMove) -> Iterable[str]:
    if move.damage:
        yield "DAMAGED"
    if move.forced:
        yield "forced"
    if move.seal == "unsealed":
        yield "unsealed"
    if move.unconfirmed:
        yield "author unconfirmed"
    if move.commit is None:
        yield "no commit"


def _list_rule_row(rule: AuditedRule) -> list[str]:
    return [
        quote_code(rule.stage),
        format_time(rule.created),
        _quote_whole(tell_rule_change(rule)),
        quote_code(rule.author),
        quote_code(rule.commit[:10]),
    ]
