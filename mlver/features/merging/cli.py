"""Command line of resolve."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.errors import UsageError
from mlver.features.merging.driver import install_merge_driver, merge_settings_file
from mlver.features.merging.outcomes import MergeSide
from mlver.features.merging.resolve import resolve_conflicts
from mlver.features.merging.screen import draw_driver, draw_resolve
from mlver.terminal.options import DryRun, Json
from mlver.terminal.session import emit_result, find_session

RESOLVE_EXAMPLES = (
    "mlver resolve",
    "mlver resolve --dry-run",
    "mlver resolve --install-driver",
)


def resolve_command(
    ctx: typer.Context,
    rewrite: Annotated[
        str | None,
        typer.Option(
            "--rewrite",
            metavar="SIDE",
            help="Who gives way: ours (HEAD) or theirs (merged in).",
            show_default=False,
        ),
    ] = None,
    install_driver: Annotated[
        bool,
        typer.Option("--install-driver", help="Let this clone's git merge settings key by key."),
    ] = False,
    driver: Annotated[
        tuple[str, str, str, str] | None,
        typer.Option("--driver", hidden=True, help="What git runs: %O %A %B %P."),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Settle a merge in which both sides claimed a number.

    Versions of the side that has not landed count on, its promotions follow the other side's, and
    the result is staged. Exit code 1 when something is left to you.
    """
    if driver is not None:
        raise typer.Exit(merge_settings_file(find_session(ctx).start, *driver))
    if install_driver:
        emit_result(
            install_merge_driver(find_session(ctx).initialised_project, dry_run=dry_run),
            draw_driver,
            json=json,
        )
        return
    result = resolve_conflicts(
        find_session(ctx).initialised_project, rewrite=_parse_side(rewrite), dry_run=dry_run
    )
    emit_result(result, draw_resolve, json=json, code=result.exit_code)


def _parse_side(rewrite: str | None) -> MergeSide | None:
    # A `Literal` option would be refused in typer's words, which name no command to type.
    match rewrite:
        case None | "ours" | "theirs":
            return rewrite
        case _:
            raise UsageError(
                f"--rewrite takes ours or theirs, not `{rewrite}`",
                hint="mlver resolve --rewrite ours",
            )
