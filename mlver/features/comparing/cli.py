"""Command line of diff, compare and status."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from mlver.errors import UsageError, shell_command
from mlver.features.comparing import markdown
from mlver.features.comparing.diff import diff_versions
from mlver.features.comparing.review import ReviewRange, parse_range, review_range
from mlver.features.comparing.screen import draw_review, draw_status
from mlver.features.comparing.status import find_status
from mlver.project.project import Project
from mlver.terminal.options import Json, Model, Ref, complete_model, complete_ref
from mlver.terminal.session import emit_result, find_session

DIFF_EXAMPLES = (
    "mlver diff digits@1.0.0",
    "mlver diff digits@1.0.0 @1.1.0",
    "mlver diff digits@production @latest --exit-code",
    "mlver diff main...HEAD --markdown",
    "mlver diff digits@1.0.0 @1.1.0 --weights",
    "mlver diff digits@1.2.0 @1.3.0 --data train --key id",
)


_Other = Annotated[
    str | None,
    typer.Argument(
        metavar="[REF]",
        help="Against this; the work tree if left out.",
        autocompletion=complete_ref,
    ),
]
_ExitCode = Annotated[bool, typer.Option("--exit-code", help="Exit 1 when something differs.")]
_AsMarkdown = Annotated[bool, typer.Option("--markdown", help="As a comment for a pull request.")]
_Weights = Annotated[
    bool, typer.Option("--weights", help="What became of the tensors, and how far.")
]
_Depth = Annotated[
    int | None,
    typer.Option(
        "--group",
        metavar="DEPTH",
        min=1,
        help="Group tensors by so many parts of their names; else by layers.",
    ),
]
_Data = Annotated[
    str | None,
    typer.Option("--data", metavar="NAME", help="The rows and columns of this table."),
]
_Key = Annotated[
    str | None,
    typer.Option("--key", metavar="COLUMNS", help="Know rows of --data by these: id,day."),
]


def diff_command(
    ctx: typer.Context,
    a: Ref = None,
    b: _Other = None,
    exit_code: _ExitCode = False,
    as_markdown: _AsMarkdown = False,
    weights: _Weights = False,
    group: _Depth = None,
    data: _Data = None,
    key: _Key = None,
    json: Json = False,
) -> None:
    """Compare two versions, a version with files, or two commits.

    Params, metrics (which way is better stands in model.yaml), files, environment and code.
    `main...HEAD` shows what a branch registers, moves and changes since it left main, as a pull
    request does; `A..B` compares the two directly.
    """
    # Never with the cache: somebody who can write to it could hide a difference from a reviewer.
    project = find_session(ctx).initialised_project
    project.note_newer_settings()
    commit_range = _parse_one_range(a, b)
    _refuse_unfit_options(weights=weights, group=group, data=data, key=key)
    if weights or data is not None:
        if commit_range is not None or as_markdown:
            option = "--weights" if weights else "--data"
            raise UsageError(f"{option} compares two versions, or one with files, on a screen")
        if data is None:
            _emit_weights(project, a, b, group, exit_code=exit_code, json=json)
        else:
            _emit_data(project, a, b, data, key, exit_code=exit_code, json=json)
        return
    if commit_range is None:
        # What `status` has no need of.
        from mlver.features.comparing.diff_screen import draw_diff

        diff = diff_versions(project, a, b)
        draw = markdown.draw_diff_markdown if as_markdown else draw_diff
        code = int(exit_code and diff.differs)
        emit_result(diff, draw, json=json, code=code, paged=not as_markdown)
        return
    _emit_review(project, commit_range, exit_code=exit_code, as_markdown=as_markdown, json=json)


def _emit_review(
    project: Project, commit_range: ReviewRange, *, exit_code: bool, as_markdown: bool, json: bool
) -> None:
    """Show what a range of commits registers, moves and changes."""
    review = review_range(project, commit_range)
    draw = markdown.draw_review_markdown if as_markdown else draw_review
    code = int(exit_code and review.differs)
    emit_result(review, draw, json=json, code=code, paged=not as_markdown)


def _refuse_unfit_options(
    *, weights: bool, group: int | None, data: str | None, key: str | None
) -> None:
    """Raise UsageError for options that say nothing without another one, or contradict it."""
    if group is not None and not weights:
        raise UsageError("--group is for --weights")
    if key is not None and data is None:
        raise UsageError("--key is for --data")
    if weights and data is not None:
        raise UsageError("--weights and --data are two questions: ask one of them")


def _emit_weights(
    project: Project,
    a: str | None,
    b: str | None,
    group: int | None,
    *,
    exit_code: bool,
    json: bool,
) -> None:
    # What only looks at records starts without all that looks into tensors.
    from mlver.features.comparing.weights_diff import diff_weights
    from mlver.features.comparing.weights_screen import draw_weights

    result = diff_weights(project, a, b, depth=group)
    code = int(exit_code and result.differs)
    emit_result(result, draw_weights, json=json, code=code, paged=True)


def _emit_data(
    project: Project,
    a: str | None,
    b: str | None,
    name: str,
    key: str | None,
    *,
    exit_code: bool,
    json: bool,
) -> None:
    # What only looks at records starts without all that looks into tables.
    from mlver.features.comparing.data_diff import diff_data
    from mlver.features.comparing.data_screen import draw_data_diff

    result = diff_data(project, a, b, name, tuple(key.split(",")) if key else ())
    code = int(exit_code and result.differs)
    emit_result(result, draw_data_diff, json=json, code=code, paged=True)


def _parse_one_range(a: str | None, b: str | None) -> ReviewRange | None:
    """The range of commits that `a` names, beside which `b` has no place; None for a version."""
    commit_range = parse_range(a)
    if commit_range is not None and b is not None:
        hint = shell_command("mlver", "diff", str(a))
        raise UsageError(f"{a} names both sides already", hint=hint)
    return commit_range


COMPARE_EXAMPLES = (
    "mlver compare digits@1.0.0 @1.1.0 @latest",
    "mlver compare digits@1.0.0 digits@1.1.0 --markdown",
)


def compare_command(
    ctx: typer.Context,
    refs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="REF…",
            help="Two or more; the first one's model is meant where others name none.",
            show_default=False,
            autocompletion=complete_ref,
        ),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="As comma-separated values.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="As a Markdown table.")] = False,
    json: Json = False,
) -> None:
    """Show versions side by side: the fields in which they differ.

    Metrics come first, in the order of `directions` in model.yaml, with a star at the best.
    """
    if as_csv + as_markdown + json > 1:
        raise UsageError("--csv, --markdown and --json are three ways to print: give one of them")
    # `status` and `diff` start without what only this command needs.
    from mlver.features.comparing.compare import compare_versions
    from mlver.features.comparing.compare_screen import choose_drawing

    result = compare_versions(find_session(ctx).shown_project, refs or ())
    draw = choose_drawing(as_csv=as_csv, as_markdown=as_markdown)
    emit_result(result, draw, json=json, paged=not (as_csv or as_markdown))


PLOT_EXAMPLES = (
    "mlver plot digits",
    "mlver plot digits --metric accuracy",
    "mlver plot digits --metric accuracy --metric log_loss --limit 50",
    "mlver plot digits -o report.html",
)


_PlottedModel = Annotated[
    str | None,
    typer.Argument(
        metavar="[MODEL]",
        help="It may be left out where there is one.",
        show_default=False,
        autocompletion=complete_model,
    ),
]
_Metrics = Annotated[
    list[str] | None,
    typer.Option("--metric", metavar="NAME", help="Which; repeat it for more than one."),
]
_Newest = Annotated[
    int | None, typer.Option("-n", "--limit", min=1, help="Only the newest versions.")
]
_OutputFile = Annotated[
    str | None, typer.Option("-o", metavar="FILE", help="Write a picture or a page; - is stdout.")
]
_Picture = Annotated[
    Literal["svg", "html"] | None,
    typer.Option(
        "--as", metavar="FORMAT", help="svg or html; without it, what FILE ends in says it."
    ),
]
_Force = Annotated[
    bool, typer.Option("--force", help="Replace a file that plot did not write, or git tracks.")
]
_AsCsv = Annotated[bool, typer.Option("--csv", help="As comma-separated values.")]


def plot_command(
    ctx: typer.Context,
    model: _PlottedModel = None,
    metric: _Metrics = None,
    limit: _Newest = None,
    file: _OutputFile = None,
    picture: _Picture = None,
    force: _Force = False,
    as_csv: _AsCsv = False,
    json: Json = False,
) -> None:
    """Draw metrics over the versions of a model.

    Below them are the versions that hold a stage or held it, and those that are retired. Without
    --metric it takes the first few, in the order of `directions` in model.yaml.
    """
    is_picture = file is not None or picture is not None
    if is_picture + as_csv + json > 1:
        raise UsageError("-o and --as make a picture, which is neither --csv nor --json")
    if force and file is None:
        raise UsageError("--force is for the file that -o names")
    from mlver.features.comparing import plot_file, plot_screen
    from mlver.features.comparing.plot import plot_metrics

    project = find_session(ctx).cached_project
    if is_picture:
        request = plot_file.PictureRequest(
            file=file, given=picture, force=force, model=model, metrics=metric or (), limit=limit
        )
        draw = plot_file.choose_drawing(project, request)
    else:
        draw = plot_screen.draw_plot_csv if as_csv else plot_screen.draw_plot
    result = plot_metrics(project, model, metric or (), limit=limit)
    emit_result(result, draw, json=json)


STATUS_EXAMPLES = (
    "mlver status",
    "mlver status digits --exit-code",
)


def status_command(
    ctx: typer.Context,
    model: Model = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit 1 when something differs.")
    ] = False,
    remote: Annotated[
        bool, typer.Option("--remote", help="Ask the remotes what others could not get.")
    ] = False,
    json: Json = False,
) -> None:
    """Compare the work tree with its version; suggest the bump.

    That is the one that was checked out, else the highest, pre-releases included.
    """
    result = find_status(find_session(ctx).cached_project, model, shared=remote)
    emit_result(result, draw_status, json=json, code=int(exit_code and result.differs))
