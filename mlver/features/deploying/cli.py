"""Command line of deploy."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.errors import UsageError
from mlver.features.deploying.screen import draw_deploy, draw_served
from mlver.features.deploying.served import find_served
from mlver.features.deploying.watching import heeding_signals, watch_target
from mlver.project.serving.deploying import DeployOptions, deploy
from mlver.terminal.options import DryRun, Json, Message, Offline, list_completions
from mlver.terminal.session import CommandSession, emit_result, find_session

DEPLOY_EXAMPLES = (
    "mlver deploy production-host",
    "mlver deploy production-host --check",
    "mlver deploy production-host --reload 'nginx -s reload'",
    "mlver deploy production-host --at 2026-03-03",
)
_EVERY_S = 30.0
_LONGEST_S = 86_400


def complete_target(ctx: typer.Context, incomplete: str) -> list[str]:
    """The targets, by the settings."""
    return list_completions(
        ctx, lambda project: iter(project.registry.read_shown_config().deploy), incomplete
    )


_Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A target: its name under `deploy:` in the settings.",
        autocompletion=complete_target,
    ),
]
_Check = Annotated[
    bool, typer.Option("--check", help="Only say what differs; exit code 1 where something does.")
]
_Watch = Annotated[
    bool, typer.Option("--watch", help="Do it again and again, until Ctrl-C or SIGTERM.")
]
_Every = Annotated[
    float,
    typer.Option("--every", metavar="SECONDS", help="--watch: how long to wait in between."),
]
_Reload = Annotated[
    str | None,
    typer.Option(
        "--reload",
        metavar="COMMAND",
        help="Run this once what is served has changed; no shell reads it.",
        show_default=False,
    ),
]
_Wait = Annotated[
    str | None,
    typer.Option(
        "--wait",
        metavar="URL",
        help="Where the server answers that has to load versions before labels move.",
        show_default=False,
    ),
]
_Yes = Annotated[
    bool, typer.Option("--yes", help="Write to a folder outside of the repository; asked once.")
]
_At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        help="Only say what it served then, by the records; a date is the whole UTC day.",
        show_default=False,
    ),
]


def deploy_command(
    ctx: typer.Context,
    name: _Name,
    check: _Check = False,
    watch: _Watch = False,
    every: _Every = _EVERY_S,
    reload: _Reload = None,
    wait: _Wait = None,
    yes: _Yes = False,
    at: _At = None,
    message: Message = "",
    offline: Offline = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make a serving target equal to what the stages say.

    Every byte is proven before anything leads to it, and what is served switches by a rename.
    Running it again changes nothing, and a command that was killed is finished by the next one.
    Each deployment that changed what is served is recorded.
    """
    session = find_session(ctx)
    options = DeployOptions(
        message=message, check=check, dry_run=dry_run, agreed=yes, reload=reload, wait=wait
    )
    if at is not None:
        if watch or check or dry_run or yes or reload is not None or wait is not None:
            raise UsageError("--at only reads the records, and takes no other option than --json")
        served = find_served(session.shown_project, name, at)
        emit_result(served, draw_served, json=json)
        return
    if watch:
        _watch(session, name, options, every, json=json)
        return
    result = deploy(session.initialised_project, name, options)
    emit_result(result, draw_deploy, json=json, code=result.exit_code)


def _watch(
    session: CommandSession, name: str, options: DeployOptions, every: float, *, json: bool
) -> None:
    if options.only_looks:
        raise UsageError("--watch deploys, so neither --check nor --dry-run goes with it")
    if not 0 < every <= _LONGEST_S:
        raise UsageError(f"--every takes a number of seconds, more than 0 and at most {_LONGEST_S}")
    with heeding_signals() as pause:
        for result in watch_target(
            lambda: session.initialised_project, name, options, every=every, pause=pause
        ):
            emit_result(result, draw_deploy, json=json)
