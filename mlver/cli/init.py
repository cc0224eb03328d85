from __future__ import annotations

import typer

from mlver.cli.options import DryRun, Json
from mlver.cli.session import emit, session
from mlver.commands.init import init
from mlver.render.init import text

EXAMPLES = ("mlver init",)


def command(ctx: typer.Context, dry_run: DryRun = False, json: Json = False) -> None:
    """Set a git repository up for mlver.

    Writes .mlver/, which the first registration commits. Running it again changes nothing.
    """
    emit(init(session(ctx).repository, dry_run=dry_run), text, json=json)
