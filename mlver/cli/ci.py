from __future__ import annotations

from typing import Annotated

import typer

from mlver import __version__
from mlver.cli.options import DryRun, Json
from mlver.cli.session import emit_result, find_session
from mlver.commands.ci import ci, pipelines
from mlver.errors import UsageError
from mlver.pipelines.settings import FORGES, PIPELINES, Settings
from mlver.render.ci import draw_ci, draw_pipeline_files

CI_EXAMPLES = (
    "mlver ci github",
    "mlver ci gitlab --only check,seal",
    "mlver ci github --stdout --fetch 'rsync -a host:models/ .git/mlver/'",
)


def _make_setting_option(name: str, metavar: str, text: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(name, metavar=metavar, help=text, show_default=False)
    return option


def ci_command(
    ctx: typer.Context,
    forge: Annotated[
        str, typer.Argument(metavar="FORGE", help=f"One of {', '.join(FORGES)}.", autocompletion=lambda: list(FORGES))
    ],
    only: Annotated[str, _make_setting_option("--only", "LIST", f"Only these, of {','.join(PIPELINES)}.")] = "",
    branch: Annotated[str, _make_setting_option("--branch", "NAME", "The main line; the remote's own, if left out.")] = "",
    python: Annotated[str, _make_setting_option("--python", "VERSION", "The Python to run on; 3.12, if left out.")] = "",
    install: Annotated[str, _make_setting_option("--install", "WHAT", "What pip installs; this very version, if left out.")] = "",
    fetch: Annotated[str, _make_setting_option("--fetch", "COMMAND", "Brings the stored bytes to a runner.")] = "",
    store: Annotated[str, _make_setting_option("--store", "COMMAND", "Takes away the bytes that a training left.")] = "",
    train: Annotated[str, _make_setting_option("--train", "COMMAND", "Trains $MODEL anew.")] = "",
    deploy: Annotated[str, _make_setting_option("--deploy", "COMMAND", "Deploys serving/ as $MODEL's $STAGE.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Write over files that were edited.")] = False,
    stdout: Annotated[bool, typer.Option("--stdout", help="Print the files; write nothing.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Write CI pipelines: check, seal, release, deploy, retrain.

    They are yours to edit: an edited file is left alone, all others follow the next run.
    """
    settings = Settings(
        only=only, branch=branch, python=python, install=install, fetch=fetch, store=store, train=train, deploy=deploy
    )
    project = find_session(ctx).initialised_project
    if stdout:
        if json:
            raise UsageError("--stdout and --json do not go together", hint=f"mlver ci {forge} --stdout")
        emit_result(pipelines(project, forge, settings, version=__version__), draw_pipeline_files, json=False)
        return
    emit_result(ci(project, forge, settings, version=__version__, force=force, dry_run=dry_run), draw_ci, json=json)
