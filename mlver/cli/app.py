"""The table of commands, and the application that runs one of them.

A command's module is imported when that command runs, or when help or completion needs all of them:
start-up pays for nothing else.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_command

from mlver import __version__
from mlver.cli.completion import COMPLETING, adapt_completion, complete_git
from mlver.cli.plain_help import PlainHelpCommand, PlainHelpGroup
from mlver.errors import MlverError, ReasonMissing, UsageError, shell_command
from mlver.terminal import preferences
from mlver.terminal.exits import INTERRUPTED, CommandInterrupted
from mlver.terminal.options import choose_offline
from mlver.terminal.preferences import ColorChoice
from mlver.terminal.progress import TerminalReporter
from mlver.terminal.session import CommandSession

_HELP_OPTIONS = frozenset(("-h", "--help"))
_HELP = {"help_option_names": ["-h", "--help"]}
_DESCRIPTION = (
    "Version models with git: weights, data, params, environment, metrics, "
    "and who let them through."
)


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A command's heading in `mlver --help`, and the folder in `mlver.features` that holds it."""

    heading: str
    feature: str


# In the order in which help lists them, each below its heading.
COMMANDS = {
    "init": CommandEntry("Record", "registering"),
    "register": CommandEntry("Record", "registering"),
    "run": CommandEntry("Record", "runs"),
    "adopt": CommandEntry("Record", "adopting"),
    "note": CommandEntry("Record", "correcting"),
    "hash": CommandEntry("Record", "hashing"),
    "tag": CommandEntry("Record", "releasing"),
    "resolve": CommandEntry("Record", "merging"),
    "release": CommandEntry("Release", "releasing"),
    "event": CommandEntry("Release", "releasing"),
    "status": CommandEntry("Look", "comparing"),
    "list": CommandEntry("Look", "looking"),
    "stages": CommandEntry("Look", "looking"),
    "show": CommandEntry("Look", "looking"),
    "log": CommandEntry("Look", "looking"),
    "runs": CommandEntry("Look", "runs"),
    "diff": CommandEntry("Look", "comparing"),
    "compare": CommandEntry("Look", "comparing"),
    "lineage": CommandEntry("Look", "lineage"),
    "plot": CommandEntry("Look", "comparing"),
    "evaluate": CommandEntry("Move", "evaluating"),
    "approve": CommandEntry("Move", "approving"),
    "revoke": CommandEntry("Move", "approving"),
    "gates": CommandEntry("Move", "gating"),
    "promote": CommandEntry("Move", "stages"),
    "rollback": CommandEntry("Move", "stages"),
    "rollout": CommandEntry("Move", "rollouts"),
    "drill": CommandEntry("Move", "drilling"),
    "drift": CommandEntry("Look", "drifting"),
    "judge": CommandEntry("Move", "monitoring"),
    "due": CommandEntry("Look", "retraining"),
    "score": CommandEntry("Move", "scoring"),
    "monitor": CommandEntry("Move", "monitoring"),
    "watch": CommandEntry("Move", "watching"),
    "checkout": CommandEntry("Move", "stages"),
    "retire": CommandEntry("Move", "correcting"),
    "authorise": CommandEntry("Move", "authorising"),
    "deploy": CommandEntry("Serve", "deploying"),
    "push": CommandEntry("Share", "remotes"),
    "pull": CommandEntry("Share", "remotes"),
    "remote": CommandEntry("Share", "remotes"),
    "gc": CommandEntry("Share", "retention"),
    "du": CommandEntry("Share", "retention"),
    "export": CommandEntry("Share", "exporting"),
    "audit": CommandEntry("Check", "auditing"),
    "report": CommandEntry("Look", "auditing"),
    "card": CommandEntry("Look", "exporting"),
    "reproduce": CommandEntry("Check", "reproducing"),
    "verify": CommandEntry("Check", "checking"),
    "doctor": CommandEntry("Check", "checking"),
    "ci": CommandEntry("Release", "releasing"),
    "hook": CommandEntry("Check", "hooks"),
    "config": CommandEntry("Check", "settings"),
    "store": CommandEntry("Share", "storing"),
}


