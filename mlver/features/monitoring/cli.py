"""The command line of monitoring."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.features.monitoring.monitor import MonitorRequest, write_monitoring
from mlver.features.monitoring.monitor_screen import draw_monitor
from mlver.features.monitoring.screen import draw_judge, draw_plan
from mlver.policy.monitoring.documents import MonitoringPlaces
from mlver.project.judging.arms import ArmChoice
from mlver.project.judging.judge import JudgeRequest, judge_stage
from mlver.project.judging.plan import plan_verdict
from mlver.project.judging.sources import EventSource
from mlver.terminal.options import (
    DryRun,
    Json,
    Message,
    OneModel,
    Stage,
    complete_ref,
    complete_stage,
)
from mlver.terminal.session import emit_result, find_session

JUDGE_EXAMPLES = (
    "mlver judge digits --stage production --predictions log.jsonl",
    "mlver judge digits --stage production --predictions 'log*.jsonl' --share 10 --dry-run",
    "mlver judge digits --stage production --plan",
)
MONITOR_EXAMPLES = (
    "mlver monitor digits --write monitoring",
    "mlver monitor digits --write monitoring --stage production --dry-run",
    "mlver monitor digits --write monitoring --webhook https://watch.example/alerts",
)
_PLACES = MonitoringPlaces()

Predictions = Annotated[
    list[str] | None,
    typer.Option(
        "--predictions",
        metavar="FILE",
        help="Count the events of this log, folder or pattern of logs; may be repeated.",
        show_default=False,
    ),
]
Prometheus = Annotated[
    str | None,
    typer.Option(
        "--prometheus",
        metavar="URL",
        help="Count what this server scraped, in place of a log.",
        show_default=False,
    ),
]
PrometheusToken = Annotated[
    str | None,
    typer.Option(
        "--prometheus-token",
        metavar="FILE",
        help="The file with the bearer token that the server asks for.",
        show_default=False,
    ),
]
Paired = Annotated[
    bool,
    typer.Option("--paired", help="Count the requests that both versions answered, as a shadow."),
]
Candidate = Annotated[
    str | None,
    typer.Option(
        "--candidate",
        metavar="REF",
        help="The version that is judged; the stage's holder, if left out.",
        show_default=False,
        autocompletion=complete_ref,
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        "--baseline",
        metavar="REF",
        help="The version to compare with; the holder before, if left out.",
        show_default=False,
        autocompletion=complete_ref,
    ),
]
Share = Annotated[
    float | None,
    typer.Option(
        "--share",
        metavar="PERCENT",
        help="The candidate's planned share of the traffic, which is checked.",
        show_default=False,
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        help="Count from then on; since the candidate holds the stage, if left out.",
        show_default=False,
    ),
]
Plan = Annotated[
    bool, typer.Option("--plan", help="Say how many events a verdict needs; decide nothing.")
]
Folder = Annotated[
    str,
    typer.Option("--write", metavar="DIR", help="The folder of the files.", show_default=False),
]
Stages = Annotated[
    list[str] | None,
    typer.Option(
        "--stage",
        metavar="STAGE",
        help="This stage, and may be repeated; those that hold a version, if left out.",
        show_default=False,
        autocompletion=complete_stage,
    ),
]
Check = Annotated[
    bool, typer.Option("--check", help="Write nothing; the exit code is 1 if files differ.")
]
ServerAddress = Annotated[
    str,
    typer.Option("--prometheus", metavar="URL", help="Where Argo finds Prometheus."),
]
Webhook = Annotated[
    str, typer.Option("--webhook", metavar="URL", help="Where Alertmanager finds mlver watch.")
]
TokenFile = Annotated[
    str,
    typer.Option("--token-file", metavar="PATH", help="Where Alertmanager finds its bearer token."),
]
Image = Annotated[
    str,
    typer.Option("--image", metavar="NAME", help="A container image with mlver, git and a shell."),
]


def judge_command(
    ctx: typer.Context,
    stage: Stage,
    model: OneModel = None,
    predictions: Predictions = None,
    prometheus: Prometheus = None,
    prometheus_token: PrometheusToken = None,
    candidate: Candidate = None,
    baseline: Baseline = None,
    share: Share = None,
    paired: Paired = False,
    since: Since = None,
    plan: Plan = False,
    message: Message = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Say whether a version in use is good, or whether that is open.

    Its share of bad events, as the settings have them under `verdict`, is compared with that of the
    version before. Asking often makes no answer likelier. Pass and fail are recorded, and that the
    time to decide is over. The exit code is 1 for fail, 4 where nobody can tell.
    """
    choice = ArmChoice(
        stage=stage,
        candidate=candidate,
        baseline=baseline,
        since=since,
        is_compared=paired or share is not None,
    )
    source = EventSource(
        predictions=tuple(predictions or ()), prometheus=prometheus, token_file=prometheus_token
    )
    request = JudgeRequest(
        arms=choice,
        source=source,
        share=share,
        paired=paired,
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


def monitor_command(
    ctx: typer.Context,
    folder: Folder,
    model: OneModel = None,
    stages: Stages = None,
    prometheus: ServerAddress = _PLACES.prometheus,
    webhook: Webhook = _PLACES.webhook,
    token_file: TokenFile = _PLACES.token_file,
    image: Image = _PLACES.image,
    check: Check = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Write rules, alerts and a dashboard that watch a model in use.

    Rules for Prometheus with their tests, a route of Alertmanager to mlver watch, a dashboard for
    Grafana, and for Argo an analysis and a workflow that rolls back, by what the settings say under
    `verdict`. Files that are right already stay as they are; --check only compares.
    """
    places = MonitoringPlaces(
        prometheus=prometheus, webhook=webhook, token_file=token_file, image=image
    )
    request = MonitorRequest(
        folder=folder, stages=tuple(stages or ()), places=places, check=check, dry_run=dry_run
    )
    result = write_monitoring(find_session(ctx).initialised_project, model, request)
    emit_result(result, draw_monitor, json=json, code=result.exit_code)
