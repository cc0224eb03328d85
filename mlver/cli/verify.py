from __future__ import annotations

from typing import Annotated

import typer

from mlver.cli.options import Json, complete_ref
from mlver.cli.session import emit, session
from mlver.commands.verify import verify
from mlver.render.verify import text

EXAMPLES = (
    "mlver verify",
    "mlver verify digits@production",
    "mlver verify --all",
)


def command(
    ctx: typer.Context,
    refs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[REF]...", help="What each stage and `latest` name, if left out.", autocompletion=complete_ref
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every version, all history, all objects.")] = False,
    json: Json = False,
) -> None:
    """Check the whole chain, and name each broken link.

    Tag, record, manifest, object, working file; every byte is read. Exit 1 when a link is broken.
    """
    result = verify(session(ctx).project, refs or (), everything=everything)
    emit(result, text, json=json, code=result.exit_code)
