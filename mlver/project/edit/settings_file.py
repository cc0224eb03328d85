"""A file of settings changed as little as can be, and written whole."""

from __future__ import annotations

from typing import Any

from mlver import paths
from mlver.document.amend import amend_document
from mlver.document.schema import Kind
from mlver.errors import InvalidDocument, MlverError, refusal_error
from mlver.project.project import Project
from mlver.records import layout
from mlver.system import durable


def amend_settings(
    kind: Kind, path: str, data: bytes | None, wanted: dict[str, Any], *, hint: str
) -> bytes:
    """Change the settings in `data` to say what `wanted` says; comments and order stay.

    Raise MlverError, with the hint, where that would not be valid.
    """
    try:
        return amend_document(kind, data, wanted)
    except InvalidDocument as error:
        listed = "\n".join(f"  {fault}" for fault in error.faults)
        raise MlverError(
            f"{path} would not be valid, and was not changed:\n{listed}", hint=hint
        ) from None


def write_settings(project: Project, path: str, data: bytes) -> None:
    """Write a file of settings durably: it has its old bytes or these, whole. Hold the lock."""
    records = paths.join_inside(project.top_folder, layout.ROOT)
    target = paths.join_inside(project.top_folder, path)
    try:
        # Prepared where the next command sweeps what a killed one left.
        prepared = durable.write_temporary(records, data)
        try:
            durable.replace_group([(prepared, target)])
        except BaseException:
            durable.discard_temporary(prepared)
            raise
    except OSError as error:
        outcome = "nothing was changed"
        # The last step is to sync the folder, and then the file has its new bytes already.
        if project.registry.read_file(path) == data:
            outcome = f"{path} is changed, but a power cut may take that back"
        raise refusal_error(f"writing {path}", error, outcome=outcome) from error
