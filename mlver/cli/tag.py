from __future__ import annotations

from typing import Annotated

import typer

from mlver.cli.options import DryRun, Json
from mlver.cli.session import emit_result, find_session
from mlver.commands.tag import tag
from mlver.render.tag import draw_tag

TAG_EXAMPLES = (
    "mlver tag",
    "mlver tag --push",
)


def tag_command(
    ctx: typer.Context,
    push: Annotated[bool, typer.Option("--push", help="Push the tags the remote lacks.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Seal the records on HEAD that no version tag seals yet.

    Merged pull requests leave such records, and so does a crash. Exit code 1 when one is refused: edited since it
    landed, or sealed elsewhere.
    """
    result = tag(find_session(ctx).initialised_project, push=push, dry_run=dry_run)
    emit_result(result, draw_tag, json=json, code=result.exit_code)
