"""The command line of watch."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mlver.errors import UsageError
from mlver.features.watching.receiver import ReceiverLimits, parse_listen
from mlver.features.watching.rules import WatchRequest
from mlver.features.watching.running import ReceiverOptions, WatchOptions, run_watch
from mlver.features.watching.screen import print_event
from mlver.terminal.options import DryRun, Json, complete_model, complete_stage
from mlver.terminal.session import find_session

WATCH_EXAMPLES = (
    "mlver watch digits --stage production --prometheus http://127.0.0.1:9090",
    "mlver watch digits --stage production --listen 9409 --token-file /etc/mlver/token",
    "mlver watch digits --stage production --predictions /var/log/digits.jsonl --once",
)
_LIMITS = ReceiverLimits()
_LONGEST_PAUSE_S = 86_400.0

_Models = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[MODEL]…",
        help="All that `auto_rollback` names, if left out.",
        show_default=False,
        autocompletion=complete_model,
    ),
]
_Stages = Annotated[
    list[str],
    typer.Option(
        "--stage",
        metavar="STAGE",
        help="What is rolled back; may be repeated.",
        autocompletion=complete_stage,
    ),
]
_Prometheus = Annotated[
    str | None,
    typer.Option("--prometheus", metavar="URL", help="Judge by what this server scraped."),
]
_Predictions = Annotated[
    str | None, typer.Option("--predictions", metavar="FILE", help="Judge by this log.")
]
_Listen = Annotated[
    str | None,
    typer.Option("--listen", metavar="[HOST:]PORT", help="Receive the alerts of a webhook here."),
]
_TokenFile = Annotated[
    str | None,
    typer.Option("--token-file", metavar="FILE", help="The token that the webhook has to show."),
]
_Public = Annotated[bool, typer.Option("--public", help="Listen also where others can reach it.")]
_Clone = Annotated[
    str | None,
    typer.Option(
        "--clone", metavar="DIR", help="Where it works. [default: a folder of the user's state]"
    ),
]
_Deploy = Annotated[
    list[str] | None,
    typer.Option("--deploy", metavar="TARGET", help="Deploy this target; may be repeated."),
]
_Reload = Annotated[
    str | None,
    typer.Option("--reload", metavar="COMMAND", help="Run this once what is served changed."),
]
_Yes = Annotated[
    bool, typer.Option("--yes", help="Deploy to a folder outside of the repository; asked once.")
]
_Every = Annotated[
    float, typer.Option("--every", metavar="SECONDS", min=0.1, help="How often it looks.")
]
_Once = Annotated[bool, typer.Option("--once", help="Look once, and end.")]


def watch_command(
    ctx: typer.Context,
    stages: _Stages,
    models: _Models = None,
    prometheus: _Prometheus = None,
    predictions: _Predictions = None,
    listen: _Listen = None,
    token_file: _TokenFile = None,
    public: _Public = False,
    deploy: _Deploy = None,
    reload: _Reload = None,
    yes: _Yes = False,
    clone: _Clone = None,
    every: _Every = 30.0,
    once: _Once = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Roll back a version in use that is bad, with nobody typing.

    Judges again and again, and receives alerts. A rollback is made once, on evidence, only of what
    `auto_rollback` names, and pushed; nothing goes forward by itself. It works in a clone of its
    own until it is stopped.
    """
    session = find_session(ctx)
    # Whoever compares with what is no number is told no.
    if not every <= _LONGEST_PAUSE_S:
        raise UsageError("--every takes so many seconds, a day at the most")
    if (listen is None) != (token_file is None):
        raise UsageError("--listen and --token-file go together: a stranger must not roll back")
    receiver = None
    if listen is not None and token_file is not None:
        address = parse_listen(listen, is_public=public)
        receiver = ReceiverOptions(address=address, token_file=token_file, limits=_LIMITS)
    log = None if predictions is None else str(session.start / predictions)
    request = WatchRequest(
        models=tuple(models or ()),
        stages=tuple(dict.fromkeys(stages)),
        prometheus=prometheus,
        predictions=log,
        targets=tuple(dict.fromkeys(deploy or ())),
        reload=reload,
        confirmed=yes,
        every=every,
        dry_run=dry_run,
    )
    options = WatchOptions(clone=clone, is_once=once, receiver=receiver)
    project = session.initialised_project
    run_watch(project, request, options, lambda event: print_event(event, sys.stdout, json=json))
