from __future__ import annotations

from typing import Annotated

import typer

from mlver.cli.options import Json, Model
from mlver.cli.session import emit_result, find_session
from mlver.commands.list import list_versions
from mlver.render.list import draw_list

LIST_EXAMPLES = (
    "mlver list",
    "mlver list digits --limit 5",
)


def list_command(
    ctx: typer.Context,
    model: Model = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="How many versions of each model.")] = 20,
    every: Annotated[bool, typer.Option("--all", help="Every version.")] = False,
    json: Json = False,
) -> None:
    """List versions with their stages and metrics, newest first."""
    emit_result(list_versions(find_session(ctx).initialised_project, model, limit=None if every else limit), draw_list, json=json)
