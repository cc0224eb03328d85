"""Options that were given an empty value, as a variable of the shell gives it that is not set."""

from __future__ import annotations

from typing import Any

from typer.core import TyperOption

from mlver.errors import UsageError

# An empty text is a version without a command, though the settings name one.
_MAY_BE_EMPTY = frozenset({"--command"})


def refuse_empty_values(ctx: Any) -> None:
    """Raise UsageError for an option of this command whose value is empty.

    Where empty is the default, it means that nothing was given.
    """
    for parameter in ctx.command.params:
        if not isinstance(parameter, TyperOption) or parameter.default == "":
            continue
        given = ctx.params.get(parameter.name)
        values = given if parameter.multiple else [given]
        option = parameter.opts[-1]
        if "" in (values or ()) and option not in _MAY_BE_EMPTY:
            raise UsageError(f"{option} is empty, and takes {parameter.make_metavar(ctx)}")
