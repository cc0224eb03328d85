"""Command line of scoring."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.errors import UsageError
from mlver.features.scoring.replay import ReplayRequest, replay_log
from mlver.features.scoring.request import ANSWER_KINDS, HINT, ScoreRequest
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


Command = Annotated[
    list[str] | None,
    typer.Argument(metavar="-- COMMAND...", help="What answers again.", show_default=False),
]
Predictions = Annotated[
    list[str] | None,
    typer.Option(
        "--predictions",
        metavar="FILE",
        help="The log of what was answered: files, folders or patterns; it may be repeated.",
        show_default=False,
    ),
]
On = Annotated[
    str,
    typer.Option(
        "--on",
        metavar="COLUMN",
        help="The column of the ids of requests; in the log, a label of that name or the id.",
    ),
]
Truth = Annotated[
    list[str] | None,
    typer.Option(
        "--truth",
        metavar="FILE",
        help="What came to be true: CSV or JSON Lines; it may be repeated.",
        show_default=False,
    ),
]
Feedback = Annotated[
    list[str] | None,
    typer.Option(
        "--feedback",
        metavar="FILE",
        help="What users said, in its place: accepted, rejected, or a rating.",
        show_default=False,
    ),
]
Column = Annotated[
    str | None,
    typer.Option(
        "--column",
        metavar="COLUMN",
        help="The column of what is known; one called truth or label, or the only one left.",
        show_default=False,
    ),
]
Kind = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="KIND",
        help=f"What answers are: {' or '.join(ANSWER_KINDS)}; guessed, if left out.",
        show_default=False,
        autocompletion=lambda: list(ANSWER_KINDS),
    ),
]
Positive = Annotated[
    str | None,
    typer.Option(
        "--positive",
        metavar="CLASS",
        help="The class whose precision, recall and F1 are meant; 1 or true, else the mean.",
        show_default=False,
    ),
]
Coverage = Annotated[
    float | None,
    typer.Option(
        "--coverage",
        metavar="SHARE",
        help="Of how many of its answers something has to be known: 0.8 for a truth.",
        show_default=False,
    ),
]
OnlyStage = Annotated[
    str | None,
    typer.Option(
        "--stage",
        metavar="STAGE",
        help="Only what was answered in this stage.",
        show_default=False,
        autocompletion=complete_stage,
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        help="Only what was answered from then on.",
        show_default=False,
    ),
]
Late = Annotated[
    str, typer.Option("--late", metavar="TIME", help="How long after it a label is late.")
]
Replay = Annotated[
    list[str] | None,
    typer.Option(
        "--replay",
        metavar="LOG",
        help="Have COMMAND answer the requests of this log again, features and all.",
        show_default=False,
    ),
]
Against = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="REF",
        help="The version that answers them.",
        show_default=False,
        autocompletion=complete_ref,
    ),
]
Timeout = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="How long COMMAND may take: 90s, 30m, 2h.", show_default=False
    ),
]
Record = Annotated[
    bool, typer.Option("--record", help="Keep the agreement of a replay as an evaluation.")
]


def score_command(
    ctx: typer.Context,
    model: OneModel = None,
    command: Command = None,
    predictions: Predictions = None,
    on: On = "request_id",
    truth: Truth = None,
    feedback: Feedback = None,
    column: Column = None,
    kind: Kind = None,
    positive: Positive = None,
    coverage: Coverage = None,
    stage: OnlyStage = None,
    since: Since = None,
    late: Late = "7d",
    replay: Replay = None,
    against: Against = None,
    timeout: Timeout = None,
    record: Record = False,
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
        _refuse_options("--replay reads its own log", predictions, feedback)
        replaying = ReplayRequest(
            logs=tuple(replay),
            against=against,
            command=tuple(command or ()),
            truth=tuple(truth or ()),
            on=on,
            column=column,
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
    _refuse_options("there is nothing to ask again without --replay", command, against, record)
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


def _refuse_options(reason: str, *given: object) -> None:
    """Raise UsageError where anything was given that would say nothing."""
    if any(given):
        raise UsageError(f"{reason}: an option, or the command, contradicts that", hint=HINT)
