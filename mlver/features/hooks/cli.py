"""Command line of hook."""

from __future__ import annotations

from typing import Annotated

import typer

from mlver.errors import UsageError, shell_command
from mlver.features.hooks import install
from mlver.features.hooks.checks import CommitRange
from mlver.features.hooks.run import perform_hook, read_commit_range
from mlver.features.hooks.screen import draw_hook_install
from mlver.terminal.options import DryRun, Json
from mlver.terminal.session import emit_result, find_session

HOOK_EXAMPLES = (
    "mlver hook install",
    "mlver hook install --due",
    "mlver hook check --from HEAD~1 --to HEAD",
    "mlver hook guard",
    "mlver hook status",
)
_ASKED = ("install", "check", "guard", "status")
_RUN_BY_GIT = ("pre-commit", "pre-push", "pre-receive", "due")


_What = Annotated[
    str,
    typer.Argument(
        metavar="WHAT", help=f"One of {', '.join(_ASKED)}.", autocompletion=lambda: list(_ASKED)
    ),
]
_Words = Annotated[list[str] | None, typer.Argument(metavar="…", hidden=True)]
_Old = Annotated[
    str,
    typer.Option("--from", metavar="REV", help="Judge the commits that --to has and REV lacks."),
]
_New = Annotated[str, typer.Option("--to", metavar="REV", help="The last of these commits.")]
_Server = Annotated[
    bool, typer.Option("--pre-receive", help="install: for a repository that others push to.")
]
_Due = Annotated[
    bool,
    typer.Option(
        "--due", help="install: also say after commits on the main branch when a model is due."
    ),
]


def hook_command(
    ctx: typer.Context,
    what: _What,
    words: _Words = None,
    old: _Old = "",
    new: _New = "",
    server: _Server = False,
    due: _Due = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Keep wrong records and large files out of git.

    install writes git's hooks. check judges the staged records, guard every other staged file;
    status lists what others could not resolve. git itself runs pre-commit, pre-push, pre-receive
    and due. Exit code 1 is a refusal.
    """
    _check_words(what, old, new)
    session = find_session(ctx)
    if what == "install":
        # A server's repository has no work tree to look for.
        hosted = install.open_hosted(session.start) if server else None
        project = hosted or session.uninitialised_project
        result = install.install_hooks(project, server=server, due=due, dry_run=dry_run)
        emit_result(result, draw_hook_install, json=json, code=result.exit_code)
        return
    between = CommitRange(old, new) if old else read_commit_range()
    code = perform_hook(session.start, what, words or [], between, json=json)
    if code:
        raise typer.Exit(code)


def _check_words(what: str, old: str, new: str) -> None:
    """Raise UsageError where a hook does not exist, or takes no range."""
    if what not in (*_ASKED, *_RUN_BY_GIT):
        raise UsageError(
            f"there is no hook `{what}`, only {', '.join(_ASKED)}", hint="mlver hook install"
        )
    if bool(old) != bool(new):
        raise UsageError(
            "--from and --to name one range, together",
            hint="mlver hook check --from main --to HEAD",
        )
    if old and what in _RUN_BY_GIT:
        raise UsageError(
            f"{what} is told by git what to judge",
            hint=shell_command("mlver", "hook", "check", "--from", old, "--to", new),
        )
