from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from mlver.cli.options import Json
from mlver.cli.session import emit_result, find_session
from mlver.commands.event import EventResult, event
from mlver.errors import refused
from mlver.render.event import format_dotenv, dump_event, format_github_output, draw_event
from mlver.render.screen import TextScreen

EVENT_EXAMPLES = (
    "mlver event digits@v1.0.0",
    "mlver event refs/tags/digits@v1.0.0 --format github",
    "mlver event digits@v1.0.0 --on main",
)
# What forges call the tag that started a job, in their order of being asked.
_TOLD = ("GITHUB_REF", "CI_COMMIT_TAG", "BITBUCKET_TAG")
_WRITERS: dict[str, Callable[[EventResult, TextScreen], None]] = {
    "text": draw_event,
    "json": lambda result, screen: screen.write_raw(dump_event(result)),
    "github": lambda result, screen: screen.write_raw(format_github_output(result)),
    "dotenv": lambda result, screen: screen.write_raw(format_dotenv(result)),
}


def event_command(
    ctx: typer.Context,
    tag: Annotated[
        str | None,
        typer.Argument(metavar="[TAG]", help="Its name, or refs/tags/…; the job's own, or HEAD's.", show_default=False),
    ] = None,
    form: Annotated[
        Literal["text", "json", "github", "dotenv"],
        typer.Option("--format", help="github: into $GITHUB_OUTPUT; dotenv: for GitLab's reports."),
    ] = "text",
    on: Annotated[
        str | None,
        typer.Option(
            metavar="BRANCH", help="Say no to a tag whose commit this branch does not hold.", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Tell a pipeline what its tag means.

    A clone of that one tag, of depth 1, is enough (not for --on, which asks history). Exit code 1 when the tag does not
    seal its record, or not as the settings want it; 3 when it is no tag of mlver's.
    """
    told = next(filter(None, map(os.environ.get, _TOLD)), None)
    # a job's checkout may have left a lightweight tag; elsewhere nobody is asked over the network
    result = event(find_session(ctx).uninitialised_project, tag or told, on=on, ask_remote=bool(os.environ.get("CI")))
    output = os.environ.get("GITHUB_OUTPUT")
    writer = _WRITERS["json" if json else form]
    if form == "github" and output and not json:
        _append_lines(Path(output), format_github_output(result))
        writer = draw_event
    emit_result(result, writer, json=False, code=result.exit_code)


def _append_lines(path: Path, lines: str) -> None:
    try:
        with path.open("a+b") as file:
            whole = file.seek(0, os.SEEK_END) == 0 or (file.seek(-1, os.SEEK_END), file.read(1))[1] == b"\n"
            file.write((lines if whole else f"\n{lines}").encode(errors="replace"))
    except OSError as error:
        raise refused("writing to $GITHUB_OUTPUT", error) from error
