"""The generated sections of the documentation, made from the schemas and the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import typer.main

from mlver.cli.app import COMMANDS, build_app
from mlver.terminal.preferences import VARIABLES
from tests.conftest import CHECKOUT

SCHEMAS = CHECKOUT / "schemas"
Schema = Mapping[str, Any]


def generate_section(name: str) -> str:
    """The Markdown of a section: `settings KIND`, `options COMMAND`, `variables`, `results`."""
    kind, _, subject = name.partition(" ")
    if kind == "settings":
        return _write_table(("key", "value", "default", "what it says"), _list_settings(subject))
    if kind == "options":
        return _write_table(("option", "what it does"), _list_options(subject))
    if kind == "variables":
        heading = ("variable", "values", "option that wins over it", "what it says")
        return _write_table(heading, _list_variables())
    if kind == "results":
        return _write_table(("schema", "what it describes"), _list_results())
    raise ValueError(f"there is no generated section called {name!r}")


def _write_table(heading: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [heading, ("---",) * len(heading), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _quote_code(text: object) -> str:
    return f"`{text}`".replace("|", "\\|")


def _quote_text(text: object) -> str:
    """Words of a schema or of a help text, as Markdown shows them unchanged in a cell."""
    return str(text).replace("|", "\\|").replace("<", "&lt;")


# -- settings


def _list_settings(kind: str) -> Iterator[tuple[str, ...]]:
    document = json.loads((SCHEMAS / f"{kind}.schema.json").read_text())
    yield from _list_keys(document, document, "")


def _list_keys(document: Schema, part: Schema, prefix: str) -> Iterator[tuple[str, ...]]:
    for key, value in part.get("properties", {}).items():
        required = key in part.get("required", ())
        yield from _list_key(document, value, f"{prefix}{key}", required=required)
    others = part.get("additionalProperties")
    if isinstance(others, dict):
        named = _resolve_reference(document, part["propertyNames"])
        name = str(named.get("title", "name")).removeprefix("a ").split(",")[0]
        yield from _list_key(document, others, f"{prefix}<{name}>", required=False)


def _list_key(
    document: Schema, value: Schema, path: str, *, required: bool
) -> Iterator[tuple[str, ...]]:
    schema = _resolve_reference(document, value)
    default = _quote_code(schema["default"]).lower() if "default" in schema else ""
    if required:
        default = "required"
    yield (
        _quote_code(path),
        _describe_value(document, schema),
        default,
        _quote_text(schema.get("description", "")),
    )
    yield from _list_keys(document, schema, f"{path}.")


def _resolve_reference(document: Schema, schema: Schema) -> Schema:
    """The schema with what its `$ref` names; its own words come before those of the other."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    return {**document["$defs"][reference.removeprefix("#/$defs/")], **schema}


def _describe_value(document: Schema, schema: Schema) -> str:
    if "const" in schema:
        return _quote_code(schema["const"])
    if "enum" in schema:
        return " or ".join(map(_quote_code, schema["enum"]))
    if "title" in schema:
        return str(schema["title"])
    kind = schema["type"]
    if kind == "array":
        entry = _resolve_reference(document, schema["items"])
        return f"a list; each entry is {_describe_value(document, entry)}"
    if kind == "integer" and "minimum" in schema:
        return f"a whole number, at least {schema['minimum']}"
    words = {"object": "keys, below", "boolean": "`true` or `false`", "string": "text"}
    return words.get(kind, str(kind))


# -- the command line


def name_options(command: str) -> set[str]:
    """Every name of every option of a command; an empty command is mlver itself."""
    names: set[str] = set()
    for option in _find_options(command):
        names.update(option.opts, option.secondary_opts)
    return names


def _list_options(command: str) -> Iterator[tuple[str, ...]]:
    for option in _find_options(command):
        value = f" {option.metavar}" if option.metavar else ""
        names = ", ".join(option.opts)
        choices = "" if option.metavar else _list_choices(option)
        yield _quote_code(f"{names}{value}"), _quote_text(f"{option.help}{choices}")


def _list_choices(option: Any) -> str:
    choices = getattr(option.type, "choices", ())
    return f" One of {', '.join(map(_quote_code, choices))}." if choices else ""


@cache
def _build_application() -> Any:
    """Typer has no types for what it makes of commands."""
    return typer.main.get_command(build_app(COMMANDS))


def _find_options(command: str) -> list[Any]:
    holder = _build_application().commands[command] if command else _build_application()
    options = [each for each in holder.params if each.param_type_name == "option"]
    return [each for each in options if not each.hidden and each.name != "help"]


def _list_variables() -> Iterator[tuple[str, ...]]:
    for variable in VARIABLES:
        yield (
            _quote_code(variable.name),
            variable.values,
            _quote_code(variable.option),
            _quote_text(variable.meaning),
        )


# -- the results


def _list_results() -> Iterator[tuple[str, ...]]:
    for path in sorted(SCHEMAS.glob("result-*.json")):
        schema = json.loads(path.read_text())
        link = f"[{path.name.removesuffix('.schema.json')}](../../schemas/{path.name})"
        yield link, _quote_text(f"{schema['title']}: {schema['description']}")
