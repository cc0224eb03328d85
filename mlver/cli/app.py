"""Which commands there are, and the application that holds the one asked for.

A command's module is imported when it is the one invoked, or when help or completion needs them all: start-up pays for
nothing else.
"""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from mlver import __version__
from mlver.cli.completion import rejoin_bash_words
from mlver.errors import MlverError, UsageError
from mlver.system.lock import WAIT_S
from mlver.terminal.exits import INTERRUPTED
from mlver.terminal.progress import TerminalReporter
from mlver.terminal.session import CommandSession


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """A command's heading in `mlver --help`, and the folder in `mlver.features` that holds it."""

    heading: str
    feature: str


# In the order in which help lists them, each below its heading.
COMMANDS = {
    "init": CommandEntry("Record", "registering"),
    "register": CommandEntry("Record", "registering"),
    "adopt": CommandEntry("Record", "adopting"),
    "tag": CommandEntry("Record", "releasing"),
    "resolve": CommandEntry("Record", "merging"),
    "release": CommandEntry("Release", "releasing"),
    "event": CommandEntry("Release", "releasing"),
    "status": CommandEntry("Look", "comparing"),
    "list": CommandEntry("Look", "looking"),
    "show": CommandEntry("Look", "looking"),
    "log": CommandEntry("Look", "looking"),
    "diff": CommandEntry("Look", "comparing"),
    "promote": CommandEntry("Move", "stages"),
    "rollback": CommandEntry("Move", "stages"),
    "checkout": CommandEntry("Move", "stages"),
    "verify": CommandEntry("Check", "checking"),
    "doctor": CommandEntry("Check", "checking"),
    "ci": CommandEntry("Release", "releasing"),
    "hook": CommandEntry("Check", "hooks"),
}


@dataclass(frozen=True, slots=True)
class LoadedCommand:
    """The function that Typer calls for a command, and command lines that show how it is used."""

    function: Callable[..., None]
    examples: tuple[str, ...]


def load_command(name: str) -> LoadedCommand:
    """The command called `name`: `<name>_command` and `<NAME>_EXAMPLES` of its feature's `cli.py`."""
    module = import_module(f"mlver.features.{COMMANDS[name].feature}.cli")
    return LoadedCommand(
        function=getattr(module, f"{name}_command"),
        examples=getattr(module, f"{name.upper()}_EXAMPLES"),
    )


def run_command(args: list[str]) -> int:
    """Run the command `args` name; return its exit code. Raise MlverError, UsageError for a wrong command line."""
    name = _find_command_name(args)
    args = args or ["--help"]
    app = build_app([name] if name in COMMANDS else COMMANDS)
    try:
        with rejoin_bash_words(COMMANDS):
            code = app(args, prog_name=_choose_program_name(args), standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except typer.TyperException as error:
        raise _describe_usage_error(error, name) from None
    if code == INTERRUPTED:  # typer's own way to pass a Ctrl-C on
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0


def build_app(names: Iterable[str]) -> typer.Typer:
    """The application with these commands."""
    app = typer.Typer(pretty_exceptions_enable=False, context_settings=_HELP)
    app.callback(
        help="Version models with git: weights, data, params, environment, metrics, and who let them through."
    )(_set_global_options)
    for name in names:
        command = load_command(name)
        add_command = app.command(
            name,
            help=_unwrap_paragraphs(inspect.getdoc(command.function) or ""),
            context_settings=_HELP,
            rich_help_panel=COMMANDS[name].heading,
            epilog="\n\n".join(("Examples:", *command.examples)),
        )
        add_command(command.function)
    return app


def _unwrap_paragraphs(docstring: str) -> str:
    """Each paragraph on one line, for the terminal to wrap: Typer would keep the breaks of the source."""
    return "\n\n".join(
        " ".join(paragraph.split()) for paragraph in inspect.cleandoc(docstring).split("\n\n")
    )


_HELP = {"help_option_names": ["-h", "--help"]}


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mlver {__version__}")
        raise typer.Exit


def _set_global_options(
    ctx: typer.Context,
    directory: Annotated[
        str,
        typer.Option(
            "-C", metavar="DIR", help="Run as if mlver was started in DIR.", show_default=False
        ),
    ] = "",
    wait: Annotated[
        float,
        typer.Option(
            "--wait", metavar="SECONDS", min=0, help="How long to wait while another mlver writes."
        ),
    ] = WAIT_S,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    start = Path.cwd() / directory
    if not start.is_dir():
        raise UsageError(
            f"-C names {directory}, which is no directory",
            hint="mlver -C DIR … takes the folder to work in",
        )
    TerminalReporter.done.clear()  # of an earlier command in this process
    ctx.obj = CommandSession(start, wait)


def _find_command_name(args: list[str]) -> str | None:
    """The command among `args`: the first word that is neither an option nor the value of one."""
    words = iter(args)
    for word in words:
        if word in ("-C", "--wait"):
            next(words, None)
        elif not word.startswith("-"):
            return word
    return None


def _choose_program_name(args: list[str]) -> str:
    """Our name as it was typed; but what the shell completes is `mlver`."""
    completion = {"--install-completion", "--show-completion"}
    return (
        "git mlver"
        if Path(sys.argv[0]).name == "git-mlver" and completion.isdisjoint(args)
        else "mlver"
    )


def _describe_usage_error(error: typer.TyperException, name: str | None) -> MlverError:
    """A wrong command line, with a right one beside it."""
    if name in COMMANDS:
        example = load_command(name).examples[0]
        return UsageError(_format_usage_message(error), hints=(example, f"mlver {name} --help"))
    if name is None:
        return UsageError(_format_usage_message(error), hint="mlver --help")
    meant = difflib.get_close_matches(name, COMMANDS, n=1)
    return UsageError(
        f"there is no command `{name}`" + (f"; did you mean `{meant[0]}`?" if meant else ""),
        hint=f"mlver {meant[0]} --help" if meant else "mlver --help",
    )


def _format_usage_message(error: typer.TyperException) -> str:
    """What typer says, as our own messages begin and end."""
    said = error.format_message().strip().rstrip(".")
    return said[:1].lower() + said[1:]
