"""The command line of drills."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.features.drilling.screen import draw_drill
from mlver.project.drilling.drill import drill_rollback
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
    record: Annotated[
        bool, typer.Option("--record", help="Keep it as a note on the version.")
    ] = False,
    offline: Offline = False,
    json: Json = False,
) -> None:
    """Rehearse a rollback in a scratch folder.

    Every byte is restored as a rollback would, then removed again. No stage moves. The exit code is
    1 where something would have stopped the rollback.
    """
    project = find_session(ctx).initialised_project
    result = drill_rollback(project, model, stage=stage, to=to, record=record)
    emit_result(result, draw_drill, json=json, code=result.exit_code)
