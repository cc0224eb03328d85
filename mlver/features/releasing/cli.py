"""Command line of tag, release, event and ci."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from mlver import __version__
from mlver.errors import UsageError, refusal_error
from mlver.features.releasing.ci import build_pipelines, write_pipelines
from mlver.features.releasing.event import EventResult, read_event
from mlver.features.releasing.pipelines.settings import FORGES, PIPELINES, PipelineSettings
from mlver.features.releasing.release import release_records
from mlver.features.releasing.screen import (
    draw_ci,
    draw_event,
    draw_pipeline_files,
    draw_release,
    draw_tag,
    dump_event,
    format_dotenv,
    format_github_output,
)
from mlver.features.releasing.tag import tag_records
from mlver.terminal.options import DryRun, Json, complete_model
from mlver.terminal.screen import TextScreen
from mlver.terminal.session import emit_result, find_session

TAG_EXAMPLES = (
    "mlver tag",
    "mlver tag --push",
)


def tag_command(
    ctx: typer.Context,
    push: Annotated[bool, typer.Option("--push", help="Push the tags the remote lacks.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Seal the records on HEAD that no version tag seals yet.

    Merged pull requests leave such records, and so does a crash. Exit code 1 when one is refused: edited since it
    landed, or sealed elsewhere.
    """
    result = tag_records(find_session(ctx).initialised_project, push=push, dry_run=dry_run)
    emit_result(result, draw_tag, json=json, code=result.exit_code)


RELEASE_EXAMPLES = (
    "mlver release",
    "mlver release digits --remote origin --dry-run",
)


def release_command(
    ctx: typer.Context,
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL]...", help="All of them, if left out.", autocompletion=complete_model
        ),
    ] = None,
    remote: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Where to; origin, mostly.", show_default=False),
    ] = None,
    require_trigger: Annotated[
        bool,
        typer.Option("--require-trigger", help="Refuse where the push would start no pipeline."),
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Seal what the remote's main line holds, and push the tags.

    At most three a push, as forges start no pipelines for more at once; nothing published is overwritten. Exit code 1
    when a record is refused: edited, sealed otherwise elsewhere, or not on the main line yet.
    """
    result = release_records(
        find_session(ctx).initialised_project,
        models or (),
        remote=remote,
        require_trigger=require_trigger,
        dry_run=dry_run,
    )
    emit_result(result, draw_release, json=json, code=result.exit_code)


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
        typer.Argument(
            metavar="[TAG]",
            help="Its name, or refs/tags/…; the job's own, or HEAD's.",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        Literal["text", "json", "github", "dotenv"],
        typer.Option("--format", help="github: into $GITHUB_OUTPUT; dotenv: for GitLab's reports."),
    ] = "text",
    on: Annotated[
        str | None,
        typer.Option(
            metavar="BRANCH",
            help="Say no to a tag whose commit this branch does not hold.",
            show_default=False,
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
    result = read_event(
        find_session(ctx).uninitialised_project,
        tag or told,
        on=on,
        ask_remote=bool(os.environ.get("CI")),
    )
    output = os.environ.get("GITHUB_OUTPUT")
    writer = _WRITERS["json" if json else form]
    if form == "github" and output and not json:
        _append_lines(Path(output), format_github_output(result))
        writer = draw_event
    emit_result(result, writer, json=False, code=result.exit_code)


def _append_lines(path: Path, lines: str) -> None:
    try:
        with path.open("a+b") as file:
            whole = (
                file.seek(0, os.SEEK_END) == 0
                or (file.seek(-1, os.SEEK_END), file.read(1))[1] == b"\n"
            )
            file.write((lines if whole else f"\n{lines}").encode(errors="replace"))
    except OSError as error:
        raise refusal_error("writing to $GITHUB_OUTPUT", error) from error


CI_EXAMPLES = (
    "mlver ci github",
    "mlver ci gitlab --only check,seal",
    "mlver ci github --stdout --fetch 'rsync -a host:models/ .git/mlver/'",
)


def _make_setting_option(name: str, metavar: str, text: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        name, metavar=metavar, help=text, show_default=False
    )
    return option


def ci_command(
    ctx: typer.Context,
    forge: Annotated[
        str,
        typer.Argument(
            metavar="FORGE",
            help=f"One of {', '.join(FORGES)}.",
            autocompletion=lambda: list(FORGES),
        ),
    ],
    only: Annotated[
        str, _make_setting_option("--only", "LIST", f"Only these, of {','.join(PIPELINES)}.")
    ] = "",
    branch: Annotated[
        str,
        _make_setting_option("--branch", "NAME", "The main line; the remote's own, if left out."),
    ] = "",
    python: Annotated[
        str, _make_setting_option("--python", "VERSION", "The Python to run on; 3.12, if left out.")
    ] = "",
    install: Annotated[
        str,
        _make_setting_option(
            "--install", "WHAT", "What pip installs; this very version, if left out."
        ),
    ] = "",
    fetch: Annotated[
        str, _make_setting_option("--fetch", "COMMAND", "Brings the stored bytes to a runner.")
    ] = "",
    store: Annotated[
        str,
        _make_setting_option("--store", "COMMAND", "Takes away the bytes that a training left."),
    ] = "",
    train: Annotated[str, _make_setting_option("--train", "COMMAND", "Trains $MODEL anew.")] = "",
    deploy: Annotated[
        str, _make_setting_option("--deploy", "COMMAND", "Deploys serving/ as $MODEL's $STAGE.")
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Write over files that were edited.")
    ] = False,
    stdout: Annotated[
        bool, typer.Option("--stdout", help="Print the files; write nothing.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Write CI pipelines: check, seal, release, deploy, retrain.

    They are yours to edit: an edited file is left alone, all others follow the next run.
    """
    settings = PipelineSettings(
        only=only,
        branch=branch,
        python=python,
        install=install,
        fetch=fetch,
        store=store,
        train=train,
        deploy=deploy,
    )
    project = find_session(ctx).initialised_project
    if stdout:
        if json:
            raise UsageError(
                "--stdout and --json do not go together", hint=f"mlver ci {forge} --stdout"
            )
        emit_result(
            build_pipelines(project, forge, settings, version=__version__),
            draw_pipeline_files,
            json=False,
        )
        return
    emit_result(
        write_pipelines(
            project, forge, settings, version=__version__, force=force, dry_run=dry_run
        ),
        draw_ci,
        json=json,
    )
