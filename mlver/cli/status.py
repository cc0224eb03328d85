from __future__ import annotations

from typing import Annotated

import typer

from mlver.cli.options import Json, Model
from mlver.cli.session import emit, session
from mlver.commands.status import status
from mlver.render.status import text

EXAMPLES = (
    "mlver status",
    "mlver status digits --exit-code",
)


def command(
    ctx: typer.Context,
    model: Model = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 1 when something differs.")] = False,
    json: Json = False,
) -> None:
    """Compare the work tree with the latest version; suggest the bump."""
    result = status(session(ctx).project, model)
    emit(result, text, json=json, code=int(exit_code and result.differs))
