"""A version is described for other catalogues in CycloneDX and OpenLineage, as their schemas ask.

The schema of CycloneDX comes with a package that need not be installed; without it, and for
OpenLineage, what readers rely on is checked by hand.
"""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing

from tests.cli.conftest import assert_refused, assert_works
from tests.conftest import Repository

ATTACK = '##[group]x "</script>" \u202e ::error::'


@pytest.fixture
def described(family: Repository) -> Repository:
    """words 2.0.0 uses digits 1.1.0, has two data sets of the same bytes, and an odd message."""
    family.write("m.json", '{"accuracy": 0.5}')
    again = ("--data", "copy=rows", "--uses", "digits@1.1.0", "--license", "weights=MIT")
    more = ("--metrics", "m.json", "--command", "python train.py", "--allow-dirty")
    parent = ("--parent", "1.0.0", "--update", "incremental", "--bump", "major")
    assert_works(family, "register", "words", *again, *more, *parent, "-m", ATTACK)
    return family


def read_bom(repository: Repository) -> Any:
    text = assert_works(repository, "lineage", "words@2.0.0", "--format", "cyclonedx")
    assert text.isascii()
    assert "##[" not in text
    return json.loads(text)


def list_references(document: Any) -> list[str]:
    """Every `bom-ref` of a document, wherever it stands."""
    if isinstance(document, list):
        return [found for item in document for found in list_references(item)]
    if not isinstance(document, dict):
        return []
    own = [document["bom-ref"]] if "bom-ref" in document else []
    return own + [found for item in document.values() for found in list_references(item)]


def test_a_bill_of_materials_names_origins_data_and_models(described: Repository) -> None:
    bom = read_bom(described)
    assert (bom["bomFormat"], bom["specVersion"], bom["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", bom["serialNumber"])
    component = bom["metadata"]["component"]
    assert (component["type"], component["name"], component["version"]) == (
        "machine-learning-model",
        "words",
        "2.0.0",
    )
    assert component["description"] == ATTACK
    assert component["licenses"] == [{"license": {"name": "MIT"}}]
    ancestors = component["pedigree"]["ancestors"]
    assert [(found["name"], found["version"]) for found in ancestors] == [
        ("words", "1.0.0"),
        ("digits", "1.0.0"),
    ]
    card = component["modelCard"]
    assert card["quantitativeAnalysis"]["performanceMetrics"] == [
        {"type": "accuracy", "value": "0.5"}
    ]
    assert [part["type"] for part in bom["components"]] == ["data", "machine-learning-model"]
    references = list_references(bom)
    assert len(references) == len(set(references))
    assert {item["ref"] for item in card["modelParameters"]["datasets"]} <= set(references)
    (dependency,) = bom["dependencies"]
    assert {dependency["ref"], *dependency["dependsOn"]} <= set(references)
    assert bom == read_bom(described)


def test_a_bill_of_materials_is_as_its_schema_asks(described: Repository) -> None:
    package = pytest.importorskip("cyclonedx.schema._res")
    folder = Path(package.__file__).parent
    loaded = {
        name: json.loads((folder / f"{name}.SNAPSHOT.schema.json").read_text())
        for name in ("bom-1.6", "spdx", "jsf-0.82")
    }
    registry: referencing.Registry[Any] = referencing.Registry().with_resources(
        (schema["$id"], referencing.Resource.from_contents(schema)) for schema in loaded.values()
    )
    judge = jsonschema.Draft7Validator(loaded["bom-1.6"], registry=registry)
    judge.validate(read_bom(described))


def read_events(repository: Repository) -> list[Any]:
    text = assert_works(repository, "lineage", "words@2.0.0", "--format", "openlineage")
    assert text.isascii()
    assert "##[" not in text
    return [json.loads(line) for line in text.splitlines()]


def assert_facets(facets: dict[str, Any]) -> None:
    for facet in facets.values():
        assert facet["_producer"].startswith("https://")
        assert facet["_schemaURL"].startswith("https://")


def test_a_training_is_two_events(described: Repository) -> None:
    events = read_events(described)
    assert [event["eventType"] for event in events] == ["START", "COMPLETE"]
    assert len({event["run"]["runId"] for event in events}) == 1
    for event in events:
        uuid.UUID(event["run"]["runId"])
        assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None
        assert event["producer"].startswith("https://")
        assert event["schemaURL"].endswith("/OpenLineage.json#/$defs/RunEvent")
        assert event["job"]["namespace"]
        assert event["job"]["name"] == "words"
        assert_facets(event["job"]["facets"])
        for dataset in (*event["inputs"], *event["outputs"]):
            assert dataset["namespace"]
            assert dataset["name"]
            assert_facets(dataset["facets"])
    start, complete = events
    assert start["outputs"] == []
    assert start["job"]["facets"]["documentation"]["description"] == "python train.py"
    names = [(found["name"], found["facets"]["mlver_name"]["name"]) for found in start["inputs"]]
    assert names == [("rows", "train"), ("rows", "copy"), ("words", "parent"), ("digits", "uses")]
    (output,) = complete["outputs"]
    assert output["facets"]["version"]["datasetVersion"] == "2.0.0"


@pytest.mark.parametrize("words", [("--data", "rows"), ("words", "--down")])
@pytest.mark.parametrize("chosen", ["openlineage", "cyclonedx"])
def test_only_a_version_can_be_described(
    described: Repository, words: tuple[str, ...], chosen: str
) -> None:
    said = assert_refused(described, "lineage", *words, "--format", chosen, code=2)
    assert f"{chosen} describes a version" in said
