"""The command line of rollouts."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import typer

from mlver.features.rollouts.screen import draw_rollout
from mlver.project.stages.followers import list_followers
from mlver.project.stages.rollout import roll_out
from mlver.project.stages.rollout_request import RolloutRequest
from mlver.terminal.options import DryRun, Json, Message, Offline, OneRef, ToStage
from mlver.terminal.session import emit_result, find_session

ROLLOUT_EXAMPLES = (
    'mlver rollout digits@1.1.0 --to production --share 10 -m "a tenth to begin with"',
    "mlver rollout digits@1.1.0 --to production --share 5 --strategy ab --header X-User-Id"
    ' -m "a twentieth of the users"',
    'mlver rollout digits@1.1.0 --to production --strategy shadow -m "see what it answers"',
)


def rollout_command(
    ctx: typer.Context,
    ref: OneRef,
    to: ToStage,
    share: Annotated[
        float | None,
        typer.Option(
            "--share",
            metavar="PERCENT",
            help="How much of the traffic it gets; 0 ends a canary.",
            show_default=False,
        ),
    ] = None,
    strategy: Annotated[
        Literal["canary", "ab", "shadow", "blue-green"] | None,
        typer.Option(
            "--strategy",
            help="How; as before, or canary, if left out.",
            show_default=False,
        ),
    ] = None,
    header: Annotated[
        str | None,
        typer.Option(
            "--header",
            metavar="NAME",
            help="What ab is sticky by, such as X-User-Id.",
            show_default=False,
        ),
    ] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="End it: no share any more.")
    ] = False,
    message: Message = "",
    force: Annotated[
        bool, typer.Option("--force", help="Even if a gate is shut; this is recorded.")
    ] = False,
    offline: Offline = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Give a version a share of a stage's traffic, and record it.

    The stage stays with its holder. A share above 0 asks the stage's gates as a promotion does, but
    for `verdict`; exit 1 when one is shut. `mlver promote` of the version and `mlver rollback` end
    the rollout.
    """
    request = RolloutRequest(
        stage=to,
        message=message,
        share=share,
        strategy=strategy,
        header=header,
        withdraw=withdraw,
        force=force,
        dry_run=dry_run,
    )
    project = find_session(ctx).initialised_project
    result = roll_out(project, ref, request)
    is_moved = result.sequence is not None
    followers = list_followers(project, result.model, to) if is_moved else []
    text = partial(draw_rollout, followers=followers)
    emit_result(result, text, json=json, code=result.exit_code)
