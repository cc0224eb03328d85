"""A version as a bill of materials in CycloneDX 1.6: its pedigree, its data, the models it uses."""

from __future__ import annotations

from typing import Any

from mlver import __version__
from mlver.digest import Digest
from mlver.features.lineage.described import DescribedVersion
from mlver.project.lineage.graph import LineageNode, split_version
from mlver.records.artifact import Artifact
from mlver.records.values import flatten_values
from mlver.records.version import VersionRecord
from mlver.terminal.structured import dump_json

_MODEL = "machine-learning-model"


def write_cyclonedx(described: DescribedVersion) -> str:
    return dump_json(build_bom(described), indent=2)


def build_bom(described: DescribedVersion) -> dict[str, Any]:
    record = described.record
    data = {artifact.digest: (name, artifact) for name, artifact in record.data.items()}
    parts = [_describe_data(name, artifact) for name, artifact in data.values()]
    parts += [_describe_other(node) for node in described.list_used()]
    ref = _name_ref(record.model, record.version)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{described.name_id('bom')}",
        "version": 1,
        "metadata": {
            "timestamp": record.created,
            "tools": {
                "components": [{"type": "application", "name": "mlver", "version": __version__}]
            },
            "component": _describe_version(described),
        },
        "components": parts,
        "dependencies": [{"ref": ref, "dependsOn": [part["bom-ref"] for part in parts]}],
    }


def _name_ref(model: str, version: str) -> str:
    return f"mlver:{model}@{version}"


def _describe_version(described: DescribedVersion) -> dict[str, Any]:
    record = described.record
    component: dict[str, Any] = {
        "type": _MODEL,
        "bom-ref": _name_ref(record.model, record.version),
        "name": record.model,
        "version": record.version,
        "description": record.message,
        "authors": [{"name": record.author}],
        "pedigree": _describe_pedigree(described),
        "modelCard": _describe_card(record),
        "properties": _list_properties(
            {
                "mlver:record": str(described.digest),
                "mlver:update": record.update,
                "mlver:dirty": str(record.code.dirty).lower(),
                **_describe_contents(record.weights),
            }
        ),
    }
    if record.weights.license is not None:
        # As a name, since what people wrote need not be an expression of SPDX.
        component["licenses"] = [{"license": {"name": record.weights.license}}]
    return component


def _describe_pedigree(described: DescribedVersion) -> dict[str, Any]:
    code = described.record.code
    pedigree: dict[str, Any] = {}
    # One that is used as well stands among the components, and a reference stands for one alone.
    used = {node.id for node in described.list_used()}
    related = described.list_origins("parent", "mixed")
    ancestors = [_describe_other(node) for node in related if node.id not in used]
    if ancestors:
        pedigree["ancestors"] = ancestors
    if code.commit is not None:
        pedigree["commits"] = [{"uid": code.commit}]
    return pedigree


def _describe_card(record: VersionRecord) -> dict[str, Any]:
    digests = dict.fromkeys(artifact.digest for artifact in record.data.values())
    datasets = [{"ref": _name_data(digest)} for digest in digests]
    card: dict[str, Any] = {"modelParameters": {"datasets": datasets}}
    metrics = [
        {"type": name, "value": str(value)}
        for name, value in flatten_values(record.metrics).items()
    ]
    if metrics:
        card["quantitativeAnalysis"] = {"performanceMetrics": metrics}
    return card


def _describe_other(node: LineageNode) -> dict[str, Any]:
    model, version = split_version(node.id)
    properties = {} if node.digest is None else {"mlver:record": node.digest}
    return {
        "type": _MODEL,
        "bom-ref": _name_ref(model, version),
        "name": model,
        "version": version,
        "properties": _list_properties(properties),
    }


def _name_data(digest: Digest) -> str:
    return f"mlver:data:{digest}"


def _describe_data(name: str, artifact: Artifact) -> dict[str, Any]:
    return {
        "type": "data",
        "bom-ref": _name_data(artifact.digest),
        "name": name,
        "version": str(artifact.digest),
        "data": [{"type": "dataset", "name": name}],
        "properties": _list_properties(_describe_contents(artifact)),
    }


def _describe_contents(artifact: Artifact) -> dict[str, str]:
    # Not in `hashes`: the digest of a directory is that of its manifest, which is no file of it.
    return {
        "mlver:path": artifact.path,
        "mlver:digest": str(artifact.digest),
        "mlver:size": str(artifact.size),
        "mlver:files": str(artifact.files),
    }


def _list_properties(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]
