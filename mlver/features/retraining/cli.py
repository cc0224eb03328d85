"""The command line of due."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.features.retraining.screen import draw_due
from mlver.project.retraining.due import find_due
from mlver.terminal.options import Json, complete_model, complete_stage
from mlver.terminal.session import emit_result, find_session

DUE_EXAMPLES = (
    "mlver due digits",
    "mlver due digits --stage production",
    "mlver due --json",
)


def due_command(
    ctx: typer.Context,
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL]…",
            help="All of them, if left out.",
            show_default=False,
            autocompletion=complete_model,
        ),
    ] = None,
    stage: Annotated[
        str | None,
        typer.Option(
            "--stage",
            metavar="STAGE",
            help="Judge the version that holds it; the highest release, if left out.",
            show_default=False,
            autocompletion=complete_stage,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Say whether a model should be trained again, and why.

    Reasons are a drift that was recorded, data that changed, age, and scores that fell, as the
    settings have them under `due`. What nobody can tell is said. The exit code is 1 where one
    reason holds.
    """
    result = find_due(find_session(ctx).initialised_project, models or (), stage=stage)
    emit_result(result, draw_due, json=json, code=result.exit_code)
