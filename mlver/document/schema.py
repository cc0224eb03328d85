"""Documents judged by their JSON Schemas (draft 2020-12).

The schema files are the one source of truth. Nothing is ever fetched: the registry of references is
empty.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Literal, get_args

from mlver.document.accept import UnknownKeyword, compile_accept
from mlver.document.faults import format_fault, shorten_text
from mlver.document.pattern import translate_for_re
from mlver.document.strict import LineIndex
from mlver.document.wording import show_value
from mlver.errors import InvalidDocument, NewerFormat

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

Kind = Literal[
    "version",
    "promotion",
    "model",
    "config",
    "evaluation",
    "approval",
    "note",
    "retirement",
    "reproduction",
    "verdict",
    "rollout",
    "authorisation",
    "deployment",
    "run",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
# The number of each kind's format; every number below it is read for ever.
NEWEST_FORMATS: dict[Kind, int] = {
    "version": 2,
    "promotion": 2,
    "model": 1,
    "config": 1,
    "evaluation": 2,
    "approval": 2,
    "note": 2,
    "retirement": 1,
    "reproduction": 1,
    "verdict": 1,
    "rollout": 1,
    "authorisation": 1,
    "deployment": 1,
    "run": 2,
}

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
    number = _find_format(kind, document, lines, where)
    accepts = compile_kind(kind, number)
    faults: tuple[str, ...] = ()
    if not accepts(document):
        faults = _list_faults(kind, number, document, lines)
    if extra_schema is not None and not faults:
        faults = _judge_by_project(kind, document, lines, extra_schema)
    if faults:
        raise InvalidDocument(where, faults)


def _list_faults(
    kind: Kind, number: int, document: Any, lines: LineIndex | None
) -> tuple[str, ...]:
    # Imported here: jsonschema costs some 200 ms, and only a document with faults needs it.
    from mlver.document.validator import list_faults

    return list_faults(build_validator(kind, number), document, lines)


def _judge_by_project(
    kind: Kind, document: Any, lines: LineIndex | None, schema: bytes
) -> tuple[str, ...]:
    # Imported here for the same reason: only a project with a schema of its own needs it.
    from mlver.document.project_schema import compile_schema

    project_schema = compile_schema(schema, f"the project's own {kind} schema")
    return project_schema.judge_document(document, lines)


def schema_bytes(name: str) -> bytes:
    """Read `<name>.schema.json`, in the installed package or beside it in a checkout."""
    package, checkout = FilePath(__file__).parents[1:3]
    folder = package / "schemas"
    if not folder.is_dir():
        folder = checkout / "schemas"
    return (folder / f"{name}.schema.json").read_bytes()


def name_schema(kind: Kind, number: int) -> str:
    """Name the schema of a format: the kind's own name is that of the newest."""
    return kind if number == NEWEST_FORMATS[kind] else f"{kind}-{number}"


@functools.cache
def load_schema(kind: Kind, number: int) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(schema_bytes(name_schema(kind, number)))
    return schema


@functools.cache
def compile_kind(kind: Kind, number: int) -> Callable[[Any], bool]:
    """Compile the quick yes of a format; it never says yes where its schema outgrew it."""
    try:
        return compile_accept(load_schema(kind, number))
    except UnknownKeyword:
        return lambda document: False


# Once a process: building one costs as much as judging a hundred documents.
@functools.cache
def build_validator(kind: Kind, number: int) -> Validator:
    # see _list_faults
    from mlver.document.validator import make_validator

    return make_validator(load_schema(kind, number), _compile_search)


def _compile_search(pattern: str) -> Callable[[str], Any]:
    return re.compile(translate_for_re(pattern), re.ASCII).search


def _find_format(kind: Kind, document: Any, lines: LineIndex | None, where: str) -> int:
    """Find the number of a document's format; the newest where it does not say.

    Raise NewerFormat for a newer format, InvalidDocument for another kind of file, with one clear
    fault: all the other faults would only mislead.
    """
    newest = NEWEST_FORMATS[kind]
    if not isinstance(document, dict) or not isinstance(document.get("schema"), str):
        return newest
    schema_id = document["schema"]
    known_id = f"mlver/{kind}/{newest}"
    named = _SCHEMA_ID.fullmatch(schema_id)
    if named is None:
        return newest
    number = int(named[2])
    if schema_id == f"mlver/{kind}/{number}" and 1 <= number <= newest:
        return number
    line = None
    if lines is not None:
        line = lines.find_line(("schema",))
    if named[1] == kind and number > newest:
        message = f"written by a newer mlver ({shorten_text(schema_id)}); this one reads {known_id}"
        fault = format_fault(line, ("schema",), message)
        raise NewerFormat(where, (fault,), hint="pip install --upgrade mlver")
    message = f"this is {show_value(schema_id)}, not {known_id}"
    raise InvalidDocument(where, (format_fault(line, ("schema",), message),))
