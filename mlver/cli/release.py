from __future__ import annotations

from typing import Annotated

import typer

from mlver.cli.options import DryRun, Json, complete_model
from mlver.cli.session import emit_result, find_session
from mlver.commands.release import release
from mlver.render.release import draw_release

RELEASE_EXAMPLES = (
    "mlver release",
    "mlver release digits --remote origin --dry-run",
)


def release_command(
    ctx: typer.Context,
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MODEL]...", help="All of them, if left out.", autocompletion=complete_model),
    ] = None,
    remote: Annotated[
        str | None, typer.Option(metavar="NAME", help="Where to; origin, mostly.", show_default=False)
    ] = None,
    require_trigger: Annotated[
        bool, typer.Option("--require-trigger", help="Refuse where the push would start no pipeline.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Seal what the remote's main line holds, and push the tags.

    At most three a push, as forges start no pipelines for more at once; nothing published is overwritten. Exit code 1
    when a record is refused: edited, sealed otherwise elsewhere, or not on the main line yet.
    """
    result = release(
        find_session(ctx).initialised_project, models or (), remote=remote, require_trigger=require_trigger, dry_run=dry_run
    )
    emit_result(result, draw_release, json=json, code=result.exit_code)
