"""A wrong command line, told with a right one beside it."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Sequence
from typing import Any

import typer

from mlver.cli.app import COMMANDS, load_command
from mlver.cli.typed_options import ARGUMENT, COMMAND, OPTION, find_roles, list_value_takers
from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.names import PLACEHOLDER, find_similar
from mlver.terminal.options import complete_model, complete_ref, complete_stage

# What other tools call them.
OTHER_WORDS = {
    "ls": "list",
    "versions": "list",
    "history": "log",
    "describe": "show",
    "fsck": "verify",
}
_EXAMPLE_MODEL = "digits"
# How Typer quotes a value that an option cannot have, and what it says of one that is too low.
_TYPED_VALUE = re.compile(r": '?([^' ]+)'? is not ")
_NO_NUMBER = re.compile(r"is not a valid (float|int|integer)( range)?")
_BELOW = re.compile(r"is not in the range x>=(\d+)")
# Each of these says which number a version gets.
_MESSAGE = ("-m", "--message")
_NUMBERS = frozenset(("--bump", "--version"))


def describe_usage_error(
    error: typer.TyperException, args: list[str], name: str | None
) -> MlverError:
    """A wrong command line, with a right one beside it."""
    message = _format_usage_message(error)
    option = getattr(error, "option_name", None)
    # Only an option that does not exist comes with others that might have been meant.
    if option is not None and hasattr(error, "possibilities"):
        message = f"no such option: {printable_name(option)}"
        meant = _find_option(error, option)
        corrected = suggest_command(args, (option, meant), [OPTION])
        if corrected is not None:
            return UsageError(f"{message}; did you mean `{meant}`?", hint=corrected)
    elif name is not None and name not in COMMANDS:
        return _describe_unknown_command(args, name)
    if name not in COMMANDS:
        return UsageError(message, hint="mlver --help")
    ask_help = shell_command("mlver", name, "--help")
    options = getattr(getattr(error, "param", None), "opts", ())
    if corrected := suggest_command(args, _choose_value(error), options):
        return UsageError(message, hints=(corrected, ask_help))
    if stages := _list_missing_stages(error):
        words = ["mlver", *args, "--to" if "'--to'" in message else "--stage", stages[-1]]
        has_message = "-m" in words or "--message" in words
        if not has_message and _needs_reason(name):
            words += ["-m", PLACEHOLDER]
        message = f"{message}; the stages here are {', '.join(stages)}"
        return UsageError(message, hints=(shell_command(*words), ask_help))
    examples = load_command(name).examples
    example = _adapt_example(error, examples[_choose_example(examples, option)])
    return UsageError(message, hints=(example, ask_help))


def _needs_reason(name: str) -> bool:
    """Whether a command asks why: then its first example says so."""
    return "-m" in shlex.split(load_command(name).examples[0])


def _choose_example(examples: Sequence[str], option: str | None) -> int:
    """Which example has the option that is in question; the first where none has."""
    for number, example in enumerate(examples):
        if option in shlex.split(example):
            return number
    return 0


def _choose_value(error: typer.TyperException) -> tuple[str, str] | None:
    """A value that an option cannot have, and the most similar one that it can."""
    typed = _TYPED_VALUE.search(error.format_message())
    kind = getattr(getattr(error, "param", None), "type", None)
    if typed is None or kind is None:
        return None
    choices = [str(choice) for choice in getattr(kind, "choices", ())]
    if choices:
        return typed[1], find_similar(typed[1], choices) or choices[0]
    least = getattr(kind, "min", None)
    return None if least is None else (typed[1], str(least))


def _list_missing_stages(error: typer.TyperException) -> list[str]:
    """The stages of the project, where an option that takes one of them is missing."""
    parameter, context = getattr(error, "param", None), getattr(error, "ctx", None)
    if parameter is None or context is None or not parameter.required:
        return []
    is_stage = parameter.metavar == "STAGE" and _TYPED_VALUE.search(error.format_message()) is None
    return complete_stage(context, "") if is_stage else []


def _adapt_example(error: typer.TyperException, example: str) -> str:
    """An example of a command, of a model that is here; as it is where there is none."""
    context = getattr(error, "ctx", None)
    models = complete_model(context, "") if context is not None else []
    if not models or _EXAMPLE_MODEL in models:
        return example
    words: list[str] = []
    for word in shlex.split(example)[1:]:
        named, at, selector = word.partition("@")
        if named == _EXAMPLE_MODEL:
            words.append(f"{models[0]}{at}{_find_selector(context, models[0], selector)}")
        else:
            words.append(word)
    return shell_command("mlver", *words)


def _find_selector(context: Any, model: str, selector: str) -> str:
    """The newest version of a model in the place of the one that an example names."""
    if not selector[:1].isdigit():
        return selector
    for ref in complete_ref(context, f"{model}@"):
        found = ref.partition("@")[2]
        if found[:1].isdigit():
            return found
    return selector


def keep_given_options(args: list[str], hint: str) -> str:
    """The hint for another `register`, with the options that were given and that it leaves as is.

    A registration may have many of them, and whoever copies the hint would lose them.
    """
    program, *hint_words = shlex.split(hint)
    if program != "mlver" or hint_words[:1] != ["register"]:
        return hint
    # What stands before the command's name belongs to mlver itself.
    start = args.index("register")
    arguments, given = _split_options(args[start:])
    _, hinted = _split_options(hint_words)
    # People type it: it prints no document.
    replaced = {option for option, _ in hinted} - {"-m"} | {"--json"}
    if replaced & _NUMBERS:
        # an amended version keeps its number, so neither goes with the other
        replaced |= {*_NUMBERS, "--amend"}
    # An empty message is what was refused.
    given = [(option, value) for option, value in given if not _is_empty_message(option, value)]
    kept = [pair for pair in given if pair[0] not in replaced]
    # Most hints for a registration hold all of it already.
    if ("-m", ["WHY"]) not in hinted or all(pair in hinted for pair in kept):
        return hint
    if any(option in _MESSAGE for option, _ in given):
        hinted = [pair for pair in hinted if pair[0] != "-m"]
    words = ["mlver", *args[:start], *arguments]
    for option, value in (*kept, *hinted):
        words += [option, *value]
    return shell_command(*words)


def add_reason(args: list[str]) -> str | None:
    """The command line as it was typed, with a message; None where it cannot be shown like that.

    Whoever copies it would lose a condition otherwise, or do what was to be a dry run.
    """
    if "--" in args or not all(map(str.isprintable, args)):
        return None
    words: list[str] = []
    for word, role in zip(args, find_roles(args), strict=True):
        is_message = role in _MESSAGE or (role == OPTION and word.partition("=")[0] in _MESSAGE)
        # People type it: it prints no document.
        if not is_message and (role, word) != (OPTION, "--json"):
            words.append(word)
    return shell_command("mlver", *words, "-m", PLACEHOLDER)


def _is_empty_message(option: str, value: list[str]) -> bool:
    return option in _MESSAGE and not "".join(value).strip()


def _split_options(words: list[str]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """The words that are no options, and each option with the value behind it."""
    takers = list_value_takers("register")
    others: list[str] = []
    options: list[tuple[str, list[str]]] = []
    remaining = iter(words)
    for word in remaining:
        if not word.startswith("-"):
            others.append(word)
        elif word in takers:
            # an empty value is one, too
            options.append((word, list(itertools.islice(remaining, 1))))
        else:
            name, equals, value = word.partition("=")
            options.append((name, [value] if equals else []))
    return others, options


def _describe_unknown_command(args: list[str], name: str) -> UsageError:
    message = f"there is no command `{printable_name(name)}`"
    meant = OTHER_WORDS.get(name) or find_similar(name, COMMANDS)
    corrected = suggest_command(args, (name, meant or name), [COMMAND])
    if corrected is None:
        return UsageError(message, hint="mlver --help")
    return UsageError(f"{message}; did you mean `{meant}`?", hint=corrected)


def _find_option(error: typer.TyperException, typed: str) -> str:
    """The option that was probably meant, or the one that was typed."""
    known: list[str] = []
    context = getattr(error, "ctx", None)
    for parameter in context.command.params if context is not None else ():
        known += (option for option in parameter.opts if option.startswith("--"))
    return find_similar(typed, known) or typed


def suggest_command(
    args: list[str], suggestion: tuple[str, str] | None, places: Sequence[str] = ()
) -> str | None:
    """The command line with the word that was probably meant in the place of the one given.

    `places` are what that word is: OPTION, COMMAND, or the options whose value it is. Without them
    it is an argument, or where no argument is that word, the value of any option but a message.
    None where the command line would be the same, or where it cannot be shown as it has to be
    typed.
    """
    if suggestion is None:
        return None
    typed, meant = suggestion
    roles = find_roles(args)
    if not places:
        places = [ARGUMENT] if (typed, ARGUMENT) in zip(args, roles, strict=True) else []
    words: list[str] = []
    for word, role in zip(args, roles, strict=True):
        option, equals, value = word.partition("=")
        if role == OPTION and equals:
            if OPTION in places and option == typed:
                option = meant
            if value == typed and _is_place(option, places):
                value = meant
            words.append(f"{option}={value}")
        else:
            words.append(meant if word == typed and _is_place(role, places) else word)
    if words == args or not all(map(str.isprintable, words)):
        return None
    return shell_command("mlver", *words)


def _is_place(role: str, places: Sequence[str]) -> bool:
    """Whether a word of this role is replaced; without places, the value of every option is."""
    return role in places if places else role not in (OPTION, COMMAND, *_MESSAGE)


def _format_usage_message(error: typer.TyperException) -> str:
    """Typer's message, written as our own messages are."""
    message = error.format_message().strip().rstrip(".")
    message = _NO_NUMBER.sub("is no number", message)
    message = _BELOW.sub(r"is too low; the lowest is \1", message)
    return message[:1].lower() + message[1:]
