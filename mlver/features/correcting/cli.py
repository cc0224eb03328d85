"""Command line of note."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.features.correcting.screen import draw_note
from mlver.project.corrections.note import note_version
from mlver.terminal.options import REF_HELP, DryRun, Json, complete_ref
from mlver.terminal.session import emit_result, find_session

NOTE_EXAMPLES = (
    'mlver note digits@1.0.0 -m "confuses 4 and 9 on photographs"',
    'mlver note digits@production -m "retrain before March" --dry-run',
)


def note_command(
    ctx: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="REF", help=REF_HELP, autocompletion=complete_ref)],
    message: Annotated[
        str, typer.Option("-m", "--message", metavar="TEXT", help="The remark: it is recorded.")
    ] = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Add a remark to a version that stays: a known defect, a debt.

    `show` and `log` show it. No note is ever changed or removed; a later one can correct it.
    """
    project = find_session(ctx).initialised_project
    emit_result(note_version(project, ref, message=message, dry_run=dry_run), draw_note, json=json)
