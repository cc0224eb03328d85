"""The command line of monitoring."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.features.monitoring.screen import draw_judge, draw_plan
from mlver.project.judging.arms import ArmChoice
from mlver.project.judging.judge import JudgeRequest, judge_stage
from mlver.project.judging.plan import plan_verdict
from mlver.terminal.options import DryRun, Json, Message, OneModel, Stage, complete_ref
from mlver.terminal.session import emit_result, find_session

JUDGE_EXAMPLES = (
    "mlver judge digits --stage production --predictions log.jsonl",
    "mlver judge digits --stage production --predictions log.jsonl --share 10 --dry-run",
    "mlver judge digits --stage production --plan",
)


def judge_command(
    ctx: typer.Context,
    stage: Stage,
    model: OneModel = None,
    predictions: Annotated[
        str | None,
        typer.Option(
            "--predictions",
            metavar="FILE",
            help="Count the events of this log: JSON Lines with the fields of CloudEvents.",
            show_default=False,
        ),
    ] = None,
    prometheus: Annotated[
        str | None,
        typer.Option(
            "--prometheus",
            metavar="URL",
            help="Count what this server scraped, in place of a log.",
            show_default=False,
        ),
    ] = None,
    candidate: Annotated[
        str | None,
        typer.Option(
            "--candidate",
            metavar="REF",
            help="The version that is judged; the stage's holder, if left out.",
            show_default=False,
            autocompletion=complete_ref,
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            metavar="REF",
            help="The version to compare with; the holder before, if left out.",
            show_default=False,
            autocompletion=complete_ref,
        ),
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(
            "--share",
            metavar="PERCENT",
            help="The candidate's planned share of the traffic, which is checked.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="TIME",
            help="Count from then on; since the candidate holds the stage, if left out.",
            show_default=False,
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say how many events a verdict needs; decide nothing.")
    ] = False,
    message: Message = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Say whether a version in use is good, or whether that is open.

    Its share of bad events, as the settings have them under `verdict`, is compared with that of the
    version before. Asking often makes no answer likelier. Pass and fail are recorded, and that the
    time to decide is over. The exit code is 1 for fail, 4 where nobody can tell.
    """
    choice = ArmChoice(stage=stage, candidate=candidate, baseline=baseline, since=since)
    request = JudgeRequest(
        arms=choice,
        predictions=predictions,
        prometheus=prometheus,
        share=share,
        message=message,
        dry_run=dry_run,
        is_plan=plan,
    )
    project = find_session(ctx).initialised_project
    if plan:
        emit_result(plan_verdict(project, model, request), draw_plan, json=json)
        return
    result = judge_stage(project, model, request)
    emit_result(result, draw_judge, json=json, code=result.exit_code)
