from __future__ import annotations

import typer

from mlver.cli.options import Json, Ref
from mlver.cli.session import emit_result, find_session
from mlver.commands.show import show
from mlver.render.show import draw_show

SHOW_EXAMPLES = (
    "mlver show digits@1.0.0",
    "mlver show digits@production --json",
)


def show_command(ctx: typer.Context, ref: Ref = None, json: Json = False) -> None:
    """Show one version whole."""
    emit_result(show(find_session(ctx).initialised_project, ref), draw_show, json=json)