@dataclass(frozen=True, slots=True)
class LoadedCommand:
    """The function that Typer calls for a command, and command lines that show how it is used."""

    function: Callable[..., None]
    examples: tuple[str, ...]


def load_command(name: str) -> LoadedCommand:
    """Import a command: `<name>_command` and `<NAME>_EXAMPLES` of its feature's `cli.py`."""
    module = import_module(f"mlver.features.{COMMANDS[name].feature}.cli")
    return LoadedCommand(
        function=getattr(module, f"{name}_command"),
        examples=getattr(module, f"{name.upper()}_EXAMPLES"),
    )


def run_command(args: list[str]) -> int:
    """Run the command that `args` name; return its exit code.

    Raise MlverError, UsageError for a wrong command line, and CommandInterrupted for a Ctrl-C.
    """
    name = find_command_name(args)
    args = args or ["--help"]
    # What was asked of the library before is no part of this run.
    preferences.forget_preferences()
    program = _build_program(*([name] if name in COMMANDS else COMMANDS))
    reporter = TerminalReporter()
    try:
        with adapt_completion(COMMANDS), complete_git(args), _paging_help(args):
            exit_code = program(
                args, prog_name=_choose_program_name(args), standalone_mode=False, obj=reporter
            )
    except (typer.Abort, KeyboardInterrupt):
        raise CommandInterrupted(reporter.landed) from None
    except typer.TyperException as error:
        from mlver.cli.usage import describe_usage_error

        raise describe_usage_error(error, args, name) from None
    except MlverError as error:
        from mlver.cli.usage import add_reason, keep_given_options, suggest_command

        places = [error.suggestion_option] if error.suggestion_option else []
        if corrected := suggest_command(args, error.suggestion, places):
            error.hints = (corrected,)
        elif isinstance(error, UsageError) and not error.hints and name in COMMANDS:
            error.hints = (shell_command("mlver", name, "--help"),)
        elif name == "register":
            error.hints = tuple(keep_given_options(args, hint) for hint in error.hints)
        elif isinstance(error, ReasonMissing) and (complete := add_reason(args)):
            error.hints = (complete,)
        raise
    # Typer turns a Ctrl-C into this code.
    if exit_code == INTERRUPTED:
        raise CommandInterrupted(reporter.landed)
    return exit_code if isinstance(exit_code, int) else 0


@contextmanager
def _paging_help(args: list[str]) -> Iterator[None]:
    """Show help in the pager; a message that is `--help` makes no difference to a short text."""
    if _HELP_OPTIONS.isdisjoint(args):
        yield
        return
    from mlver.cli.plain_help import ranges_hidden
    from mlver.terminal.paging import help_paged

    with ranges_hidden(), help_paged():
        yield


@cache
def _build_program(*names: str) -> Callable[..., Any]:
    """Build it once, which takes longer than many a command: a process may run many of them."""
    return get_command(build_app(names))


def build_app(names: Iterable[str]) -> typer.Typer:
    """The application with these commands."""
    application = typer.Typer(
        cls=PlainHelpGroup, pretty_exceptions_enable=False, context_settings=_HELP
    )
    application.callback(help=_DESCRIPTION, epilog=_name_variables())(_set_global_options)
    for name in names:
        command = load_command(name)
        paragraphs = _unwrap_paragraphs(_read_docstring(command.function))
        add_command = application.command(
            name,
            cls=PlainHelpCommand,
            help=paragraphs,
            short_help=paragraphs.split("\n\n")[0],  # whole: shells would get 45 letters of it
            context_settings=_HELP,
            rich_help_panel=COMMANDS[name].heading,
            epilog="\n\n".join(("Examples:", *command.examples)),
        )
        add_command(command.function)
    return application


def _name_variables() -> str:
    names = ", ".join(variable.name for variable in preferences.VARIABLES)
    return f"Variables that stand for these options where they are not given: {names}"


