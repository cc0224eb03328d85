from __future__ import annotations

import typer

from mlver.cli.options import DryRun, Json
from mlver.cli.session import emit_result, find_session
from mlver.commands.init import init
from mlver.render.init import draw_init

INIT_EXAMPLES = ("mlver init",)


def init_command(ctx: typer.Context, dry_run: DryRun = False, json: Json = False) -> None:
    """Set a git repository up for mlver.

    Writes .mlver/, which the first registration commits. Running it again changes nothing.
    """
    emit_result(init(find_session(ctx).uninitialised_project, dry_run=dry_run), draw_init, json=json)
