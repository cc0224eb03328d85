"""A version as events of OpenLineage: the run that made it, what went in and what came out.

Consumers want a START and a COMPLETE of each run. When a training began, a version does not say, so
both have the time of its record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlver.features.lineage.described import PRODUCER, DescribedVersion
from mlver.project.lineage.graph import split_version
from mlver.terminal.structured import dump_json

_SPEC = "https://openlineage.io/spec"
_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_VERSION = f"{_SPEC}/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
_TYPE = f"{_SPEC}/facets/1-0-1/DatasetTypeDatasetFacet.json#/$defs/DatasetTypeDatasetFacet"
_DOCUMENTATION = f"{_SPEC}/facets/1-1-0/DocumentationJobFacet.json#/$defs/DocumentationJobFacet"
# What no facet of theirs says stands in one of our own, whose name begins with ours.
_OWN = f"{PRODUCER}/schemas/version.schema.json"
NAMESPACE = "mlver"


def write_openlineage(described: DescribedVersion) -> str:
    """Write the events, one a line."""
    events = [build_event(described, kind) for kind in ("START", "COMPLETE")]
    return "".join(map(dump_json, events))


def build_event(described: DescribedVersion, kind: str) -> dict[str, Any]:
    record = described.record
    return {
        "eventType": kind,
        "eventTime": record.created,
        "producer": PRODUCER,
        "schemaURL": _EVENT,
        "run": {"runId": str(described.name_id("run"))},
        "job": {
            "namespace": NAMESPACE,
            "name": record.model,
            "facets": _describe_job(described),
        },
        "inputs": _list_inputs(described),
        "outputs": [_describe_output(described)] if kind == "COMPLETE" else [],
    }


def _build_facet(schema: str, **fields: Any) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": schema, **fields}


def _describe_job(described: DescribedVersion) -> dict[str, Any]:
    record = described.record
    command = None if record.environment is None else record.environment.command
    return {
        "documentation": _build_facet(_DOCUMENTATION, description=command or record.message),
        "mlver_code": _build_facet(_OWN, **record.code.to_document()),
    }


def _list_inputs(described: DescribedVersion) -> list[dict[str, Any]]:
    """List the data of the version itself, its direct parents and the versions that it uses."""
    inputs = [
        _build_dataset("FILE", artifact.path, str(artifact.digest), mlver_name={"name": name})
        for name, artifact in described.record.data.items()
    ]
    root = described.lineage.root
    for edge in described.lineage.edges:
        if edge.result == root and edge.relation in ("parent", "mixed", "uses"):
            model, version = split_version(edge.origin)
            own = {"name": edge.relation}
            inputs.append(_build_dataset("MODEL", model, version, mlver_name=own))
    return inputs


def _describe_output(described: DescribedVersion) -> dict[str, Any]:
    record = described.record
    own = {"record": str(described.digest), "weights": str(record.weights.digest)}
    return _build_dataset("MODEL", record.model, record.version, mlver_version=own)


def _build_dataset(kind: str, name: str, version: str, **own: Mapping[str, str]) -> dict[str, Any]:
    facets = {
        "version": _build_facet(_VERSION, datasetVersion=version),
        "datasetType": _build_facet(_TYPE, datasetType=kind),
    }
    for facet, fields in own.items():
        facets[facet] = _build_facet(_OWN, **fields)
    return {"namespace": NAMESPACE, "name": name, "facets": facets}
