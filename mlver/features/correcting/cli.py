"""Command line of note and retire."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.errors import UsageError
from mlver.features.correcting.screen import draw_empty, draw_note, draw_retire
from mlver.project.corrections.note import note_version
from mlver.project.corrections.retire import restore_version, retire_version
from mlver.project.stages.empty import empty_stage
from mlver.terminal.options import REF_HELP, DryRun, Json, Message, complete_ref, complete_stage
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
    """Add a remark that stays to a version: a known defect, a debt.

    `show` and `log` show it. No note is ever changed or removed; a later one can correct it.
    """
    project = find_session(ctx).initialised_project
    emit_result(note_version(project, ref, message=message, dry_run=dry_run), draw_note, json=json)


RETIRE_EXAMPLES = (
    'mlver retire digits@1.0.0 -m "trained on data that was withdrawn" --in-favour-of digits@1.1.0',
    'mlver retire digits --stage production -m "the service is gone"',
    'mlver retire digits@1.0.0 --restore -m "the data may be used after all"',
)


RETIRED_HELP = "MODEL@SELECTOR; with --stage MODEL, or nothing if there is only one."


_RetiredRef = Annotated[
    str | None,
    typer.Argument(
        metavar="[REF]", help=RETIRED_HELP, show_default=False, autocompletion=complete_ref
    ),
]
_InFavourOf = Annotated[
    str | None,
    typer.Option(
        "--in-favour-of",
        metavar="REF",
        help="The version to use instead.",
        show_default=False,
        autocompletion=complete_ref,
    ),
]
_Restore = Annotated[bool, typer.Option("--restore", help="Take a retirement back.")]
_EmptiedStage = Annotated[
    str | None,
    typer.Option(
        metavar="STAGE",
        help="Empty this stage of the model instead.",
        show_default=False,
        autocompletion=complete_stage,
    ),
]


def retire_command(
    ctx: typer.Context,
    ref: _RetiredRef = None,
    message: Message = "",
    in_favour_of: _InFavourOf = None,
    restore: _Restore = False,
    stage: _EmptiedStage = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Say that nobody should use a version, or empty a stage.

    Nothing is erased: it can still be checked out, and mlver says then that it is retired. No stage
    is given to it any more.
    """
    if restore and in_favour_of is not None:
        raise UsageError("--in-favour-of is for a retirement, and --restore takes one back")
    project = find_session(ctx).initialised_project
    if stage is not None:
        if restore or in_favour_of is not None:
            raise UsageError("--stage empties a stage, and goes with neither of the others")
        emptied = empty_stage(project, ref, stage=stage, message=message, dry_run=dry_run)
        emit_result(emptied, draw_empty, json=json)
        return
    if restore:
        result = restore_version(project, ref, message=message, dry_run=dry_run)
    else:
        result = retire_version(
            project, ref, message=message, in_favour_of=in_favour_of, dry_run=dry_run
        )
    emit_result(result, draw_retire, json=json)
