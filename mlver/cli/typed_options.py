"""Which options a command line has, also where it is wrong and was never parsed."""

from __future__ import annotations

from collections.abc import Container

from typer.core import TyperGroup, TyperOption
from typer.main import get_command

from mlver.cli.app import COMMANDS, build_app, find_command_name


def list_typed_options(args: list[str]) -> list[str]:
    """The words of a command line that are options, and neither a value of one nor an argument.

    In `register m -m --json`, the message is `--json`.
    """
    takers = list_value_takers(find_command_name(args))
    options: list[str] = []
    words = iter(args)
    for word in words:
        if word == "--":
            break
        if not word.startswith("-"):
            continue
        options.append(word)
        if word in takers or _ends_in_taker(word, takers):
            next(words, None)
    return options


def _ends_in_taker(word: str, takers: Container[str]) -> bool:
    """Whether the last of several short options in one word, as in `-qm`, takes the next word."""
    if word.startswith("--") or len(word) < 3:
        return False
    # What follows an option that takes a value is its value.
    letters = [f"-{letter}" for letter in word[1:]]
    return letters[-1] in takers and not any(letter in takers for letter in letters[:-1])


def list_value_takers(name: str | None) -> frozenset[str]:
    """The options, of mlver itself and of one command, that are followed by a value."""
    # Without a command, any one brings the options of mlver itself.
    group = get_command(build_app([name if name in COMMANDS else "list"]))
    assert isinstance(group, TyperGroup)
    parameters = list(group.params)
    if name is not None and name in group.commands:
        parameters += group.commands[name].params
    takers: set[str] = set()
    for parameter in parameters:
        if isinstance(parameter, TyperOption) and not parameter.is_flag:
            takers.update(parameter.opts)
    return frozenset(takers)
