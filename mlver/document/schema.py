"""Documents judged by their JSON Schemas (draft 2020-12); jsonschema is imported only to name
faults.

The schema files are the one source of truth. Nothing is ever fetched: the registry of references is
empty.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Literal, get_args

from mlver.document.accept import UnknownKeyword, compile_accept
from mlver.document.faults import MAX_FAULTS, Path, format_fault, shorten_text
from mlver.document.pattern import translate_for_re
from mlver.document.strict import LineIndex
from mlver.document.wording import PlacedFault, explain_error, show_value
from mlver.errors import InvalidDocument

if TYPE_CHECKING:
    from collections.abc import Callable

    from jsonschema.protocols import Validator

    Search = Callable[[str], Any]

Kind = Literal["version", "promotion", "model", "config", "evaluation", "approval"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_SCHEMA_ID = re.compile(r"mlver/([a-z]+)/([0-9]{1,9})")


def validate_document(
    kind: Kind,
    document: Any,
    lines: LineIndex | None,
    where: str,
    extra_schema: bytes | None = None,
) -> None:
    """Raise InvalidDocument, naming `where`, with every fault of a document of this kind.

    `lines` gives the faults their lines; None for a document that was not read from a file.
    `extra_schema` is a project's own schema, untrusted, which the document must satisfy as well.
    """
    _refuse_other_format(kind, document, lines, where)
    faults: tuple[str, ...] = ()
    if not compile_kind(kind)(document):
        faults = list_faults(build_validator(kind), document, lines)
    if extra_schema is not None and not faults:
        from mlver.document.project_schema import compile_schema

        project_schema = compile_schema(extra_schema, f"the project's own {kind} schema")
        faults = project_schema.judge_document(document, lines)
    if faults:
        raise InvalidDocument(where, faults)


def schema_bytes(name: str) -> bytes:
    """The bytes of `<name>.schema.json`: in the installed package, or beside it in a checkout."""
    package, checkout = FilePath(__file__).parents[1:3]
    folder = package / "schemas"
    if not folder.is_dir():
        folder = checkout / "schemas"
    return (folder / f"{name}.schema.json").read_bytes()


@functools.cache
def load_schema(kind: Kind) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(schema_bytes(kind))
    return schema


@functools.cache
def compile_kind(kind: Kind) -> Callable[[Any], bool]:
    """The quick yes of a kind; one that never says yes where its schema outgrew it."""
    try:
        return compile_accept(load_schema(kind))
    except UnknownKeyword:
        return lambda document: False


# Once a process: building one costs as much as judging a hundred documents.
@functools.cache
def build_validator(kind: Kind) -> Validator:
    return make_validator(load_schema(kind), _compile_search)


def _compile_search(pattern: str) -> Search:
    return re.compile(translate_for_re(pattern), re.ASCII).search


def make_validator(schema: Any, compile_search: Callable[[str], Search]) -> Validator:
    """A validator that reads `integer` and `pattern` as JSON Schema means them.

    jsonschema on its own takes 1.0 for an integer, and matches patterns by Python's rules, by which
    `$` lets a newline follow and `\\d` is any script's digit. No foreign reference is resolved.
    `compile_search` gives the search function of a pattern.
    """
    import jsonschema
    import referencing

    find_search = functools.cache(compile_search)

    def check_pattern(_: Any, pattern: str, instance: Any, __: Any) -> Any:
        if isinstance(instance, str) and not find_search(pattern)(instance):
            yield jsonschema.ValidationError(f"{show_value(instance)} does not match {pattern}")

    def is_integer(_: Any, instance: Any) -> bool:
        return type(instance) is int

    base = jsonschema.Draft202012Validator
    keywords = {**base.VALIDATORS, "pattern": check_pattern}
    types = base.TYPE_CHECKER.redefine("integer", is_integer)
    extend: Any = jsonschema.validators.extend
    extended = extend(base, keywords, type_checker=types)
    validator: Validator = extended(schema, registry=referencing.Registry())
    return validator


def list_faults(validator: Validator, document: Any, lines: LineIndex | None) -> tuple[str, ...]:
    """Every fault, in the order of the document's lines where they are known."""
    # A dictionary, because two branches of a schema may find the same fault.
    explained: dict[PlacedFault, None] = {}
    try:
        for error in validator.iter_errors(document):
            explained.update(dict.fromkeys(explain_error(error)))
            if len(explained) >= MAX_FAULTS:
                break
    except RecursionError:
        explained[(), "the schema and the document together nest too deep"] = None
    placed: list[tuple[int | None, Path, str]] = []
    for path, message in explained:
        line = lines.find_line(path) if lines else None
        placed.append((line, path, message))
    placed.sort(key=lambda item: item[0] or 0)
    faults = [format_fault(*item) for item in placed[:MAX_FAULTS]]
    if len(placed) >= MAX_FAULTS:
        faults.append("and more")
    return tuple(faults)


def _refuse_other_format(kind: Kind, document: Any, lines: LineIndex | None, where: str) -> None:
    """A newer format, or another kind of file, is one clear fault: the rest would only mislead."""
    if not isinstance(document, dict) or not isinstance(document.get("schema"), str):
        return
    schema_id = document["schema"]
    known_id = f"mlver/{kind}/1"
    named = _SCHEMA_ID.fullmatch(schema_id)
    if named is None or schema_id == known_id:
        return
    line = lines.find_line(("schema",)) if lines else None
    if named[1] == kind and int(named[2]) > 1:
        message = f"written by a newer mlver ({shorten_text(schema_id)}); this one reads {known_id}"
        hint = "upgrade: pip install --upgrade mlver"
    else:
        message = f"this is {show_value(schema_id)}, not {known_id}"
        hint = None
    raise InvalidDocument(where, (format_fault(line, ("schema",), message),), hint=hint)
