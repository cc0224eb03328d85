from __future__ import annotations

from typing import Annotated

import typer

from mlver.cli.options import Json, Ref, complete_ref
from mlver.cli.session import emit, session
from mlver.commands.diff import diff
from mlver.render.diff import text

EXAMPLES = (
    "mlver diff digits@1.0.0",
    "mlver diff digits@1.0.0 @1.1.0",
    "mlver diff digits@production @latest --exit-code",
)


def command(
    ctx: typer.Context,
    a: Ref = None,
    b: Annotated[
        str | None,
        typer.Argument(metavar="[REF]", help="Against this; the work tree if left out.", autocompletion=complete_ref),
    ] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 1 when something differs.")] = False,
    json: Json = False,
) -> None:
    """Compare two versions, or a version with the work tree.

    Params, metrics (which way is better stands in model.yaml), files, environment and code.
    """
    result = diff(session(ctx).project, a, b)
    emit(result, text, json=json, code=int(exit_code and result.differs))
