"""Command line of run and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from mlver.errors import UsageError
from mlver.features.runs.comparing import compare_runs
from mlver.features.runs.listing import choose_runs, list_runs
from mlver.features.runs.modes import refuse_stray_options
from mlver.features.runs.screen import (
    draw_removed_runs,
    draw_run,
    draw_runs,
    draw_runs_csv,
)
from mlver.features.runs.showing import show_run
from mlver.features.runs.shown_screen import (
    draw_compared_runs,
    draw_curves_csv,
    draw_curves_svg,
    draw_shown_run,
)
from mlver.project.runs.kept import list_run_commits
from mlver.project.runs.removing import remove_runs
from mlver.project.runs.request import RunRequest
from mlver.project.runs.training_command import run_training
from mlver.terminal.options import DryRun, Json, Model, list_completions
from mlver.terminal.pairs import parse_pairs
from mlver.terminal.session import CommandSession, emit_result, find_session
from mlver.terminal.words_behind import split_command

RUN_EXAMPLES = (
    "mlver run digits -- python train.py",
    "mlver run -- python train.py",
    "mlver run digits --pipeline nightly --step train --batch 2026-Q3 -- python train.py",
)
_FAILED = 3
# How many runs are listed where nobody says so.
_USUAL = 20

Many = list[str] | None

_Words = Annotated[
    Many,
    typer.Argument(
        metavar="[MODEL] -- COMMAND...",
        help="The model (if there are several), and what trains it.",
        show_default=False,
    ),
]
_Message = Annotated[
    str,
    typer.Option("-m", "--message", metavar="WHY", help="What is tried.", show_default=False),
]
_Weights = Annotated[
    str | None,
    typer.Option(metavar="PATH", help="Where it writes the weights, in place of model.yaml's."),
]
_ValueFile = typer.Option(
    metavar="FILE", help="In place of those in model.yaml (repeatable).", show_default=False
)
_Data = Annotated[
    Many,
    typer.Option(
        "--data", metavar="NAME=PATH", help="A data set beside or in place of model.yaml's."
    ),
]
_Param = Annotated[Many, typer.Option(metavar="K=V", help="One parameter (repeatable).")]
_Label = Annotated[Many, typer.Option(metavar="K=V", help="One label (repeatable).")]
_Environment = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="The Python environment it is trained in."),
]
_Pipeline = Annotated[
    str | None,
    typer.Option(metavar="ID", help="The pipeline it is a part of. [default: $MLVER_PIPELINE]"),
]
_Step = Annotated[str | None, typer.Option(metavar="NAME", help="Which step of the pipeline.")]
_Batch = Annotated[
    str | None, typer.Option(metavar="TEXT", help="The delivery of data, such as 2026-Q3.")
]
_NoDiff = Annotated[
    bool, typer.Option("--no-diff", help="Leave uncommitted changes of the code out.")
]


def run_command(
    ctx: typer.Context,
    words: _Words = None,
    message: _Message = "",
    weights: _Weights = None,
    params: Annotated[Many, _ValueFile] = None,
    metrics: Annotated[Many, _ValueFile] = None,
    data: _Data = None,
    param: _Param = None,
    label: _Label = None,
    environment: _Environment = None,
    pipeline: _Pipeline = None,
    step: _Step = None,
    batch: _Batch = None,
    no_diff: _NoDiff = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Train, and record what was told, used and measured.

    Every run is kept in git under refs/mlver/runs, also one that fails (exit code 3); nothing
    changes in the work tree or on a branch. COMMAND may log lines of JSON to $MLVER_CURVES, such
    as {"step": 1, "loss": 0.5}. No shell reads it.
    """
    given, command = split_command(ctx, words or [])
    if len(given) > 1:
        raise UsageError(f"run takes one model, and `--` before the command: {' '.join(given)}")
    request = RunRequest(
        model=given[0] if given else None,
        message=message,
        weights=weights,
        params_files=params or (),
        metrics_files=metrics or (),
        params=param or (),
        data=parse_pairs(data, "--data"),
        labels=parse_pairs(label, "--label"),
        environment=environment,
        pipeline=pipeline,
        step=step,
        batch=batch,
        keeps_diff=not no_diff,
        dry_run=dry_run,
    )
    result = run_training(find_session(ctx).initialised_project, command, request)
    emit_result(result, draw_run, json=json, code=_FAILED if result.outcome == "failed" else 0)


RUNS_EXAMPLES = (
    "mlver runs",
    "mlver runs digits --where 'accuracy >= 0.9 and outcome = finished' --sort accuracy",
    "mlver runs digits --all --csv",
)


def _complete_run(ctx: typer.Context, incomplete: str) -> list[str]:
    return list_completions(
        ctx,
        lambda project: (name.rpartition("/")[2] for name in list_run_commits(project)),
        incomplete,
    )


