"""The command line of drills."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.errors import UsageError, printable_name
from mlver.features.drilling.screen import draw_drill
from mlver.project.drilling.drill import drill_rollback
from mlver.records.durations import read_duration
from mlver.terminal.options import Json, Offline, OneModel, Stage
from mlver.terminal.session import emit_result, find_session

DRILL_EXAMPLES = (
    "mlver drill digits --stage production",
    "mlver drill digits --stage production --to production --record",
)


def drill_command(
    ctx: typer.Context,
    stage: Stage,
    model: OneModel = None,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="To this one, also to the holder; else the one before.",
            show_default=False,
        ),
    ] = None,
    within: Annotated[
        str,
        typer.Option(
            "--within",
            metavar="TIME",
            help="It may take so long, from the choice to the last byte.",
        ),
    ] = "15m",
    record: Annotated[
        bool, typer.Option("--record", help="Keep it as a note on the version.")
    ] = False,
    offline: Offline = False,
    json: Json = False,
) -> None:
    """Rehearse a rollback in a scratch folder.

    Every byte is restored as a rollback would, then removed again; each step is timed. No stage
    moves. The exit code is 1 where something would have stopped the rollback, or it took too long.
    """
    project = find_session(ctx).initialised_project
    seconds = read_duration(within)
    if seconds is None:
        raise UsageError(f"--within takes a time such as 90s or 15m, not {printable_name(within)}")
    result = drill_rollback(project, model, stage=stage, to=to, within=seconds, record=record)
    emit_result(result, draw_drill, json=json, code=result.exit_code)
