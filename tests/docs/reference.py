"""The sections of the documentation that are generated from the schemas and from the command line itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import typer.main

from mlver.cli.app import COMMANDS, build
from tests.conftest import CHECKOUT

SCHEMAS = CHECKOUT / "schemas"
Schema = Mapping[str, Any]


def generate_section(name: str) -> str:
    """The Markdown of a generated section: `settings KIND`, `options COMMAND` or `results`."""
    kind, _, subject = name.partition(" ")
    if kind == "settings":
        return _write_table(("key", "value", "default", "what it says"), _list_settings(subject))
    if kind == "options":
        return _write_table(("option", "what it does"), _list_options(subject))
    if kind == "results":
        return _write_table(("schema", "what it describes"), _list_results())
    raise ValueError(f"there is no generated section called {name!r}")


def _write_table(heading: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [heading, ("---",) * len(heading), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _code(text: object) -> str:
    return f"`{text}`".replace("|", "\\|")


def _text(text: object) -> str:
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
        named = _resolve(document, part["propertyNames"])
        name = str(named.get("title", "name")).removeprefix("a ").split(",")[0]
        yield from _list_key(document, others, f"{prefix}<{name}>", required=False)


def _list_key(document: Schema, value: Schema, path: str, *, required: bool) -> Iterator[tuple[str, ...]]:
    schema = _resolve(document, value)
    default = _code(schema["default"]).lower() if "default" in schema else ""
    if required:
        default = "required"
    yield _code(path), _describe_value(document, schema), default, _text(schema.get("description", ""))
    yield from _list_keys(document, schema, f"{path}.")


def _resolve(document: Schema, schema: Schema) -> Schema:
    """The schema with what its `$ref` names; its own words come before those of the other."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    return {**document["$defs"][reference.removeprefix("#/$defs/")], **schema}


def _describe_value(document: Schema, schema: Schema) -> str:
    if "const" in schema:
        return _code(schema["const"])
    if "enum" in schema:
        return " or ".join(map(_code, schema["enum"]))
    if "title" in schema:
        return str(schema["title"])
    kind = schema["type"]
    if kind == "array":
        return f"a list; each entry is {_describe_value(document, _resolve(document, schema['items']))}"
    if kind == "integer" and "minimum" in schema:
        return f"a whole number, at least {schema['minimum']}"
    words = {"object": "keys, below", "boolean": "`true` or `false`", "string": "text"}
    return words.get(kind, str(kind))


# -- the command line


def list_options(command: str) -> dict[str, list[str]]:
    """The options of a command, each with all its names, by the first of them; `` is mlver itself."""
    return {option.opts[0]: [*option.opts, *option.secondary_opts] for option in _options(command)}


def _list_options(command: str) -> Iterator[tuple[str, ...]]:
    for option in _options(command):
        value = f" {option.metavar}" if option.metavar else ""
        names = ", ".join(option.opts)
        choices = "" if option.metavar else _list_choices(option)
        yield _code(f"{names}{value}"), _text(f"{option.help}{choices}")


def _list_choices(option: Any) -> str:
    choices = getattr(option.type, "choices", ())
    return f" One of {', '.join(map(_code, choices))}." if choices else ""


@cache
def _application() -> Any:
    """Typer has no types for what it makes of commands."""
    return typer.main.get_command(build(COMMANDS))


def _options(command: str) -> list[Any]:
    holder = _application().commands[command] if command else _application()
    options = [each for each in holder.params if each.param_type_name == "option"]
    return [each for each in options if not each.hidden and each.name != "help"]


# -- the results


def _list_results() -> Iterator[tuple[str, ...]]:
    for path in sorted(SCHEMAS.glob("result-*.json")):
        schema = json.loads(path.read_text())
        link = f"[{path.name.removesuffix('.schema.json')}](../../schemas/{path.name})"
        yield link, _text(f"{schema['title']}: {schema['description']}")
