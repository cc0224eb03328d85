"""Command line of lineage."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.errors import UsageError
from mlver.features.lineage.described import describe_version
from mlver.features.lineage.formats import DOCUMENTS, LineageFormat
from mlver.features.lineage.lineage import trace_data, trace_version
from mlver.features.lineage.screen import choose_drawing, choose_writing
from mlver.terminal.options import Json, Ref
from mlver.terminal.session import emit_result, find_session

LINEAGE_EXAMPLES = (
    "mlver lineage digits@production",
    "mlver lineage digits@1.1.0 --up --format mermaid",
    "mlver lineage --data data/train.csv",
)

_Up = Annotated[bool, typer.Option("--up", help="Only what it was made from, all the way.")]
_Down = Annotated[bool, typer.Option("--down", help="Only what was made from it, all the way.")]
_Depth = Annotated[
    int | None, typer.Option("--depth", metavar="N", min=1, help="How many versions far to go.")
]
_Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DATA",
        help="Instead: what came of this data (sha256:…, a path, or REF:NAME).",
    ),
]
_Format = Annotated[
    LineageFormat,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="One of tree, dot, mermaid, json, openlineage, cyclonedx.",
    ),
]


def lineage_command(
    ctx: typer.Context,
    ref: Ref = None,
    up: _Up = False,
    down: _Down = False,
    depth: _Depth = None,
    data: _Data = None,
    chosen: _Format = LineageFormat.TREE,
    json: Json = False,
) -> None:
    """Show what a version was made from, and what was made from it.

    Parents, data sets, code and the versions of other models that it uses; and its children, its
    evaluations, its promotions and who else was trained on its data. Without --up or --down,
    ancestors are shown five versions far, and children one.

    With --data, everything that came of a data set, or of one file in it: the versions that were
    trained on it, those that were trained from these, and the stages that they hold.
    """
    if chosen is not LineageFormat.TREE and json:
        raise UsageError("--json is --format json: give one of them")
    project = find_session(ctx).shown_project
    if chosen in DOCUMENTS:
        if data is not None or down:
            raise UsageError(f"{chosen.value} describes a version and what it was made from")
        described = describe_version(project, ref, depth=depth)
        emit_result(described, choose_writing(chosen), json=False)
        return
    if data is None:
        result = trace_version(project, ref, up=up, down=down, depth=depth)
    elif ref is not None or up or down:
        raise UsageError("--data takes the place of REF, and of --up and --down: leave these out")
    else:
        result = trace_data(project, data, depth=depth)
    as_json = json or chosen is LineageFormat.JSON
    draw = choose_drawing(chosen)
    emit_result(result, draw, json=as_json, paged=chosen is LineageFormat.TREE)
