"""What an audit says in sentences, as a person would: plain text, not yet safe for a screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlver.features.auditing.audit_result import AuditedMove, AuditedRule, AuditResult, HeadCheck
from mlver.features.auditing.spans import tell_span
from mlver.policy.time_windows import TimeWindow
from mlver.records.promotion import ApprovalReference, GateResult
from mlver.terminal.words import (
    format_author,
    format_count,
    format_number,
    format_second,
    format_time,
    shorten_digest,
    shorten_digests,
)

DONE = {"promote": "promoted", "rollback": "rolled back", "retire": "emptied"}
LIMITS = (
    "By the records: nothing in git proves a date, a measurement, or the person behind a name or a"
    " key, nor that what was recorded is what served."
)
WriteTime = Callable[[str], str]


def choose_precision(window: TimeWindow | None) -> WriteTime:
    """Of a day, minutes are told; who asks for a moment may have to tell two of one minute."""
    if window is None or window.start[10:] == window.end[10:]:
        return format_time
    return format_second


def join_words(text: str) -> str:
    """A message on one line, whole."""
    return " ".join(text.split())


def tell_holding(move: AuditedMove, write_time: WriteTime = format_time) -> str:
    """What held a stage, since when and until when, who moved it there, why, and what came of the
    gates: in a sentence that a person would say.
    """
    period = f"from {write_time(move.since)} UTC on, and still does"
    if move.until is not None:
        period = f"from {write_time(move.since)} to {write_time(move.until)} UTC"
    held = f"{move.model} {move.version} held {move.stage} by the records {period}"
    if move.holder is None:
        held = f"no version of {move.model} held {move.stage} by the records {period}"
    who = format_author(move.author)
    if move.unconfirmed:
        who += " (whom nothing confirms)"
    why = join_words(move.message)
    # Nobody ends the quotation but the sentence itself.
    quoted = why.replace("“", '"').replace("”", '"')
    reason = f"because “{quoted}”" if why else "and gave no reason"
    deed = f"{who} {_tell_deed(move)} on {write_time(move.created)} UTC {reason}"
    return f"{held}; {deed}; {_tell_outcome(move)}."


def _tell_outcome(move: AuditedMove) -> str:
    """How many gates were open, which were shut, and who approved."""
    if move.adopted is not None:
        return f"it was adopted from the tag {move.adopted}, and went through no gate"
    if not move.gates:
        return "no gate was asked"
    shut = [gate.gate for gate in move.gates if gate.result != "pass"]
    passed = f"{len(move.gates) - len(shut)} of {format_count(len(move.gates), 'gate')} passed"
    told = [f"{passed}, all but {', '.join(shut)}" if shut else passed]
    if move.approvals:
        people = [format_author(approval.approver) for approval in move.approvals]
        told.append(f"{' and '.join(people)} approved")
    return "; ".join(told)


def _tell_deed(move: AuditedMove) -> str:
    force = " by force" if move.forced else ""
    before = "" if move.previous is None else f" in place of {move.previous}"
    if move.action == "rollback":
        return f"rolled back to it{force}{before}"
    if move.action == "retire":
        return f"emptied it{force} of {move.version}"
    return f"promoted it{force}{before}"


def tell_evidence(move: AuditedMove) -> str:
    """What gates saw, and who approved."""
    if move.adopted is not None:
        return f"It was adopted from the tag {move.adopted}, and went through no gate."
    if not move.gates:
        return "No gate was asked."
    gates = "; ".join(tell_gate(gate) for gate in move.gates)
    approvals = tell_approvals(move.approvals)
    return f"Gates: {gates}. {approvals}" if approvals else f"Gates: {gates}."


def tell_gate(gate: GateResult) -> str:
    """One gate: its result, what it saw and what it asked for."""
    result = {"pass": "passed", "fail": "FAILED", "inconclusive": "INCONCLUSIVE"}[gate.result]
    told = [shorten_digests(format_number(gate.actual))]
    if gate.result != "pass" or gate.data is not None or gate.evidence is not None:
        told.append(f"asked: {format_number(gate.expected)}")
    if gate.baseline is not None:
        told.append(f"the holder had {format_number(gate.baseline)}")
    if gate.data is not None:
        told.append(f"on data {shorten_digest(str(gate.data))}")
    if gate.evidence is not None:
        told.append(f"by the record {shorten_digest(str(gate.evidence))}")
    return f"{gate.gate} {result} ({', '.join(told)})"


def tell_approvals(approvals: Sequence[ApprovalReference]) -> str:
    told: list[str] = []
    for approval in approvals:
        proof = "unsigned, which proves no name"
        if approval.signed is not None:
            proof = f"signed by {approval.signed}"
        told.append(f"{approval.approver} ({proof})")
    return f"Approved by {' and '.join(told)}." if told else ""


def tell_rule(move: AuditedMove) -> str:
    """Under which rule a move was made, who had set it and how long before."""
    policy = "no policy is recorded"
    if move.policy is not None:
        policy = f"policy {shorten_digest(str(move.policy.digest))}"
        if move.policy.commit is not None:
            policy += f" as {move.policy.commit[:10]} has it"
    elif move.action != "promote":
        return "Rule: no gate of the stage judges a rollback, or a stage that is emptied."
    if move.rule is None:
        return f"Rule: {policy}."
    rule = move.rule
    told = f"Rule: {policy}; last changed by {rule.author}"
    told += f" on {format_time(rule.committed)} UTC in {rule.commit[:10]}"
    if rule.seconds >= 0:
        told += f", {tell_span(rule.seconds)} before"
    return f"{told}." if not rule.loosened else f"{told}, looser: {'; '.join(rule.loosened)}."


def tell_landing(move: AuditedMove) -> str:
    """Which commit landed a move, and which tag seals it."""
    if move.commit is None:
        landed = "no commit that is here landed it"
    else:
        landed = f"landed in {move.commit[:10]} of {format_time(move.landed or '')} UTC"
        if move.committer != move.author:
            landed += f" by {move.committer}"
    tag = f"{move.model}@{move.stage}.{move.sequence}"
    sealing = {
        "sealed": f"sealed by the tag {tag}",
        "unsealed": "UNSEALED",
        "before seals": "older than seals",
        None: "its seal was not looked at",
    }[move.seal]
    remarks = "".join(f"; {remark}" for remark in move.remarks)
    return f"Record: {shorten_digest(move.record)}, {landed}, {sealing}{remarks}."


def tell_rule_change(rule: AuditedRule) -> str:
    """What a commit did to the rule of a stage."""
    told = {
        "made": "made the first rule",
        "removed": "removed the rule",
        "looser": "made the rule looser",
        "stricter": "made the rule stricter",
    }[rule.change]
    if rule.loosened and rule.change == "looser":
        told += f": {'; '.join(rule.loosened)}"
    return told


def tell_verdict(result: AuditResult) -> str:
    """How many things are wrong, and how many are only unconfirmed."""
    parts = ["nothing is damaged"]
    if result.damage:
        parts = [f"{format_count(len(result.damage), 'thing')} damaged"]
    if result.unconfirmed:
        parts.append(f"{len(result.unconfirmed):,} unconfirmed")
    if result.unbound:
        parts.append(f"{format_count(len(result.unbound), 'approval')} without effect")
    if result.withdrawn:
        parts.append(f"{len(result.withdrawn):,} on data that may not be used any more")
    if result.missing:
        parts.append("not all could be looked at in this clone")
    return ", ".join(parts)


def tell_check(check: HeadCheck, changes: int) -> str:
    """What came of the comparison with an older head."""
    shown = shorten_digest(check.against)
    if check.outcome == "same":
        return f"{shown} is the head of this history: nothing happened since"
    if check.outcome == "continued":
        place = (check.commit or "")[:10]
        return f"this history, of {changes:,} changes, begins with that of {shown} (until {place})"
    if check.outcome == "untold":
        return f"this clone lacks too much to say whether {shown} is a head of its history"
    return f"{shown} is no head of this history"