def _read_docstring(function: Callable[..., None]) -> str:
    """Read a function's docstring, which is its help; `python -OO` leaves it in the source only."""
    docstring = inspect.getdoc(function)
    if docstring is not None:
        return docstring
    try:
        # Without `optimize`, newer Pythons leave docstrings out of the tree as well.
        text = inspect.getsource(function)
        source = compile(text, "help", "exec", flags=ast.PyCF_ONLY_AST, optimize=0)
    except (OSError, SyntaxError):
        return ""
    assert isinstance(source, ast.Module)
    (definition,) = source.body
    assert isinstance(definition, ast.FunctionDef)
    return ast.get_docstring(definition) or ""


def _unwrap_paragraphs(docstring: str) -> str:
    """Put each paragraph on one line, for the terminal to wrap."""
    # Typer would keep the line breaks of the source.
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mlver {__version__}")
        raise typer.Exit


# These count as soon as they are read: help and errors of the command line heed them, too.
def _choose_quiet(wanted: bool) -> None:
    preferences.prefer_option(quiet=wanted or None)


def _choose_color(choice: ColorChoice | None) -> None:
    preferences.prefer_option(color=choice)


def _choose_pager(refused: bool) -> None:
    preferences.prefer_option(pager="" if refused else None)


_Directory = Annotated[
    str,
    typer.Option(
        "-C", metavar="DIR", help="Run as if mlver was started in DIR.", show_default=False
    ),
]
_Wait = Annotated[
    float | None,
    typer.Option(
        "--wait",
        metavar="SECONDS",
        min=0,
        help="How long to wait while another mlver writes. [default: 30]",
    ),
]
_Quiet = Annotated[
    bool,
    typer.Option(
        "-q",
        "--quiet",
        help="Print results and errors only: no notes, no progress, no next steps.",
        is_eager=True,
        callback=_choose_quiet,
    ),
]
_Color = Annotated[
    ColorChoice | None,
    typer.Option(
        "--color",
        metavar="WHEN",
        help="Print in colours: auto (on a terminal), always or never.",
        is_eager=True,
        callback=_choose_color,
    ),
]
_NoPager = Annotated[
    bool,
    typer.Option(
        "--no-pager",
        help="Print long screens without a pager.",
        is_eager=True,
        callback=_choose_pager,
    ),
]
_Offline = Annotated[
    bool,
    typer.Option(
        "--offline",
        help="Ask no remote for anything that you did not ask for.",
        is_eager=True,
        callback=choose_offline,
    ),
]
_PrintVersion = Annotated[
    bool,
    typer.Option(
        "--version", help="Print the version and exit.", is_eager=True, callback=_print_version
    ),
]


def _set_global_options(
    ctx: typer.Context,
    directory: _Directory = "",
    wait: _Wait = None,
    quiet: _Quiet = False,
    color: _Color = None,
    no_pager: _NoPager = False,
    offline: _Offline = False,
    version: _PrintVersion = False,
) -> None:
    preferences.check_variables()
    preferences.prefer_option(wait=wait)
    start = Path.cwd() / directory
    if not start.is_dir():
        raise UsageError(
            f"-C takes the folder to work in, and {directory} is no directory",
            hint="mlver -C FOLDER COMMAND",
        )
    reporter = ctx.find_object(TerminalReporter) or TerminalReporter()
    ctx.obj = CommandSession(start, preferences.find_preferences().wait, reporter)


def find_command_name(args: list[str]) -> str | None:
    """The command's name in `args`: the first word that is no option and no value of one."""
    words = iter(args)
    for word in words:
        if word in ("-C", "--wait", "--color"):
            next(words, None)
        elif not word.startswith("-"):
            return word
    return None


def _choose_program_name(args: list[str]) -> str:
    """Our name as it was typed."""
    # The shell completes `mlver`, whatever installs the completion.
    if Path(sys.argv[0]).name == "git-mlver" and COMPLETING.isdisjoint(args):
        return "git mlver"
    return "mlver"
