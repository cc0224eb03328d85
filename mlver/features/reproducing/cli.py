"""Command line of reproduce."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mlver.features.reproducing.screen import draw_reproduce, show_survey
from mlver.project.reproducing.reproduce import reproduce_version
from mlver.project.reproducing.request import ReproductionRequest
from mlver.project.reproducing.survey import Survey
from mlver.records.reproduction import DEFAULT_TOLERANCE
from mlver.terminal.durations import parse_duration
from mlver.terminal.options import DryRun, Json, Message, Offline, Ref
from mlver.terminal.screen import TextScreen
from mlver.terminal.session import emit_result, find_session

REPRODUCE_EXAMPLES = (
    "mlver reproduce digits@1.0.0 --dry-run",
    "mlver reproduce digits --yes --timeout 2h",
)

_Yes = Annotated[
    bool, typer.Option("--yes", help="Run the recorded command without asking; it runs as you.")
]
_Within = Annotated[
    float,
    typer.Option(
        "--within", metavar="NUMBER", help="How far numbers may be apart and count as equal."
    ),
]
_Timeout = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="How long the command may take: 90s, 30m, 2h.", show_default=False
    ),
]
_Environment = Annotated[
    str | None,
    typer.Option(
        metavar="DIR", help="Use this Python environment instead of making one.", show_default=False
    ),
]


def reproduce_command(
    ctx: typer.Context,
    ref: Ref = None,
    yes: _Yes = False,
    within: _Within = DEFAULT_TOLERANCE,
    timeout: _Timeout = None,
    environment: _Environment = None,
    message: Message = "",
    offline: Offline = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Train a version again, and record what came of it.

    Says first what is there and what is missing, shows the recorded command, and asks. Then: the
    version's commit in a folder of its own, its data with every byte checked, and an environment
    made from a lock file, from requirements with hashes, or else from the recorded packages.

    The answer is identical, equal within a tolerance, or different, with what went in otherwise.
    Exit code 1 where it is different, or where something is missing.
    """
    request = ReproductionRequest(
        message=message,
        tolerance=within,
        timeout=None if timeout is None else parse_duration(timeout, "--timeout"),
        environment=environment,
        dry_run=dry_run,
    )
    session = find_session(ctx)

    def confirm(survey: Survey) -> bool:
        show_survey(survey, TextScreen(sys.stderr))
        return yes or session.reporter.ask_person("Run this command? It runs with your rights.")

    result = reproduce_version(session.initialised_project, ref, request, confirm)
    emit_result(result, draw_reproduce, json=json, code=result.exit_code)
