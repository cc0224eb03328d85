"""Command line of gates."""

from __future__ import annotations

import typer

from mlver.features.gating.gates import ask_gates
from mlver.features.gating.screen import draw_result
from mlver.terminal.options import Json, Offline, OneRef, ToStage
from mlver.terminal.session import emit_result, find_session

GATES_EXAMPLES = (
    "mlver gates digits@1.1.0 --to production",
    "mlver gates digits --to production --json",
)


def gates_command(
    ctx: typer.Context,
    ref: OneRef,
    to: ToStage,
    offline: Offline = False,
    json: Json = False,
) -> None:
    """Ask the gates of a stage about a version.

    Nothing is written. Exit 1 when a gate is shut. Only `pass` opens a gate: whatever is missing
    or cannot be compared is inconclusive.
    """
    result = ask_gates(find_session(ctx).initialised_project, ref, to=to)
    emit_result(result, draw_result, json=json, code=result.exit_code)
