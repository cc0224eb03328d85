from __future__ import annotations

from typing import Annotated

import typer

from mlver.cli.options import Json, Model, complete_stage
from mlver.cli.session import emit_result, find_session
from mlver.commands.log import log
from mlver.render.log import draw_log

LOG_EXAMPLES = (
    "mlver log digits",
    "mlver log digits --stage production --limit 10",
)


def log_command(
    ctx: typer.Context,
    model: Model = None,
    stage: Annotated[
        str | None, typer.Option(metavar="STAGE", help="Only this stage's moves.", autocompletion=complete_stage)
    ] = None,
    limit: Annotated[int | None, typer.Option("-n", "--limit", min=1, help="Only the newest events.")] = None,
    json: Json = False,
) -> None:
    """Tell what was registered and promoted, by whom and why."""
    emit_result(log(find_session(ctx).initialised_project, model, stage=stage, limit=limit), draw_log, json=json)
