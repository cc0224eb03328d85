"""Documents judged by their JSON Schemas (draft 2020-12); the only importer of jsonschema, and only to name faults.

The schema files are the one source of truth. Nothing is ever fetched: the registry of references is empty.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Literal, get_args

from mlver.document.accept import UnknownKeyword, compile_accept
from mlver.document.faults import MAX_FAULTS, fault, shorten
from mlver.document.pattern import translate
from mlver.document.strict import Lines
from mlver.document.wording import Found, explain, show
from mlver.errors import InvalidDocument

if TYPE_CHECKING:
    from collections.abc import Callable

    from jsonschema.protocols import Validator

Kind = Literal["version", "promotion", "model", "config", "evaluation", "approval"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_SCHEMA_ID = re.compile(r"mlver/([a-z]+)/([0-9]{1,9})")


def validate(kind: Kind, value: Any, lines: Lines | None, where: str, extra_schema: bytes | None = None) -> None:
    """Raise InvalidDocument, naming `where`, with every fault of a document of this kind.

    `lines` gives the faults their lines; None for a document that was not read from a file. `extra_schema` is a
    project's own schema, untrusted, which the document must satisfy as well.
    """
    _refuse_other_format(kind, value, lines, where)
    faults = () if accepts(kind)(value) else faults_of(validator(kind), value, lines)
    if extra_schema is not None and not faults:
        from mlver.document.project_schema import compile_schema

        faults = compile_schema(extra_schema, f"the project's own {kind} schema").faults(value, lines)
    if faults:
        raise InvalidDocument(where, faults)


def schema_bytes(name: str) -> bytes:
    """The bytes of `<name>.schema.json`: inside the installed package, or beside it in a checkout."""
    package, checkout = FilePath(__file__).parents[1:3]
    folder = next(folder for folder in (package / "schemas", checkout / "schemas") if folder.is_dir())
    return (folder / f"{name}.schema.json").read_bytes()


@functools.cache
def schema(kind: Kind) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(schema_bytes(kind))
    return loaded


@functools.cache
def accepts(kind: Kind) -> Callable[[Any], bool]:
    """The quick yes of a kind; one that never says yes where its schema outgrew it."""
    try:
        return compile_accept(schema(kind))
    except UnknownKeyword:
        return lambda value: False


@functools.cache
def validator(kind: Kind) -> Validator:
    """The validator of a kind, built once a process: building it costs as much as a hundred documents."""
    return make_validator(schema(kind), lambda pattern: re.compile(translate(pattern), re.ASCII).search)


def make_validator(schema: Any, matcher: Callable[[str], Callable[[str], Any]]) -> Validator:
    """A validator that reads `integer` and `pattern` as JSON Schema means them, and resolves no foreign reference.

    jsonschema on its own takes 1.0 for an integer, and matches patterns by Python's rules, by which `$` lets a
    newline follow and `\\d` is any script's digit. `matcher` gives the search function of a pattern.
    """
    import jsonschema
    import referencing

    search = functools.cache(matcher)

    def pattern(_: Any, wanted: str, instance: Any, __: Any) -> Any:
        if isinstance(instance, str) and not search(wanted)(instance):
            yield jsonschema.ValidationError(f"{show(instance)} does not match {wanted}")

    def is_integer(_: Any, instance: Any) -> bool:
        return type(instance) is int

    base = jsonschema.Draft202012Validator
    keywords = {**base.VALIDATORS, "pattern": pattern}
    types = base.TYPE_CHECKER.redefine("integer", is_integer)
    made = jsonschema.validators.extend(base, keywords, type_checker=types)  # type: ignore[no-untyped-call]
    built: Validator = made(schema, registry=referencing.Registry())
    return built


def faults_of(judge: Validator, value: Any, lines: Lines | None) -> tuple[str, ...]:
    """Every fault, in the order of the document's lines where they are known."""
    found: dict[Found, None] = {}
    try:
        for error in judge.iter_errors(value):
            found.update(dict.fromkeys(explain(error)))
            if len(found) >= MAX_FAULTS:
                break
    except RecursionError:
        found[(), "the schema and the document together nest too deep"] = None
    placed = [(lines.of(path) if lines else None, path, message) for path, message in found]
    placed.sort(key=lambda item: item[0] or 0)
    more = ("and more",) if len(placed) >= MAX_FAULTS else ()
    return (*(fault(*item) for item in placed[:MAX_FAULTS]), *more)


def _refuse_other_format(kind: Kind, value: Any, lines: Lines | None, where: str) -> None:
    """A newer format, or another kind of file, is one clear fault: the rest would only mislead."""
    said = value.get("schema") if isinstance(value, dict) else None
    named = _SCHEMA_ID.fullmatch(said) if isinstance(said, str) else None
    known = f"mlver/{kind}/1"
    if named is None or said == known:
        return
    line = lines.of(("schema",)) if lines else None
    if named[1] == kind and int(named[2]) > 1:
        message = f"written by a newer mlver ({shorten(named[0])}); this one reads {known}"
        raise InvalidDocument(where, (fault(line, ("schema",), message),), hint="upgrade: pip install --upgrade mlver")
    raise InvalidDocument(where, (fault(line, ("schema",), f"this is {show(said)}, not {known}"),))
