from __future__ import annotations

from typing import Annotated

import typer

from mlver.cli.options import Json, Model
from mlver.cli.session import emit_result, find_session
from mlver.commands.status import status
from mlver.render.status import draw_status

STATUS_EXAMPLES = (
    "mlver status",
    "mlver status digits --exit-code",
)


def status_command(
    ctx: typer.Context,
    model: Model = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 1 when something differs.")] = False,
    json: Json = False,
) -> None:
    """Compare the work tree with the latest version; suggest the bump."""
    result = status(find_session(ctx).initialised_project, model)
    emit_result(result, draw_status, json=json, code=int(exit_code and result.differs))
