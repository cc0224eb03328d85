"""What approve and revoke print."""

from __future__ import annotations

from mlver.project.approvals.approve import ApproveResult
from mlver.terminal.screen import Part, TextScreen

_UNSIGNED = "unsigned: a name alone proves nothing, for anybody can write it"


def draw_approval(result: ApproveResult, screen: TextScreen) -> None:
    version: Part = (f"{result.model} {result.version}", "name")
    stage: Part = (result.stage, "bold")
    what = " " if result.action == "approve" else " approvals of "
    if result.outcome == "already":
        state = "approved" if result.action == "approve" else "revoked"
        screen.draw_line("you ", state, what, version, " for ", stage, " already", hang=2)
    else:
        verb = result.outcome.capitalize()
        if result.dry_run:
            verb = f"Would {result.action}"
        screen.draw_line((verb, "bold"), what, version, " for ", stage, hang=2)
    for person in result.revoked:
        screen.draw_line("  no longer approved by ", person, hang=2)
    if result.commit is not None:
        signed = _UNSIGNED if result.signed is None else f"signed by {result.signed}"
        screen.draw_line("  ", result.approver, ", ", signed, hang=2)
    if result.counted is not None:
        screen.draw_line(f"  {result.counted} of {result.needed} approvals", hang=2)
    elif result.action == "approve":
        screen.draw_line("  no rule of ", stage, " asks for approvals", hang=2)
