"""The command line of drift."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.features.drifting.drift import DriftRequest, find_drift
from mlver.features.drifting.screen import draw_drift
from mlver.terminal.options import REF_HELP, Json, Message, Offline, complete_ref
from mlver.terminal.session import emit_result, find_session

DRIFT_EXAMPLES = (
    "mlver drift digits@1.3.0 --live today.csv",
    "mlver drift digits@1.2.0 @1.3.0 --data train",
    "mlver drift digits@1.3.0 --live today.csv --record",
)


def drift_command(
    ctx: typer.Context,
    ref: Annotated[str, typer.Argument(metavar="REF", help=REF_HELP, autocompletion=complete_ref)],
    other: Annotated[
        str | None,
        typer.Argument(
            metavar="[REF]",
            help="A later version, whose data set of the same name is compared.",
            show_default=False,
            autocompletion=complete_ref,
        ),
    ] = None,
    live: Annotated[
        str | None,
        typer.Option(
            "--live",
            metavar="FILE",
            help="A table of what is served: CSV, Parquet or JSON Lines, or a folder of these.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="NAME",
            help="The data set; the only one, if left out.",
            show_default=False,
        ),
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Keep it as an evaluation of the version.")
    ] = False,
    message: Message = "",
    offline: Offline = False,
    json: Json = False,
) -> None:
    """Say whether data moved, column by column.

    With --live, what a version was trained on against what it is served (skew); with a second REF,
    the data of then against that of now (drift). A column counts as moved by how far it did, and
    not by chance. The exit code is 1 where one moved or is gone, 4 where nobody can tell of one.
    """
    request = DriftRequest(other=other, live=live, data=data, record=record, message=message)
    result = find_drift(find_session(ctx).initialised_project, ref, request)
    emit_result(result, draw_drift, json=json, code=result.exit_code, paged=True)
