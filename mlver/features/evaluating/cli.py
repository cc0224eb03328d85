"""Command line of evaluate."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.features.evaluating.screen import draw_evaluate
from mlver.project.evaluating.evaluate import evaluate_versions
from mlver.project.evaluating.request import EvaluationRequest
from mlver.project.evaluating.versions import VersionChoice
from mlver.project.project import Project
from mlver.terminal.durations import parse_duration
from mlver.terminal.options import (
    DryRun,
    Json,
    Message,
    Offline,
    OneRef,
    list_completions,
)
from mlver.terminal.session import emit_result, find_session

EVALUATE_EXAMPLES = (
    "mlver evaluate digits@1.1.0 --on golden -- python evaluate.py",
    "mlver evaluate digits --on golden --missing --timeout 30m -- python evaluate.py",
    "mlver evaluate digits@production --on golden --samples scores.txt -- python evaluate.py",
)
_FAILED = 3


def _complete_dataset(ctx: typer.Context, incomplete: str) -> list[str]:
    def list_names(project: Project) -> list[str]:
        return list(project.registry.read_shown_config().datasets)

    return list_completions(ctx, lambda project: iter(list_names(project)), incomplete)


On = Annotated[
    str,
    typer.Option(
        "--on",
        metavar="NAME",
        help="The data set, as the settings pin it.",
        show_default=False,
        autocompletion=_complete_dataset,
    ),
]
Command = Annotated[
    list[str] | None,
    typer.Argument(metavar="-- COMMAND...", help="What measures it.", show_default=False),
]
Timeout = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="How long the command may take: 90s, 30m, 2h.", show_default=False
    ),
]
MetricsFile = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="The metrics file that the command writes, if not $MLVER_METRICS.",
        show_default=False,
    ),
]
SamplesFile = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="The file of samples that it writes, if not $MLVER_SAMPLES: a score a row.",
        show_default=False,
    ),
]
All = Annotated[bool, typer.Option("--all", help="Every version of the model that is not retired.")]
Last = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Of these, the highest N versions.", show_default=False),
]
Missing = Annotated[bool, typer.Option("--missing", help="Of these, those not measured on it yet.")]


def evaluate_command(
    ctx: typer.Context,
    ref: OneRef,
    on: On,
    command: Command = None,
    message: Message = "",
    timeout: Timeout = None,
    metrics: MetricsFile = None,
    samples: SamplesFile = None,
    all_versions: All = False,
    last: Last = None,
    missing: Missing = False,
    offline: Offline = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Measure versions on a pinned data set, and record it.

    COMMAND finds read-only copies of the weights and the data at $MLVER_WEIGHTS and
    $MLVER_DATA_NAME, and writes numbers as JSON to $MLVER_METRICS; {weights}, {data}, {metrics},
    {samples} and {output} in it stand for these paths. No shell reads it. A command that fails,
    takes too long or writes no metrics leaves no record.
    """
    request = EvaluationRequest(
        on=on,
        command=tuple(command or ()),
        message=message,
        timeout=None if timeout is None else parse_duration(timeout, "--timeout"),
        metrics=metrics,
        samples=samples,
        choice=VersionChoice(all=all_versions, last=last, missing=missing),
        dry_run=dry_run,
    )
    result = evaluate_versions(find_session(ctx).initialised_project, ref, request)
    emit_result(result, draw_evaluate, json=json, code=_FAILED if result.has_failures else 0)
