"""The manual pages in docs/man, made from the command line as it is.

One page for mlver, one for each command, and `git-mlver`, which `git mlver --help` opens. The wheel
installs them. The format is man(7) of groff.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import typer.main

from mlver import __version__
from mlver.cli.app import COMMANDS, build_app, load_command
from mlver.terminal.preferences import VARIABLES

FOLDER = "docs/man"
_EXIT_CODES = (
    ("0", "Done."),
    ("1", "The answer is no: damage was found, a gate is shut, something differs."),
    ("2", "The command line was wrong."),
    ("3", "Refused or failed, with a reason and a hint."),
    ("70", "A bug in mlver."),
    ("130", "Interrupted."),
)
_WIDTH = 78


def write_pages() -> Mapping[str, str]:
    """Each page by the name of its file."""
    program = typer.main.get_command(build_app(COMMANDS))
    pages = {"mlver.1": _write_program(program), "git-mlver.1": ".so man1/mlver.1\n"}
    for name in COMMANDS:
        pages[f"mlver-{name}.1"] = _write_command(name, program.commands[name])  # type: ignore[attr-defined]
    return pages


def _write_program(program: Any) -> str:
    lines = [*_begin_page("mlver", program.help, "mlver [OPTIONS] COMMAND [ARGS]...")]
    lines += [".br", _quote_text("git mlver [OPTIONS] COMMAND [ARGS]..."), ".SH DESCRIPTION"]
    lines += [_quote_text(program.help), ".SH OPTIONS", *_write_parameters(program, "option")]
    lines += [".SH COMMANDS"]
    for name, command in program.commands.items():
        lines += [*_write_item(f"mlver-{name}(1)"), _quote_text(command.help.split("\n\n")[0])]
    lines += [".SH ENVIRONMENT", "An option wins over its variable. An empty one counts as unset."]
    for variable in VARIABLES:
        lines += [*_write_item(f"{variable.name} ({variable.option})")]
        lines += [_quote_text(f"{variable.meaning} Values: {variable.values}.")]
    lines += [".SH EXIT STATUS", *_write_exit_codes(), ".SH SEE ALSO", "git(1), sha256sum(1)"]
    return _finish_page(lines)


def _write_command(name: str, command: Any) -> str:
    summary, *paragraphs = command.help.split("\n\n")
    context = command.context_class(command, info_name=f"mlver {name}")
    usage = " ".join((f"mlver {name}", *command.collect_usage_pieces(context)))
    lines = [*_begin_page(f"mlver-{name}", summary, usage), ".SH DESCRIPTION"]
    lines.append(_quote_text(summary))
    for paragraph in paragraphs:
        lines += [".PP", _quote_text(paragraph)]
    if arguments := list(_write_parameters(command, "argument")):
        lines += [".SH ARGUMENTS", *arguments]
    lines += [".SH OPTIONS", *_write_parameters(command, "option"), ".SH EXAMPLES"]
    for example in load_command(name).examples:
        lines += [".PP", ".nf", _quote_text(example, fill=False), ".fi"]
    return _finish_page([*lines, ".SH SEE ALSO", "mlver(1)"])


def _begin_page(title: str, summary: str, usage: str) -> Iterator[str]:
    yield '.\\" Written by python -m tests.docs from the command line: change that.'
    # Without a date: a page is as old as its version.
    yield f'.TH "{title.upper()}" "1" "" "mlver {__version__}" "mlver"'
    yield from (".SH NAME", _quote_text(f"{title} - {summary.rstrip('.')}"))
    yield from (".SH SYNOPSIS", _quote_text(usage))


def _write_parameters(command: Any, kind: str) -> Iterator[str]:
    for parameter in command.params:
        if parameter.param_type_name != kind or parameter.hidden:
            continue
        yield from _write_item(_name_parameter(parameter))
        yield _quote_text(_describe_parameter(parameter))


def _name_parameter(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.metavar).strip("[]")
    names = ", ".join((*parameter.opts, *parameter.secondary_opts))
    return names if parameter.is_flag else f"{names} {_name_value(parameter)}"


def _name_value(parameter: Any) -> str:
    if parameter.metavar:
        return str(parameter.metavar)
    choices = getattr(parameter.type, "choices", ())
    return "|".join(map(str, choices)) or "N"


def _describe_parameter(parameter: Any) -> str:
    said = str(parameter.help)
    if parameter.required:
        said += " Required."
    elif parameter.show_default and parameter.default not in (None, False, ""):
        said += f" The default is {parameter.default}."
    return said


def _write_exit_codes() -> Iterator[str]:
    for code, meaning in _EXIT_CODES:
        yield from _write_item(code)
        yield _quote_text(meaning)


def _write_item(tag: str) -> Iterator[str]:
    yield from (".TP", f".B {_quote_text(tag, fill=False)}")


def _quote_text(text: str, *, fill: bool = True) -> str:
    """A text as man(7) shows it unchanged: no line of it is a request."""
    words = text.replace("\\", "\\e").replace("-", "\\-")
    lines = textwrap.wrap(words, _WIDTH, break_long_words=False, break_on_hyphens=False)
    quoted = [f"\\&{line}" if line.startswith((".", "'")) else line for line in lines]
    return "\n".join(quoted) if fill else " ".join(quoted)


def _finish_page(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
