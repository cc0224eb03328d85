from __future__ import annotations

from typing import Annotated

import typer

from mlver.cli.options import REF_HELP, DryRun, Json, Message, complete_ref, complete_stage
from mlver.cli.session import emit_result, find_session
from mlver.commands.promote import promote
from mlver.render.promote import draw_promote

PROMOTE_EXAMPLES = (
    'mlver promote digits@1.0.0 --to production -m "first release"',
    'mlver promote digits --to staging -m "to be tried" --dry-run',
)


def promote_command(
    ctx: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="REF", help=REF_HELP, autocompletion=complete_ref)],
    to: Annotated[str, typer.Option("--to", metavar="STAGE", help="The stage.", autocompletion=complete_stage)],
    message: Message = "",
    force: Annotated[bool, typer.Option("--force", help="Though a gate is shut; the record says so.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Move a stage to a version, when all its gates are open.

    Exit 1 when a gate is shut. Stages and what they ask for stand in .mlver/config.yaml.
    """
    result = promote(find_session(ctx).initialised_project, ref, to=to, message=message, force=force, dry_run=dry_run)
    emit_result(result, draw_promote, json=json, code=result.exit_code)
