"""Params and metrics files as artifacts of a version, for the one checkout that restores them.

So they are proven, replaced and recovered with its weights and data, all or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlver.digest import Digest
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord

# No data set has such a name.
_PREFIX = "input "


def add_inputs(record: VersionRecord, inputs: Mapping[str, Digest]) -> VersionRecord:
    """Add files, whose bytes are in the store, to what the record says; nobody keeps that."""
    data = dict(record.data)
    for path, digest in inputs.items():
        # what is put in place is checked by its digest alone
        data[f"{_PREFIX}{path}"] = Artifact(path=path, digest=digest, size=0, files=1, stored=True)
    return replace(record, data=data)


def list_inputs(record: VersionRecord) -> dict[str, Digest]:
    """List the files that were added, by path."""
    inputs: dict[str, Digest] = {}
    for name, artifact in record.data.items():
        if name.startswith(_PREFIX):
            inputs[artifact.path] = artifact.digest
    return inputs
