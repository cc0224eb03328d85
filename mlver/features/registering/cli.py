"""Command line of init and register."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from mlver.features.registering.screen import draw_init, draw_register
from mlver.project.registering.register import register_version
from mlver.project.registering.request import RegisterRequest
from mlver.project.setup import init_project
from mlver.terminal.options import DryRun, Json, complete_model
from mlver.terminal.pairs import check_number_pairs, parse_pairs
from mlver.terminal.session import emit_result, find_session
from mlver.version import Bump

_WHERE = "Where it is"
_WHAT = "What it says"
_NUMBER = "Its number"
_HOW = "How it lands"
Many = list[str] | None

REGISTER_EXAMPLES = (
    'mlver register digits --weights model --data train=data/train -m "first"',
    'mlver register digits --params params.yaml --metrics metrics.json --bump minor -m "wider layer"',
    'mlver register digits --bump patch --metric accuracy=0.94 -m "another seed"',
)


def register_command(
    ctx: typer.Context,
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="The model's name; the first time, a new one.",
            autocompletion=complete_model,
        ),
    ],
    message: Annotated[
        str,
        typer.Option(
            "-m",
            "--message",
            metavar="WHY",
            help="What changed: it is recorded.",
            show_default=False,
        ),
    ] = "",
    weights: Annotated[
        str | None, typer.Option(metavar="PATH", help="File or directory.", rich_help_panel=_WHERE)
    ] = None,
    data: Annotated[
        Many,
        typer.Option(metavar="NAME=PATH", help="A data set (repeatable).", rich_help_panel=_WHERE),
    ] = None,
    params: Annotated[
        Many,
        typer.Option(
            metavar="FILE", help="YAML, JSON or TOML (repeatable).", rich_help_panel=_WHERE
        ),
    ] = None,
    metrics: Annotated[
        Many,
        typer.Option(
            metavar="FILE", help="YAML, JSON or TOML (repeatable).", rich_help_panel=_WHERE
        ),
    ] = None,
    no_store: Annotated[
        Many,
        typer.Option(
            metavar="NAME",
            help="Pin this artifact, keep no copy (repeatable).",
            rich_help_panel=_WHERE,
        ),
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="The Python environment it was trained in.", rich_help_panel=_WHERE
        ),
    ] = None,
    param: Annotated[
        Many, typer.Option(metavar="K=V", help="One parameter (repeatable).", rich_help_panel=_WHAT)
    ] = None,
    metric: Annotated[
        Many, typer.Option(metavar="K=V", help="One metric (repeatable).", rich_help_panel=_WHAT)
    ] = None,
    label: Annotated[
        Many, typer.Option(metavar="K=V", help="One label (repeatable).", rich_help_panel=_WHAT)
    ] = None,
    command_line: Annotated[
        str | None,
        typer.Option("--command", metavar="TEXT", help="What trained it.", rich_help_panel=_WHAT),
    ] = None,
    parent: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION", help="What it was trained from, or none.", rich_help_panel=_WHAT
        ),
    ] = None,
    update: Annotated[
        Literal["full", "incremental", "hybrid"],
        typer.Option(help="How it was trained.", rich_help_panel=_WHAT),
    ] = "full",
    version: Annotated[
        str | None, typer.Option(metavar="X.Y.Z", help="This number.", rich_help_panel=_NUMBER)
    ] = None,
    bump: Annotated[
        Bump | None, typer.Option(help="The next of this kind.", rich_help_panel=_NUMBER)
    ] = None,
    allow_lower: Annotated[
        bool,
        typer.Option(
            "--allow-lower",
            help="Below the highest: a fix to an old line.",
            rich_help_panel=_NUMBER,
        ),
    ] = False,
    no_commit: Annotated[
        bool,
        typer.Option(
            "--no-commit", help="Stage the files for a pull request.", rich_help_panel=_HOW
        ),
    ] = False,
    allow_dirty: Annotated[
        bool,
        typer.Option("--allow-dirty", help="Though code is not committed.", rich_help_panel=_HOW),
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Register a version: store, record, commit, seal with a tag.

    Hashes and stores the artifacts, commits the record and nothing else.

    Paths given once are kept in model.yaml, and need not be given again.
    """
    asked = RegisterRequest(
        model=model,
        message=message,
        weights=weights,
        data=parse_pairs(data or [], "--data"),
        params_files=params or (),
        params=param or (),
        metrics_files=metrics or (),
        metrics=check_number_pairs(metric or [], "--metric"),
        version=version,
        bump=bump,
        allow_lower=allow_lower,
        parent=parent,
        update=update,
        labels=parse_pairs(label or [], "--label"),
        unstored=no_store or (),
        command=command_line,
        environment=environment,
        commit=not no_commit,
        allow_dirty=allow_dirty,
        dry_run=dry_run,
    )
    emit_result(
        register_version(find_session(ctx).initialised_project, asked), draw_register, json=json
    )


INIT_EXAMPLES = ("mlver init",)


def init_command(ctx: typer.Context, dry_run: DryRun = False, json: Json = False) -> None:
    """Set a git repository up for mlver.

    Writes .mlver/, which the first registration commits. Running it again changes nothing.
    """
    emit_result(
        init_project(find_session(ctx).uninitialised_project, dry_run=dry_run), draw_init, json=json
    )
