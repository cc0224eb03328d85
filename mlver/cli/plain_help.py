"""Help in the words of people: `REF` and `N`, where Typer shows `{REF}`, `<str>` and `[x>=1]`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup

from mlver.cli.empty_values import refuse_empty_values
from mlver.terminal.words_behind import remember_words


class PlainHelpCommand(TyperCommand):
    """A command whose help names no type of Python, and which refuses empty values."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        _hide_types(self.params)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words behind the command; raise UsageError for an option that is empty."""
        remember_words(ctx, args)
        rest = super().parse_args(ctx, args)
        if not ctx.resilient_parsing:
            refuse_empty_values(ctx)
        return rest

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; what looks like markup of rich is text."""
        TyperCommand.format_help(_escape_command(self), ctx, formatter)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words of the line `Usage:`; a required one stands without brackets."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]


class PlainHelpGroup(TyperGroup):
    """The same for mlver itself."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        _hide_types(self.params)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; what looks like markup of rich is text."""
        shown = _escape_command(self)
        shown.commands = {name: _escape_command(other) for name, other in self.commands.items()}
        TyperGroup.format_help(shown, ctx, formatter)


def _escape_command(command: Any) -> Any:
    """A copy of a command, for Typer to show: it would read rich's markup in the texts."""
    from mlver.terminal.markup import escape_markup

    shown = copy(command)
    for name in ("help", "short_help", "epilog"):
        text = getattr(command, name)
        if text is not None:
            setattr(shown, name, escape_markup(text))
    shown.params = [copy(parameter) for parameter in command.params]
    for parameter in shown.params:
        if getattr(parameter, "help", None) is not None:
            parameter.help = escape_markup(parameter.help)
    return shown


def _hide_types(parameters: list[Any]) -> None:
    for parameter in parameters:
        # Types are shared by all commands of a process, those of other programs included.
        plain_type = copy(parameter.type)
        if isinstance(parameter, TyperArgument):
            plain_type.get_metavar = _show_nothing
        elif hasattr(plain_type, "_describe_range"):
            parameter.metavar = parameter.metavar or "N"
        parameter.type = plain_type


@contextmanager
def ranges_hidden() -> Iterator[None]:
    """Leave out the ranges of numbers, which help would show as `[x>=1]`. Errors tell them.

    They are back afterwards: the process may be that of another program with Typer's help.
    """
    from typer import rich_utils

    before = rich_utils.RANGE_STRING
    rich_utils.RANGE_STRING = ""
    try:
        yield
    finally:
        rich_utils.RANGE_STRING = before


def _show_nothing(*_arguments: Any, **_options: Any) -> str:
    return ""
