"""Command line of list, show and log."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.features.looking.list import list_versions
from mlver.features.looking.screen import draw_list, draw_show
from mlver.terminal.options import Json, Model, Ref, complete_stage
from mlver.terminal.session import emit_result, find_session

LIST_EXAMPLES = (
    "mlver list",
    "mlver list digits --limit 5",
)


def list_command(
    ctx: typer.Context,
    model: Model = None,
    limit: Annotated[
        int, typer.Option("-n", "--limit", min=1, help="How many versions of each model.")
    ] = 20,
    every: Annotated[bool, typer.Option("--all", help="Every version.")] = False,
    json: Json = False,
) -> None:
    """List versions with their stages and metrics, newest first."""
    emit_result(
        list_versions(find_session(ctx).cached_project, model, limit=None if every else limit),
        draw_list,
        json=json,
    )


SHOW_EXAMPLES = (
    "mlver show digits@1.0.0",
    "mlver show digits@production --json",
)


def show_command(ctx: typer.Context, ref: Ref = None, json: Json = False) -> None:
    """Show one version whole."""
    # What judges who promoted it costs `list` its modules at its start.
    from mlver.features.looking.show import show_version

    emit_result(show_version(find_session(ctx).shown_project, ref), draw_show, json=json)


LOG_EXAMPLES = (
    "mlver log digits",
    "mlver log digits --stage production --limit 10",
    "mlver log --stage production --at 2026-03-02",
    "mlver log --since 2026-03-01",
)


def log_command(
    ctx: typer.Context,
    model: Model = None,
    stage: Annotated[
        str | None,
        typer.Option(
            metavar="STAGE", help="Only this stage's moves.", autocompletion=complete_stage
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", help="What each stage held then: a UTC day, all of it, or a time."
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Only what happened from this UTC day or time on."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("-n", "--limit", min=1, help="Only the newest events.")
    ] = None,
    json: Json = False,
) -> None:
    """Tell what was registered and promoted, by whom and why."""
    # What judges history costs `list` its modules at its start.
    from mlver.features.looking.log import read_log
    from mlver.features.looking.log_screen import draw_log

    emit_result(
        read_log(
            find_session(ctx).shown_project, model, stage=stage, at=at, since=since, limit=limit
        ),
        draw_log,
        json=json,
    )
