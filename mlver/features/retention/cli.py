"""Command line of gc and du."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.errors import UsageError
from mlver.features.retention.du import measure_usage
from mlver.features.retention.gc import GcRequest, collect_garbage
from mlver.features.retention.screen import draw_du, draw_gc
from mlver.terminal.options import DryRun, Json, declare_remote
from mlver.terminal.session import emit_result, find_session

GC_EXAMPLES = (
    "mlver gc",
    "mlver gc --yes",
    "mlver gc --remote storage --yes",
)


def gc_command(
    ctx: typer.Context,
    remote: Annotated[
        str | None,
        declare_remote("Of this remote, by its name or address; otherwise of the local store."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without this, only say what would be done.")
    ] = False,
    forget_repository: Annotated[
        list[str] | None,
        typer.Option(
            "--forget-repository",
            metavar="ID",
            help="Keep nothing for this repository, which is gone; may be repeated.",
            show_default=False,
        ),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Delete what nobody needs any more, after a grace time.

    What a reference, its log, a stash, an index or a work tree leads to is always kept, in all of
    its history. Here, the rest goes to the trash first; on a remote, it is condemned first.
    """
    if yes and dry_run:
        raise UsageError(
            "--yes does it, and --dry-run only says what would be done", hint="mlver gc --dry-run"
        )
    request = GcRequest(remote, tuple(forget_repository or ()), not yes)
    session = find_session(ctx)
    project = session.shown_project if request.dry_run else session.initialised_project
    emit_result(collect_garbage(project, request), draw_gc, json=json)


DU_EXAMPLES = (
    "mlver du",
    "mlver du --remote storage",
)


def du_command(
    ctx: typer.Context,
    remote: Annotated[
        list[str] | None,
        declare_remote("Also of this remote, by its name or address; may be repeated."),
    ] = None,
    json: Json = False,
) -> None:
    """Show where bytes are, and what gc would free."""
    project = find_session(ctx).shown_project
    emit_result(measure_usage(project, remote or ()), draw_du, json=json)
