"""A version is described for other catalogues as the schemas of CycloneDX and OpenLineage ask."""

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
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.cli.conftest import assert_refused, assert_works, copy_repository
from tests.conftest import Repository

ATTACK = '##[group]x "</script>" \u202e ::error::'


@pytest.fixture(scope="module")
def described_once(family_once: Repository, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """words 2.0.0 uses digits 1.1.0, has two data sets of the same bytes, and an odd message."""
    family = copy_repository(family_once, tmp_path_factory.mktemp("described") / "repository")
    family.write("m.json", '{"accuracy": 0.5}')
    again = ("--data", "copy=rows", "--uses", "digits@1.1.0", "--license", "weights=MIT")
    more = ("--metrics", "m.json", "--command", "python train.py", "--allow-dirty")
    parent = ("--parent", "1.0.0", "--update", "incremental", "--bump", "major")
    assert_works(family, "register", "words", *again, *more, *parent, "-m", ATTACK)
    return family


@pytest.fixture
def described(described_once: Repository, tmp_path: Path) -> Repository:
    return copy_repository(described_once, tmp_path / "repository")


@pytest.fixture(scope="module")
def described_events(described_once: Repository) -> list[Any]:
    return read_events(described_once)


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
    judge = JsonStrictValidator(SchemaVersion.V1_6)
    bom = read_bom(described)
    assert judge.validate_str(json.dumps(bom)) is None
    component = bom["metadata"]["component"]
    faults: list[dict[str, Any]] = [
        {"licence": "MIT"},
        {"type": "model"},
        {"licenses": [{"license": {}}]},
    ]
    for wrong in faults:
        bom["metadata"]["component"] = {**component, **wrong}
        assert judge.validate_str(json.dumps(bom)) is not None, wrong


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


# Facets that are not theirs, and what stands in them.
OWN_FACETS = {
    "mlver_code": {"commit", "tree", "branch", "dirty"},
    "mlver_name": {"name"},
    "mlver_version": {"record", "weights"},
}


def read_spec(name: str) -> Any:
    return json.loads((Path(__file__).parent / "openlineage" / f"{name}.json").read_text())


def close_schema(schema: Any) -> Any:
    """The same without leave for keys that it does not name."""
    if isinstance(schema, list):
        return [close_schema(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: close_schema(value) for key, value in schema.items()}
    if closed.get("additionalProperties") is True:
        del closed["additionalProperties"]
    return closed


def make_strict_judge() -> jsonschema.Draft202012Validator:
    """Their schemas, made to refuse every key and every facet that they do not have."""
    spec = close_schema(read_spec("OpenLineage"))
    facets: dict[str, dict[str, Any]] = {"Job": {}, "Dataset": {}}
    loaded = [spec]
    for name, owner in (
        ("DocumentationJobFacet", "Job"),
        ("DatasetVersionDatasetFacet", "Dataset"),
        ("DatasetTypeDatasetFacet", "Dataset"),
    ):
        facet = close_schema(read_spec(name))
        loaded.append(facet)
        ((key, _),) = facet["properties"].items()
        reference = f"{facet['$id']}#/$defs/{name}"
        facets[owner][key] = {
            "$ref": reference,
            "properties": {"_schemaURL": {"const": reference}},
            "unevaluatedProperties": False,
        }
    for name, keys in OWN_FACETS.items():
        owner = "Job" if name == "mlver_code" else "Dataset"
        facets[owner][name] = {
            "$ref": f"{spec['$id']}#/$defs/BaseFacet",
            "properties": dict.fromkeys(keys, True),
            "unevaluatedProperties": False,
        }
    for owner, named in facets.items():
        listed = {"type": "object", "properties": named, "additionalProperties": False}
        spec["$defs"][owner]["properties"]["facets"] = listed
    for name in ("RunEvent", "Run", "Job", "InputDataset", "OutputDataset"):
        spec["$defs"][name]["unevaluatedProperties"] = False
    registry: referencing.Registry[Any] = referencing.Registry().with_resources(
        (schema["$id"], referencing.Resource.from_contents(schema)) for schema in loaded
    )
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    event = {"$ref": f"{spec['$id']}#/$defs/RunEvent"}
    return jsonschema.Draft202012Validator(event, registry=registry, format_checker=checker)


def test_every_event_is_as_the_official_schemas_ask(described: Repository) -> None:
    judge = make_strict_judge()
    for event in read_events(described):
        judge.validate(event)
        assert event["schemaURL"] == f"{read_spec('OpenLineage')['$id']}#/$defs/RunEvent"


FOREIGN: tuple[tuple[tuple[str | int, ...], Any], ...] = (
    (("sender",), "a key"),
    (("eventTime",), "yesterday"),
    (("eventType",), "TRAINED"),
    (("run", "name"), "a key"),
    (("run", "runId"), "one"),
    (("job", "facets", "code"), {"_producer": "https://a.b", "_schemaURL": "https://a.b"}),
    (("job", "facets", "documentation", "text"), "a key"),
    (("inputs", 0, "facets", "version", "_schemaURL"), "https://openlineage.io/other.json"),
    (("outputs", 0, "facets", "version", "datasetVersion"), 3),
    (("outputs", 0, "facets", "mlver_version", "tag"), "a key"),
)


@pytest.mark.parametrize(("place", "value"), FOREIGN, ids=lambda item: str(item)[:40])
def test_what_the_official_schemas_do_not_know_is_refused(
    described_events: list[Any], place: tuple[str | int, ...], value: Any
) -> None:
    """The judge of the test above can say no, at every depth."""
    event = json.loads(json.dumps(described_events[-1]))
    target = event
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    assert not make_strict_judge().is_valid(event)


@pytest.mark.parametrize("words", [("--data", "rows"), ("words", "--down")])
@pytest.mark.parametrize("chosen", ["openlineage", "cyclonedx"])
def test_only_a_version_can_be_described(
    described: Repository, words: tuple[str, ...], chosen: str
) -> None:
    said = assert_refused(described, "lineage", *words, "--format", chosen, code=2)
    assert f"{chosen} describes a version" in said


def test_what_the_version_before_used_is_no_component(described: Repository) -> None:
    parent = ("--parent", "2.0.0", "--update", "incremental", "--bump", "minor", "--allow-dirty")
    assert_works(described, "register", "words", *parent, "--no-uses", "-m", "Alone")
    bom = json.loads(assert_works(described, "lineage", "words@2.1.0", "--format", "cyclonedx"))
    assert [part["type"] for part in bom["components"]] == ["data"]
    (dependency,) = bom["dependencies"]
    assert len(dependency["dependsOn"]) == 1
