"""Command line of list, stages, show and log."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from mlver.errors import UsageError
from mlver.features.looking.list import NewestVersions, VersionFilter, list_versions
from mlver.features.looking.list_screen import draw_list
from mlver.terminal.options import Json, Model, Ref, complete_stage
from mlver.terminal.session import emit_result, find_session

LIST_EXAMPLES = (
    "mlver list",
    "mlver list digits --limit 5",
    "mlver list digits --sort accuracy --columns version,stage,accuracy,author",
    "mlver list --where 'metrics.accuracy >= 0.9 and stage = production'",
    "mlver list digits --all --csv",
)


_Where = Annotated[
    str | None,
    typer.Option("--where", metavar="FILTER", help="Only versions that this is true of."),
]
_Sort = Annotated[
    str | None,
    typer.Option("--sort", metavar="FIELD", help="By a metric, the best first, or another field."),
]
_Columns = Annotated[
    list[str] | None,
    typer.Option("-c", "--columns", metavar="FIELDS", help="What to show, with commas between."),
]
_Limit = Annotated[
    int,
    typer.Option(
        "-n", "--limit", min=1, help="How many of each model; holders of stages are always shown."
    ),
]


def list_command(
    ctx: typer.Context,
    model: Model = None,
    where: _Where = None,
    sort: _Sort = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="The other way round.")] = False,
    columns: _Columns = None,
    limit: _Limit = 20,
    every: Annotated[bool, typer.Option("--all", help="Every version.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="As comma-separated values.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="As a Markdown table.")] = False,
    json: Json = False,
) -> None:
    """List versions with their stages and metrics, newest first.

    The best value shown of each metric has a star, where model.yaml says which way is better.

    A filter compares fields with values: `metrics.accuracy >= 0.9`, `labels.team = mt`, `created >
    2026-03-01`, `version >= 1.2`, `message ~ layer` (contains), `stage in (staging, production)`,
    joined by and, or, not and brackets. A field alone asks whether it is there.
    """
    if as_csv + as_markdown + json > 1:
        raise UsageError("--csv, --markdown and --json are three ways to print: give one of them")
    most = None if every else limit
    choice: VersionFilter = NewestVersions(most)
    if where is not None or sort is not None or reverse or columns:
        # What reads filters costs a plain list its modules at its start.
        from mlver.features.looking.choosing import choose_matching

        choice = choose_matching(
            limit=most, where=where, sort=sort, columns=columns or (), is_reversed=reverse
        )
    listed = list_versions(find_session(ctx).cached_project, model, choice)
    if not (columns or as_csv or as_markdown):
        emit_result(listed, draw_list, json=json, paged=True)
        return
    from mlver.features.looking import list_tables

    draw = list_tables.choose_table(as_csv=as_csv, as_markdown=as_markdown)
    emit_result(listed, draw, json=json, paged=not (as_csv or as_markdown))


STAGES_EXAMPLES = (
    "mlver stages",
    "mlver stages digits --all",
)


def stages_command(
    ctx: typer.Context,
    model: Model = None,
    every: Annotated[bool, typer.Option("--all", help="Also the stages that are empty.")] = False,
    json: Json = False,
) -> None:
    """Say what the stages of all models hold, since when and by whom."""
    # What judges who promoted it costs `list` its modules at its start.
    from mlver.features.looking.stages import read_stages
    from mlver.features.looking.stages_screen import draw_stages

    result = read_stages(find_session(ctx).shown_project, model, everything=every)
    emit_result(result, draw_stages, json=json, paged=True)


SHOW_EXAMPLES = (
    "mlver show digits@1.0.0",
    "mlver show digits@production --json",
    "mlver show digits@1.0.0 --identity key.txt",
)


def show_command(
    ctx: typer.Context,
    ref: Ref = None,
    identity: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A private key of age, or of OpenSSH without a passphrase: decrypt secret params.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show one version whole."""
    # What judges who promoted it costs `list` its modules at its start.
    from mlver.features.looking.screen import draw_show
    from mlver.features.looking.show import show_version

    project = find_session(ctx).shown_project
    result = show_version(project, ref)
    if identity is not None:
        from mlver.project.history.secret_values import decrypt_params

        secrets = decrypt_params(result.record, project.start / identity)
        result = replace(result, secrets=secrets)
    emit_result(result, draw_show, json=json, paged=True)


LOG_EXAMPLES = (
    "mlver log digits",
    "mlver log digits --stage production --limit 10",
    "mlver log --stage production --at 2026-03-02",
    "mlver log --since 2026-03-01",
    "mlver log digits --params",
)


_OfStage = Annotated[
    str | None,
    typer.Option(metavar="STAGE", help="Only this stage's moves.", autocompletion=complete_stage),
]
_At = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="What each stage held on a UTC day, at a time, or 2h ago."),
]
_Since = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="Only what happened since a UTC day, a time or 2d."),
]
_Newest = Annotated[
    int | None, typer.Option("-n", "--limit", min=1, help="Only the newest events.")
]
_Params = Annotated[
    bool,
    typer.Option("--params", help="How parameters and data changed from version to version."),
]


def log_command(
    ctx: typer.Context,
    model: Model = None,
    stage: _OfStage = None,
    at: _At = None,
    since: _Since = None,
    limit: _Newest = None,
    params: _Params = False,
    json: Json = False,
) -> None:
    """Tell what was registered and promoted, by whom and why."""
    if params:
        _log_parameters(ctx, model, stage or at, since=since, limit=limit, json=json)
        return
    # What judges history costs `list` its modules at its start.
    from mlver.features.looking.log import read_log
    from mlver.features.looking.log_screen import draw_log

    emit_result(
        read_log(
            find_session(ctx).shown_project, model, stage=stage, at=at, since=since, limit=limit
        ),
        draw_log,
        json=json,
        paged=True,
    )


def _log_parameters(
    ctx: typer.Context,
    model: str | None,
    other: str | None,
    *,
    since: str | None,
    limit: int | None,
    json: bool,
) -> None:
    if other is not None:
        raise UsageError("--params is about versions, and goes with neither --stage nor --at")
    from mlver.features.looking.parameters import read_parameters
    from mlver.features.looking.parameters_screen import draw_parameters

    result = read_parameters(find_session(ctx).shown_project, model, since=since, limit=limit)
    emit_result(result, draw_parameters, json=json, paged=True)
