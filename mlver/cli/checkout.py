from __future__ import annotations

from typing import Annotated

import typer

from mlver.cli.options import DryRun, Json, Ref
from mlver.cli.session import emit_result, find_session
from mlver.commands.checkout import checkout
from mlver.render.checkout import draw_checkout

CHECKOUT_EXAMPLES = (
    "mlver checkout digits@1.0.0",
    "mlver checkout digits@production --to /tmp/digits",
)


def checkout_command(
    ctx: typer.Context,
    ref: Ref = None,
    to: Annotated[str | None, typer.Option(metavar="DIR", help="Into this folder, not the work tree.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite bytes that are stored nowhere.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Put a version's artifacts in place, every byte checked."""
    emit_result(checkout(find_session(ctx).initialised_project, ref, to=to, force=force, dry_run=dry_run), draw_checkout, json=json)
