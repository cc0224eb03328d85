"""Command line of tag, release, event and ci."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import typer

from mlver import __version__
from mlver.errors import UsageError, refusal_error, shell_command
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
    format_dotenv,
    format_github_output,
)
from mlver.features.releasing.tag import tag_records
from mlver.project.project import Project
from mlver.terminal import structured
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

    Merged pull requests leave such records, and so does a crash. Exit code 1 when one is refused:
    edited since it landed, or sealed elsewhere.
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

    At most three a push, as forges start no pipelines for more at once; nothing published is
    overwritten. Exit code 1 when a record is refused: edited, sealed otherwise elsewhere, or not on
    the main line yet.
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
# Where GitHub, GitLab and Bitbucket name the tag that started a job.
_TAG_VARIABLES = ("GITHUB_REF", "CI_COMMIT_TAG", "BITBUCKET_TAG")
_WRITERS: dict[str, Callable[[EventResult, TextScreen], None]] = {
    "text": draw_event,
    "json": lambda result, screen: screen.write_raw(structured.dump_document(result)),
    "github": lambda result, screen: screen.write_raw(format_github_output(result)),
    "dotenv": lambda result, screen: screen.write_raw(format_dotenv(result)),
}


TagArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[TAG]",
        help="Its name, or refs/tags/…; the job's own, or HEAD's.",
        show_default=False,
    ),
]
OutputFormat = Annotated[
    Literal["text", "json", "github", "dotenv"],
    typer.Option("--format", help="github: into $GITHUB_OUTPUT; dotenv: for GitLab's reports."),
]
OnBranch = Annotated[
    str | None,
    typer.Option(
        metavar="BRANCH",
        help="Say no to a tag whose commit this branch does not hold.",
        show_default=False,
    ),
]


def event_command(
    ctx: typer.Context,
    tag: TagArgument = None,
    form: OutputFormat = "text",
    on: OnBranch = None,
    json: Json = False,
) -> None:
    """Tell a pipeline what its tag means.

    A clone of that one tag, of depth 1, is enough (not for --on, which asks history). Exit code 1
    when the tag does not seal its record, or not as the settings want it; 3 when it is no tag of
    mlver's.
    """
    result = read_event(
        find_session(ctx).uninitialised_project,
        tag or _find_job_tag(),
        on=on,
        # A job's checkout may have left a lightweight tag; elsewhere nothing asks the network.
        ask_remote=bool(os.environ.get("CI")),
    )
    output = os.environ.get("GITHUB_OUTPUT")
    writer = _WRITERS["json" if json else form]
    if form == "github" and output and not json:
        _append_lines(Path(output), format_github_output(result))
        writer = draw_event
    emit_result(result, writer, json=False, code=result.exit_code)


def _find_job_tag() -> str | None:
    """The tag that started this job, where a forge says so."""
    for variable in _TAG_VARIABLES:
        tag_name = os.environ.get(variable)
        if tag_name:
            return tag_name
    return None


def _append_lines(path: Path, lines: str) -> None:
    try:
        with path.open("a+b") as output_file:
            # An earlier step may have left its last line without an end.
            separator = b"" if _ends_whole(output_file) else b"\n"
            output_file.write(separator + lines.encode(errors="replace"))
    except OSError as error:
        raise refusal_error("writing to $GITHUB_OUTPUT", error) from error


def _ends_whole(file: BinaryIO) -> bool:
    if file.seek(0, os.SEEK_END) == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


CI_EXAMPLES = (
    "mlver ci github",
    "mlver ci gitlab --only check,seal",
    "mlver ci github --only deploy --fetch ./fetch.sh --deploy ./deploy.sh",
)


def _make_setting_option(name: str, metavar: str, text: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        name, metavar=metavar, help=text, show_default=False
    )
    return option


Forge = Annotated[
    str,
    typer.Argument(
        metavar="FORGE",
        help=f"One of {', '.join(FORGES)}.",
        autocompletion=lambda: list(FORGES),
    ),
]
Only = Annotated[
    str, _make_setting_option("--only", "LIST", f"Only these, of {','.join(PIPELINES)}.")
]
Branch = Annotated[
    str,
    _make_setting_option("--branch", "NAME", "The main line; the remote's own, if left out."),
]
PythonVersion = Annotated[
    str, _make_setting_option("--python", "VERSION", "The Python to run on; 3.12, if left out.")
]
Install = Annotated[
    str,
    _make_setting_option("--install", "WHAT", "What pip installs; this very version, if left out."),
]
Fetch = Annotated[
    str, _make_setting_option("--fetch", "COMMAND", "Brings the stored bytes to a runner.")
]
Store = Annotated[
    str, _make_setting_option("--store", "COMMAND", "Takes away the bytes that a training left.")
]
Train = Annotated[str, _make_setting_option("--train", "COMMAND", "Trains $MODEL again.")]
Deploy = Annotated[
    str, _make_setting_option("--deploy", "COMMAND", "Deploys serving/ as $MODEL's $STAGE.")
]
Benchmark = Annotated[
    str, _make_setting_option("--benchmark", "COMMAND", "Evaluates versions, each month.")
]
Codeowners = Annotated[
    str,
    _make_setting_option(
        "--codeowners", "OWNERS", "Write CODEOWNERS: whose review a change of the rules needs."
    ),
]
Releasers = Annotated[
    str,
    _make_setting_option(
        "--releasers", "OWNERS", "With it, whose review promotions and approvals need."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Write over files that were edited.")]
Stdout = Annotated[bool, typer.Option("--stdout", help="Print the files; write nothing.")]


def ci_command(
    ctx: typer.Context,
    forge: Forge,
    only: Only = "",
    branch: Branch = "",
    python: PythonVersion = "",
    install: Install = "",
    fetch: Fetch = "",
    store: Store = "",
    train: Train = "",
    deploy: Deploy = "",
    benchmark: Benchmark = "",
    codeowners: Codeowners = "",
    releasers: Releasers = "",
    force: Force = False,
    stdout: Stdout = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Write CI pipelines that check, seal, release, retrain and more.

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
        benchmark=benchmark,
        codeowners=codeowners,
        releasers=releasers,
    )
    project = find_session(ctx).initialised_project
    if stdout:
        _print_pipelines(project, forge, settings, json=json)
        return
    result = write_pipelines(
        project, forge, settings, version=__version__, force=force, dry_run=dry_run
    )
    emit_result(result, draw_ci, json=json)


def _print_pipelines(
    project: Project, forge: str, settings: PipelineSettings, *, json: bool
) -> None:
    if json:
        raise UsageError(
            "--stdout and --json do not go together",
            hint=shell_command("mlver", "ci", forge, "--stdout"),
        )
    pipeline_files = build_pipelines(project, forge, settings, version=__version__)
    emit_result(pipeline_files, draw_pipeline_files, json=False)
