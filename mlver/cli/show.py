from __future__ import annotations

import typer

from mlver.cli.options import Json, Ref
from mlver.cli.session import emit, session
from mlver.commands.show import show
from mlver.render.show import text

EXAMPLES = (
    "mlver show digits@1.0.0",
    "mlver show digits@production --json",
)


def command(ctx: typer.Context, ref: Ref = None, json: Json = False) -> None:
    """Show one version whole."""
    emit(show(session(ctx).project, ref), text, json=json)
