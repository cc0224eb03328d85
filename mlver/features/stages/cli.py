"""Command line of promote, rollback and checkout."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from mlver.errors import UsageError
from mlver.features.stages.screen import draw_checkout, draw_promote, draw_rollback
from mlver.names import GOLDEN
from mlver.project.checkout import CheckoutOptions, check_out
from mlver.project.stages.conditions import read_condition
from mlver.project.stages.followers import list_followers
from mlver.project.stages.promote import promote_version
from mlver.project.stages.rollback import roll_back
from mlver.project.stages.rollback_request import RollbackRequest
from mlver.terminal.options import (
    REF_HELP,
    DryRun,
    Json,
    Message,
    Offline,
    Ref,
    Stage,
    complete_model,
    complete_ref,
    complete_stage,
)
from mlver.terminal.session import emit_result, find_session

PROMOTE_EXAMPLES = (
    'mlver promote digits@1.0.0 --to production -m "first release"',
    'mlver promote digits --to staging -m "to be tried" --dry-run',
)


def promote_command(
    ctx: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="REF", help=REF_HELP, autocompletion=complete_ref)],
    to: Annotated[
        str, typer.Option("--to", metavar="STAGE", help="The stage.", autocompletion=complete_stage)
    ],
    message: Message = "",
    force: Annotated[
        bool, typer.Option("--force", help="Promote even if a gate is shut; this is recorded.")
    ] = False,
    offline: Offline = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Move a stage to a version, when all its gates are open.

    Exit 1 when a gate is shut. Stages and what they ask for stand in .mlver/config.yaml.
    """
    project = find_session(ctx).initialised_project
    result = promote_version(
        project,
        ref,
        to=to,
        message=message,
        force=force,
        dry_run=dry_run,
    )
    is_moved = result.outcome == "promoted" and not dry_run
    followers = list_followers(project, result.model, to) if is_moved else []
    text = partial(draw_promote, followers=followers)
    emit_result(result, text, json=json, code=result.exit_code)


ROLLBACK_EXAMPLES = (
    'mlver rollback digits --stage production -m "latency" --checkout',
    'mlver rollback digits --stage production --to 1.0.0 -m "the last known good" --dry-run',
    "mlver rollback digits --stage production --if-holds 1.1.0 --because alert.json -m errors",
)


_OnlyModel = Annotated[
    str | None,
    typer.Argument(
        metavar="[MODEL]",
        help="The only one, if left out.",
        show_default=False,
        autocompletion=complete_model,
    ),
]
_BackTo = Annotated[
    str | None,
    typer.Option(
        metavar="VERSION", help="Back to this one, not the one before.", show_default=False
    ),
]
_Golden = Annotated[
    bool, typer.Option("--golden", help="Back to the version that holds the stage golden.")
]
_IfHolds = Annotated[
    str | None,
    typer.Option(
        "--if-holds",
        metavar="VERSION",
        help="Only if this version holds it; else change nothing.",
        show_default=False,
    ),
]
_Because = Annotated[
    str | None,
    typer.Option(
        "--because",
        metavar="FILE",
        help="The evidence, such as an alert: its digest is recorded.",
        show_default=False,
    ),
]
_Checkout = Annotated[bool, typer.Option("--checkout", help="Restore the working files as well.")]


def rollback_command(
    ctx: typer.Context,
    stage: Stage,
    model: _OnlyModel = None,
    to: _BackTo = None,
    golden: _Golden = False,
    if_holds: _IfHolds = None,
    because: _Because = None,
    message: Message = "",
    checkout: _Checkout = False,
    offline: Offline = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Give a stage back to the version before, proven byte by byte.

    With --if-holds or --because it can be run again and again: it changes nothing where another
    version holds the stage, or where that evidence was acted on already.
    """
    if golden and to is not None:
        raise UsageError("--golden and --to both say where to go back to; give one of them")
    project = find_session(ctx).initialised_project
    request = RollbackRequest(
        stage=stage,
        message=message,
        to=GOLDEN if golden else to,
        condition=read_condition(project, if_holds, because),
        checkout=checkout,
        dry_run=dry_run,
    )
    result = roll_back(project, model, request)
    is_moved = result.changed and not dry_run
    followers = list_followers(project, result.model, stage) if is_moved else []
    emit_result(result, partial(draw_rollback, followers=followers), json=json)


CHECKOUT_EXAMPLES = (
    "mlver checkout digits@1.0.0",
    "mlver checkout digits@1.0.0 --inputs",
    "mlver checkout digits@production --to /tmp/digits",
    "mlver checkout digits@production --to /tmp/digits --only weights",
)


def checkout_command(
    ctx: typer.Context,
    ref: Ref = None,
    to: Annotated[
        str | None, typer.Option(metavar="DIR", help="Into this folder, not the work tree.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only weights, or this data set; may be repeated."),
    ] = None,
    inputs: Annotated[
        bool, typer.Option("--inputs", help="Also its params and metrics files.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite bytes that are stored nowhere.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Through symlinks out of the work tree.")
    ] = False,
    offline: Offline = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Put a version's artifacts in place, every byte checked."""
    options = CheckoutOptions(
        to=to,
        only=tuple(only or ()),
        inputs=inputs,
        force=force,
        follow=follow,
        dry_run=dry_run,
    )
    result = check_out(find_session(ctx).initialised_project, ref, options)
    emit_result(result, draw_checkout, json=json)
