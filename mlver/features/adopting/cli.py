"""Command line of adopt."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.features.adopting.adopt import adopt_tags
from mlver.features.adopting.screen import draw_adopt
from mlver.features.adopting.source import AdoptRequest
from mlver.terminal.options import DryRun, Json, Model
from mlver.terminal.pairs import parse_pairs
from mlver.terminal.session import emit_result, find_session

ADOPT_EXAMPLES = (
    "mlver adopt",
    "mlver adopt digits --weights model/weights.safetensors",
    "mlver adopt digits --pattern 'release-{version}' --dry-run",
)

_Pattern = Annotated[
    str | None,
    typer.Option(
        "--pattern",
        help="How tags are named, such as 'release-{version}' or '{model}-v{version}'.",
    ),
]
_Weights = Annotated[
    str | None,
    typer.Option("--weights", metavar="PATH", help="Where the weights were, if nothing else says."),
]
_Data = Annotated[
    list[str] | None,
    typer.Option("--data", metavar="NAME=PATH", help="Where a data set was; repeatable."),
]
_Params = Annotated[
    list[str] | None,
    typer.Option("--params", metavar="FILE", help="Where parameters were; repeatable."),
]
_Metrics = Annotated[
    list[str] | None,
    typer.Option("--metrics", metavar="FILE", help="Where metrics were; repeatable."),
]
_SkipLost = Annotated[
    bool,
    typer.Option("--skip-lost", help="Go on without versions whose bytes are lost."),
]


def adopt_command(
    ctx: typer.Context,
    model: Model = None,
    pattern: _Pattern = None,
    weights: _Weights = None,
    data: _Data = None,
    params: _Params = None,
    metrics: _Metrics = None,
    skip_lost: _SkipLost = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Turn tags that are there already into records.

    GTO's `name@v1.2.3` and `name#stage` tags, or plain `v1.2.3` ones of the MODEL named. No tag is
    moved. What git, git-lfs or DVC keeps stays there, pinned by digest. Exit code 1 when some could
    not be adopted.
    """
    request = AdoptRequest(
        model=model,
        pattern=pattern,
        weights=weights,
        data=parse_pairs(data or [], "--data"),
        params=params or (),
        metrics=metrics or (),
        skip_lost=skip_lost,
        dry_run=dry_run,
    )
    result = adopt_tags(find_session(ctx).initialised_project, request)
    emit_result(result, draw_adopt, json=json, code=result.exit_code)
