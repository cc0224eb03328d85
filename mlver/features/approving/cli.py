"""Command line of approve and revoke."""

from __future__ import annotations

import typer

from mlver.features.approving.screen import draw_approval
from mlver.project.approvals.approve import approve_version, revoke_version
from mlver.terminal.options import DryRun, Json, Message, OneRef, ToStage
from mlver.terminal.session import emit_result, find_session

APPROVE_EXAMPLES = (
    'mlver approve digits@1.1.0 --to production -m "checked on the photographs of the clinic"',
    'mlver approve digits@1.1.0 --to production -m "looks right" --dry-run',
)


def approve_command(
    ctx: typer.Context,
    ref: OneRef,
    to: ToStage,
    message: Message = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Say yes to a version for a stage, as yourself.

    It counts for one promotion, of this very record, under the rule that the stage has now, and in
    place of the version that holds it now. It is signed where git has a key of yours: an unsigned
    name proves nothing.
    """
    project = find_session(ctx).initialised_project
    result = approve_version(project, ref, to=to, message=message, dry_run=dry_run)
    emit_result(result, draw_approval, json=json)


REVOKE_EXAMPLES = (
    'mlver revoke digits@1.1.0 --to production -m "the photographs were of the training set"',
)


def revoke_command(
    ctx: typer.Context,
    ref: OneRef,
    to: ToStage,
    message: Message = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Take approvals of a version back: yours, or else all of them.

    All of them go where you gave none and may approve. No promotion is undone: see `mlver rollback`
    for that.
    """
    project = find_session(ctx).initialised_project
    result = revoke_version(project, ref, to=to, message=message, dry_run=dry_run)
    emit_result(result, draw_approval, json=json)
