from __future__ import annotations

from typing import Annotated

import typer

from mlver.cli.options import DryRun, Json, Message, Stage, complete_model
from mlver.cli.session import emit_result, find_session
from mlver.commands.rollback import rollback
from mlver.render.rollback import draw_rollback

ROLLBACK_EXAMPLES = (
    'mlver rollback digits --stage production -m "latency" --checkout',
    'mlver rollback digits --stage production --to 1.0.0 -m "the last known good" --dry-run',
)


def rollback_command(
    ctx: typer.Context,
    stage: Stage,
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL]",
            help="The only one, if left out.",
            show_default=False,
            autocompletion=complete_model,
        ),
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Back to this one, not the one before.", show_default=False)
    ] = None,
    message: Message = "",
    checkout: Annotated[bool, typer.Option("--checkout", help="Restore the working files as well.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Give a stage back to the version before, proven byte by byte."""
    result = rollback(
        find_session(ctx).initialised_project, model, stage=stage, message=message, to=to, checkout=checkout, dry_run=dry_run
    )
    emit_result(result, draw_rollback, json=json)
