from __future__ import annotations

from typing import Annotated

import typer

from mlver.cli.options import DryRun, Json
from mlver.cli.session import emit_result, find_session
from mlver.commands.doctor import doctor
from mlver.render.doctor import draw_doctor

DOCTOR_EXAMPLES = (
    "mlver doctor",
    "mlver doctor --fix",
    "mlver doctor --fix --dry-run",
)


def doctor_command(
    ctx: typer.Context,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended without losing anything.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Inspect repository, store and git; say what to type."""
    result = doctor(find_session(ctx).uninitialised_project, fix=fix, dry_run=dry_run)
    emit_result(result, draw_doctor, json=json, code=result.exit_code)
