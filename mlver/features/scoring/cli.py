"""Command line of scoring."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.features.scoring.replay import ReplayRequest, replay_log
from mlver.features.scoring.request import ANSWER_KINDS, ScoreRequest
from mlver.features.scoring.score import score_model
from mlver.features.scoring.screen import draw_replay, draw_score
from mlver.terminal.durations import parse_duration
from mlver.terminal.options import (
    DryRun,
    Json,
    Message,
    OneModel,
    complete_ref,
    complete_stage,
)
from mlver.terminal.session import emit_result, find_session

SCORE_EXAMPLES = (
    "mlver score digits --predictions log --truth labels.csv --on request_id",
    "mlver score digits --predictions log --truth labels.csv --on request_id --coverage 0.5",
    "mlver score digits --replay log --against @1.1.0 -- python answer.py",
)


def score_command(
    ctx: typer.Context,
    model: OneModel = None,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- COMMAND...", help="What answers again.", show_default=False),
    ] = None,
    predictions: Annotated[
        list[str] | None,
        typer.Option(
            "--predictions",
            metavar="FILE",
            help="The log of what was answered: files, folders or patterns; it may be repeated.",
            show_default=False,
        ),
    ] = None,
    on: Annotated[
        str,
        typer.Option(
            "--on",
            metavar="COLUMN",
            help="The column of the ids of requests; in the log, a label of that name or the id.",
        ),
    ] = "request_id",
    truth: Annotated[
        list[str] | None,
        typer.Option(
            "--truth",
            metavar="FILE",
            help="What came to be true: CSV or JSON Lines; it may be repeated.",
            show_default=False,
        ),
    ] = None,
    feedback: Annotated[
        list[str] | None,
        typer.Option(
            "--feedback",
            metavar="FILE",
            help="What users said, in its place: accepted, rejected, or a rating.",
            show_default=False,
        ),
    ] = None,
    column: Annotated[
        str | None,
        typer.Option(
            "--column",
            metavar="COLUMN",
            help="The column of what is known; one called truth or label, or the only one left.",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="KIND",
            help=f"What answers are: {' or '.join(ANSWER_KINDS)}; guessed, if left out.",
            show_default=False,
            autocompletion=lambda: list(ANSWER_KINDS),
        ),
    ] = None,
    positive: Annotated[
        str | None,
        typer.Option(
            "--positive",
            metavar="CLASS",
            help="The class whose precision, recall and F1 are meant; 1 or true, else the mean.",
            show_default=False,
        ),
    ] = None,
    coverage: Annotated[
        float | None,
        typer.Option(
            "--coverage",
            metavar="SHARE",
            help="Of how many of its answers something has to be known: 0.8 for a truth.",
            show_default=False,
        ),
    ] = None,
    stage: Annotated[
        str | None,
        typer.Option(
            "--stage",
            metavar="STAGE",
            help="Only what was answered in this stage.",
            show_default=False,
            autocompletion=complete_stage,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="TIME",
            help="Only what was answered from then on.",
            show_default=False,
        ),
    ] = None,
    late: Annotated[
        str, typer.Option("--late", metavar="TIME", help="How long after it a label is late.")
    ] = "7d",
    replay: Annotated[
        list[str] | None,
        typer.Option(
            "--replay",
            metavar="LOG",
            help="Have COMMAND answer the requests of this log again, features and all.",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="REF",
            help="The version that answers them.",
            show_default=False,
            autocompletion=complete_ref,
        ),
    ] = None,
    timeout: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="How long COMMAND may take: 90s, 30m, 2h.", show_default=False
        ),
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Keep the agreement of a replay as an evaluation.")
    ] = False,
    message: Message = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Say how good answers were, once the truth is known.

    Answers in a log of predictions are joined with their truth by the ids of requests. Accuracy,
    precision, recall and F1, or the errors of numbers, are recorded as an evaluation of each
    version. The exit code is 4 where too little is known of a version; nothing of it is recorded.
    With --replay, another version answers logged requests, and both are compared.
    """
    project = find_session(ctx).initialised_project
    if replay:
        replaying = ReplayRequest(
            logs=tuple(replay),
            against=against,
            command=tuple(command or ()),
            stage=stage,
            kind=kind,
            timeout=None if timeout is None else parse_duration(timeout, "--timeout"),
            record=record,
            message=message,
            dry_run=dry_run,
        )
        replayed = replay_log(project, model, replaying)
        emit_result(replayed, draw_replay, json=json, code=replayed.exit_code)
        return
    request = ScoreRequest(
        predictions=tuple(predictions or ()),
        on=on,
        truth=tuple(truth or ()),
        feedback=tuple(feedback or ()),
        column=column,
        stage=stage,
        since=since,
        kind=kind,
        positive=positive,
        coverage=coverage,
        late=parse_duration(late, "--late"),
        message=message,
        dry_run=dry_run,
    )
    result = score_model(project, model, request)
    emit_result(result, draw_score, json=json, code=result.exit_code)
