"""The schemas and the dataclasses say the same, and every record survives the journey to bytes and
back.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.digest import Digest
from mlver.document.codec import decode_document, encode_document
from mlver.document.schema import KINDS, NEWEST_FORMATS, Kind, load_schema
from mlver.records.artifact import Artifact, EncryptedCopy
from mlver.records.config import ProjectConfig
from mlver.records.evaluation import ServedData, ServingWindow
from mlver.records.measured_drift import MeasuredDrift
from mlver.records.model import ArtifactSettings
from mlver.records.promotion import ApprovalReference, GateResult
from mlver.records.references import AdoptedTag, PolicyReference, Renumbering, VersionUse
from mlver.records.sections.auto_rollback import AutoRollbackSettings
from mlver.records.sections.deploy import TargetSettings
from mlver.records.sections.due import DueSettings
from mlver.records.sections.stages import StageSettings
from mlver.records.sections.tags import TagSettings
from mlver.records.version import CodeState, TrainingEnvironment, VersionRecord
from tests.conftest import try_examples
from tests.document.documents import DOCUMENT_TEXTS, FORMATS, VERSION_TEXT, make_small
from tests.document.strategies import RECORDS, made

# Values that are free-form in both.
FREE = {
    "options",
    "params",
    "extra",
    "metrics",
    "expected",
    "actual",
    "imported",
    "fall",
    "auto_rollback",
}
# What a record knows of its document, and does not write.
OF_THE_READER = {"unknown_sections"}
# Keys that are no names in Python, by what they are called there.
KEYS = {("Renumbering", "number"): "from", ("ServingWindow", "start"): "from"}
KEYS[("ServingWindow", "end")] = "to"
KEYS[("PolicySettings", "branch")] = "from"
KEYS[("VerdictSettings", "window")] = "for"


@pytest.mark.parametrize("kind", KINDS)
def test_schema_and_dataclass_say_the_same(kind: Kind) -> None:
    root = load_schema(kind, NEWEST_FORMATS[kind])
    properties = {name: part for name, part in root["properties"].items() if name != "schema"}
    compare(
        RECORDS[kind],
        {**root, "properties": properties, "required": root["required"][1:]},
        root["$defs"],
    )


def compare(record: Any, part: dict[str, Any], definitions: dict[str, Any]) -> None:
    """Names, order, what is required, what every field holds, and so on in nested records."""
    part = resolve(part, definitions)
    fields = [field for field in dataclasses.fields(record) if is_written(record, field.name)]
    if record is StageSettings:
        # Its gates are a table, which tests/policy/gates holds together with the schema.
        part = {**part, "properties": {"description": part["properties"]["description"]}}
    names = [
        KEYS.get((record.__name__, field.name), field.name)
        for field in fields
        if field.name != "gates" or record is not StageSettings
    ]
    assert names == list(part["properties"]), record
    assert part["additionalProperties"] is (record is ProjectConfig)
    required = set(part.get("required", ()))
    # What a record writes whether or not it says something is what its schema asks for, bar
    # defaults of settings.
    for field in fields:
        always = (
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        key = KEYS.get((record.__name__, field.name), field.name)
        assert not always or key in required, (record, field.name)
    hints = get_type_hints(
        record,
        localns={
            **dict.fromkeys(("Leaf", "Value", "Values", "Metrics"), Any),
            "MeasuredDrift": MeasuredDrift,
            "TargetSettings": TargetSettings,
            "DueSettings": DueSettings,
            "AutoRollbackSettings": AutoRollbackSettings,
        },
    )
    for name, inner in part["properties"].items():
        if name not in FREE and name in hints and hints[name] is not Any:
            compare_type(hints[name], resolve(inner, definitions), definitions, (record, name))


def compare_type(hint: Any, part: dict[str, Any], definitions: dict[str, Any], where: Any) -> None:
    part = resolve(part, definitions)
    origin, inner = get_origin(hint), get_args(hint)
    if "if" in part and inner and type(None) not in inner:  # the other is at an address
        compare_type(inner[0], part["else"], definitions, where)
        return compare_type(inner[1], part["then"], definitions, where)
    if dataclasses.is_dataclass(origin):
        return compare(origin, part, definitions)
    if origin in (Union, types.UnionType):
        if "null" not in part.get("type", ()):  # None is written by leaving the key out
            hint = next(item for item in inner if item is not type(None))
            return compare_type(hint, part, definitions, where)
        rest = [name for name in part["type"] if name != "null"]
        return compare_type(inner[0], {**part, "type": rest[0]}, definitions, where)
    if dataclasses.is_dataclass(hint) and hint is not Digest:
        compare(hint, part, definitions)
    elif origin is Literal:
        assert list(inner) == part["enum"], where
    elif origin is tuple:
        assert part["type"] == "array", where
        compare_type(inner[0], part["items"], definitions, where)
    elif origin is Mapping:
        assert part["type"] == "object", where
        compare_type(inner[1], part["additionalProperties"], definitions, where)
    else:
        assert part["type"] == TYPES[hint], where
        assert (hint is Digest) == (part.get("pattern", "").startswith("^sha256")), where
    return None


TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", Digest: "string"}


def is_written(record: Any, name: str) -> bool:
    """Whether a field is a key of the document: its format is a part of `schema`."""
    if record in RECORDS.values() and name == "format":
        return False
    if (record, name) == (AdoptedTag, "commit"):  # which a version tells in `extra`
        return False
    return name not in OF_THE_READER


def resolve(part: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in part:
        return {
            **definitions[part["$ref"].removeprefix("#/$defs/")],
            **{k: v for k, v in part.items() if k != "$ref"},
        }
    return part


@pytest.mark.parametrize(("kind", "number"), FORMATS)
def test_the_smallest_record_writes_exactly_what_is_required(kind: Kind, number: int) -> None:
    small = make_small(kind, number)
    record = RECORDS[kind].from_document(small)
    assert record.to_document() == small
    written = set(record.to_document())
    required = set(load_schema(kind, number)["required"])
    assert written >= required
    if kind != "config":  # whose sections are written out, for people to change
        assert written == required


@pytest.mark.parametrize("kind", [kind for kind in KINDS if NEWEST_FORMATS[kind] > 1])
def test_a_new_record_is_of_the_newest_format(kind: Kind) -> None:
    (field,) = [field for field in dataclasses.fields(RECORDS[kind]) if field.name == "format"]
    assert field.default == NEWEST_FORMATS[kind]


@pytest.mark.parametrize(("kind", "number"), DOCUMENT_TEXTS)
def test_the_designs_documents_survive(kind: Kind, number: int) -> None:
    document = decode_document(kind, DOCUMENT_TEXTS[kind, number], "f")
    record = RECORDS[kind].from_document(document)
    assert record.to_document() == document
    assert list(record.to_document()) == list(document)


@pytest.mark.parametrize(("kind", "number"), FORMATS)
@try_examples(40)
@given(data=st.data())
def test_records_survive_the_journey(kind: Kind, number: int, data: st.DataObject) -> None:
    """Byte for byte: a record of an earlier format stays one."""
    record = data.draw(made(RECORDS[kind], number))
    document = record.to_document()
    names = load_schema(kind, number)["properties"]
    assert list(document) == [name for name in names if name in document]
    encoded = encode_document(kind, document)
    read = decode_document(kind, encoded, "f")
    again = RECORDS[kind].from_document(read)
    assert again == record
    assert encode_document(kind, again.to_document()) == encoded


def test_the_defaults_are_valid_settings() -> None:
    config = ProjectConfig(
        stages={
            "staging": StageSettings(),
            "production": StageSettings(gates={"after": ["staging"], "verified": True}),
        },
        tags=TagSettings(promotions=True),
    )
    assert (
        ProjectConfig.from_document(
            decode_document("config", encode_document("config", config.to_document()), "f")
        )
        == config
    )
    assert (
        ProjectConfig.from_document(decode_document("config", b"schema: mlver/config/1\n", "f"))
        == ProjectConfig()
    )


@pytest.mark.parametrize(
    "record",
    [
        AdoptedTag,
        Artifact,
        EncryptedCopy,
        PolicyReference,
        Renumbering,
        ServedData,
        ServingWindow,
        VersionUse,
        ArtifactSettings,
        ApprovalReference,
        CodeState,
        TrainingEnvironment,
        GateResult,
        StageSettings,
        TagSettings,
        *RECORDS.values(),
    ],
)
def test_records_are_frozen_slotted_and_keyword_only(record: Any) -> None:
    parameters = record.__dataclass_params__
    assert parameters.frozen
    assert "__slots__" in vars(record)
    assert all(field.kw_only for field in dataclasses.fields(record))


def test_artifacts_are_named_weights_first() -> None:
    record = VersionRecord.from_document(decode_document("version", VERSION_TEXT, "f"))
    assert list(record.named_artifacts()) == ["weights", "train", "golden"]
