"""Which options a command line has, also where it is wrong and was never parsed."""

from __future__ import annotations

from collections.abc import Container

from typer.core import TyperGroup, TyperOption
from typer.main import get_command

from mlver.cli.app import COMMANDS, build_app, find_command_name

OPTION, COMMAND, ARGUMENT = "an option", "the command", "an argument"


def list_typed_options(args: list[str]) -> list[str]:
    """The words of a command line that are options, and neither a value of one nor an argument.

    In `register m -m --json`, the message is `--json`.
    """
    return [word for word, role in zip(args, find_roles(args), strict=True) if role == OPTION]


def find_roles(args: list[str]) -> list[str]:
    """What each word of a command line is: OPTION, COMMAND, ARGUMENT, or the option, such as
    `--to`, whose value it is.

    `--to=1.0.0` is an OPTION, and `--` stands for itself.
    """
    takers = list_value_takers(find_command_name(args))
    roles: list[str] = []
    taker = ""
    is_ended = False
    for word in args:
        if taker:
            roles.append(taker)
            taker = ""
        elif word.startswith("-") and not is_ended:
            is_ended = word == "--"
            roles.append(word if is_ended else OPTION)
            if word in takers or _ends_in_taker(word, takers):
                taker = word if word in takers else f"-{word[-1]}"
        else:
            roles.append(ARGUMENT if COMMAND in roles else COMMAND)
    return roles


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
