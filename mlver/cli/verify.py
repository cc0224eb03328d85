from __future__ import annotations

from typing import Annotated

import typer

from mlver.cli.options import Json, complete_ref
from mlver.cli.session import emit_result, find_session
from mlver.commands.verify import verify
from mlver.render.verify import draw_verify

VERIFY_EXAMPLES = (
    "mlver verify",
    "mlver verify digits@production",
    "mlver verify --all",
)


def verify_command(
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
    result = verify(find_session(ctx).initialised_project, refs or (), everything=everything)
    emit_result(result, draw_verify, json=json, code=result.exit_code)
