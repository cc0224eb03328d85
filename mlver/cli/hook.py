from __future__ import annotations

from typing import Annotated

import typer

from mlver.cli.hook_entry import perform, told_between
from mlver.cli.options import DryRun, Json
from mlver.cli.session import emit, session
from mlver.commands import hook_install
from mlver.commands.hook import Range
from mlver.errors import UsageError
from mlver.render.hook_install import text

EXAMPLES = (
    "mlver hook install",
    "mlver hook check --from HEAD~1 --to HEAD",
    "mlver hook guard",
    "mlver hook status",
)
_ASKED = ("install", "check", "guard", "status")
_RUN_BY_GIT = ("pre-commit", "pre-push", "pre-receive")


def command(
    ctx: typer.Context,
    what: Annotated[
        str,
        typer.Argument(metavar="WHAT", help=f"One of {', '.join(_ASKED)}.", autocompletion=lambda: list(_ASKED)),
    ],
    words: Annotated[list[str] | None, typer.Argument(metavar="…", hidden=True)] = None,
    old: Annotated[
        str, typer.Option("--from", metavar="REV", help="Judge the commits that --to has and REV lacks.")
    ] = "",
    new: Annotated[str, typer.Option("--to", metavar="REV", help="The last of these commits.")] = "",
    server: Annotated[
        bool, typer.Option("--pre-receive", help="install: for a repository that others push to.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Keep wrong records and large files out of git.

    install writes git's hooks. check judges the records that are staged, guard everything else that is; status tells
    what others could not resolve. pre-commit, pre-push and pre-receive are what git runs. Exit code 1 is a refusal.
    """
    if what not in (*_ASKED, *_RUN_BY_GIT):
        raise UsageError(f"there is no hook `{what}`, only {', '.join(_ASKED)}", hint="mlver hook install")
    here = session(ctx)
    if bool(old) != bool(new):
        raise UsageError("--from and --to name one range, together", hint="mlver hook check --from main --to HEAD")
    if what == "install":
        project = hook_install.hosted(here.start) if server else here.repository
        result = hook_install.install(project, server=server, dry_run=dry_run)
        emit(result, text, json=json, code=result.exit_code)
        return
    if old and what not in ("check", "guard", "status"):
        raise UsageError(f"{what} is told by git what to judge", hint=f"mlver hook check --from {old} --to {new}")
    between = Range(old, new) if old else told_between()
    code = perform(here.start, what, words or [], between, json=json)
    if code:
        raise typer.Exit(code)