_Where = Annotated[
    str | None, typer.Option("--where", metavar="FILTER", help="Only runs that this is true of.")
]
_Sort = Annotated[
    str | None,
    typer.Option("--sort", metavar="FIELD", help="By a metric, the best first, or another field."),
]
_Limit = Annotated[
    int | None,
    typer.Option(
        "-n", "--limit", metavar="N", min=1, help="How many. [default: 20]", show_default=False
    ),
]
_Show = Annotated[
    str | None,
    typer.Option(
        "--show",
        metavar="RUN",
        help="One run whole, with its curves: its ID, its last digits, or latest.",
        autocompletion=_complete_run,
    ),
]
_Compare = Annotated[
    tuple[str, str] | None,
    typer.Option("--compare", metavar="RUN RUN", help="In what two runs differ."),
]
_Metrics = Annotated[
    Many,
    typer.Option(
        "--metric", metavar="NAME", help="--show, --compare: only this curve (repeatable)."
    ),
]
_Remove = Annotated[
    Many,
    typer.Option(
        "--remove",
        metavar="RUN",
        help="Forget this run (repeatable); asks first.",
        autocompletion=_complete_run,
    ),
]
_Csv = Annotated[bool, typer.Option("--csv", help="As comma-separated values; --show: its curves.")]
_Yes = Annotated[bool, typer.Option("--yes", help="--remove: do not ask.")]
_GitRemote = Annotated[
    str | None,
    typer.Option(
        "--git-remote",
        metavar="NAME",
        help="--remove: there as well.",
    ),
]


def runs_command(
    ctx: typer.Context,
    model: Model = None,
    where: _Where = None,
    sort: _Sort = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="The other way round.")] = False,
    limit: _Limit = None,
    every: Annotated[bool, typer.Option("--all", help="Every run.")] = False,
    show: _Show = None,
    metric: _Metrics = None,
    svg: Annotated[bool, typer.Option("--svg", help="--show: the curves as SVG.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="--show: also uncommitted changes.")] = False,
    compare: _Compare = None,
    remove: _Remove = None,
    yes: _Yes = False,
    git_remote: _GitRemote = None,
    dry_run: DryRun = False,
    as_csv: _Csv = False,
    json: Json = False,
) -> None:
    """List the recorded runs; show, compare or remove some.

    Filters are those of `list`: `accuracy >= 0.9`, `params.lr < 0.01`, `outcome = failed`,
    `pipeline = nightly`, `code.dirty`, joined by and, or, not and brackets.
    """
    listing = {"--where": where, "--sort": sort, "--reverse": reverse, "--limit": limit}
    listing |= {"--all": every, "--csv": as_csv}
    removing = {"--yes": yes, "--git-remote": git_remote, "--dry-run": dry_run}
    asked = {"--show": show, "--compare": compare, "--remove": remove}
    looking = {"--metric": metric, "--svg": svg, "--diff": diff}
    refuse_stray_options(asked, {**listing, **looking, **removing}, json=json)
    session = find_session(ctx)
    if show is not None:
        shown = show_run(session.shown_project, show, model, metrics=metric or (), with_diff=diff)
        draw = draw_shown_run
        if svg or as_csv:
            draw = draw_curves_svg if svg else draw_curves_csv
        emit_result(shown, draw, json=json, paged=draw is draw_shown_run)
    elif compare is not None:
        compared = compare_runs(session.shown_project, *compare, model, metrics=metric or ())
        emit_result(compared, draw_compared_runs, json=json, paged=True)
    elif remove:
        _remove_runs(session, remove, model, removing, json=json)
    else:
        choice = choose_runs(
            where=where, sort=sort, is_reversed=reverse, limit=None if every else limit or _USUAL
        )
        listed = list_runs(session.shown_project, model, choice)
        emit_result(listed, draw_runs_csv if as_csv else draw_runs, json=json, paged=not as_csv)


def _remove_runs(
    session: CommandSession,
    texts: list[str],
    model: str | None,
    options: Mapping[str, object],
    *,
    json: bool,
) -> None:
    remote = options["--git-remote"]

    def confirm(runs: Sequence[str]) -> bool:
        where = "here" if remote is None else f"here and at {remote}"
        listed = "\n".join(f"  {run}" for run in runs)
        question = f"Remove from {where}, for good?\n{listed}"
        return bool(options["--yes"]) or session.reporter.ask_person(question)

    removed = remove_runs(
        session.initialised_project,
        texts,
        model,
        remote=None if remote is None else str(remote),
        dry_run=bool(options["--dry-run"]),
        confirm=confirm,
    )
    emit_result(removed, draw_removed_runs, json=json)
