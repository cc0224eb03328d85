"""What `--json` prints, held to its schema; and what a directory holds, as one digest."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import referencing

from mlver.document.schema import KINDS, NEWEST_FORMATS, name_schema, schema_bytes
from tests.conftest import CHECKOUT, CommandOutcome

RESULTS = sorted(
    path.name.removesuffix(".schema.json") for path in CHECKOUT.glob("schemas/result-*.schema.json")
)


def read_schema(name: str) -> Any:
    return json.loads(schema_bytes(name))


@functools.cache
def result_validator(kind: str) -> jsonschema.Draft202012Validator:
    """The judge of one kind of result; it knows the other schemas, and fetches nothing."""
    known = [
        referencing.Resource.from_contents(read_schema(name))
        for name in ("finding", *_name_record_schemas(), *RESULTS)
    ]
    registry: referencing.Registry[Any] = referencing.Registry().with_resources(
        (r.id() or "", r) for r in known
    )
    return jsonschema.Draft202012Validator(read_schema(f"result-{kind}"), registry=registry)


def _name_record_schemas() -> Iterator[str]:
    """Every format of every kind of record."""
    for kind in KINDS:
        for number in range(1, NEWEST_FORMATS[kind] + 1):
            yield name_schema(kind, number)


def read_document(outcome: CommandOutcome, kind: str) -> Any:
    """The one document an outcome printed, checked by its schema."""
    found = json.loads(outcome.out)
    result_validator(kind).validate(found)
    return found


def digest_tree(top: Path) -> str:
    """Of every name, mode and byte below `top`, but nothing of mlver's rebuildable cache."""
    digest = hashlib.sha256()
    for path in sorted(top.rglob("*")):
        if path.name.startswith("state.db"):
            continue
        digest.update(f"{path}\0{path.lstat().st_mode:o}\0".encode(errors="surrogateescape"))
        if path.is_symlink():
            digest.update(str(path.readlink()).encode())
        elif path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()
