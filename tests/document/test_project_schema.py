"""A project's own schema: obeyed where it is sound, refused where it could reach out or never end."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest

from mlver.document.codec import decode, encode
from mlver.document.project_schema import MAX_BYTES, compile_schema
from mlver.errors import InvalidDocument
from tests.document.documents import VERSION_TEXT

TEAM: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://example.org/ours.json",
    "required": ["labels"],
    "properties": {
        "labels": {"required": ["team"], "properties": {"team": {"$ref": "#/$defs/team"}}}
    },
    "$defs": {"team": {"title": "a team", "pattern": "^(mt|asr)(-[a-z]+)*$"}},
}


def as_bytes(schema: Any) -> bytes:
    return json.dumps(schema).encode()


def faults(schema: Any, value: Any) -> tuple[str, ...]:
    return compile_schema(as_bytes(schema), "ours").faults(value, None)


def refusals(schema: Any) -> tuple[str, ...]:
    with pytest.raises(InvalidDocument) as caught:
        compile_schema(schema if isinstance(schema, bytes) else as_bytes(schema), "ours")
    return caught.value.faults


def test_it_is_obeyed_on_top_of_ours() -> None:
    document = decode("version", VERSION_TEXT, "f", as_bytes(TEAM))
    encode("version", document, as_bytes(TEAM))
    with pytest.raises(InvalidDocument) as caught:
        decode("version", VERSION_TEXT.replace(b"team: mt", b"team: x"), "f", as_bytes(TEAM))
    assert caught.value.faults == ("line 18: labels.team: `x` is not a team",)
    with pytest.raises(InvalidDocument, match="`team` is missing"):
        encode(
            "version",
            {**document, "labels": {}},
            as_bytes({"properties": {"labels": {"required": ["team"]}}}),
        )


def test_ours_is_obeyed_whatever_it_says() -> None:
    with pytest.raises(InvalidDocument, match="unknown key"):
        decode("version", VERSION_TEXT + b"x: 1\n", "f", as_bytes({"additionalProperties": True}))


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        (b"{", "line 1"),
        (b"[]", "must hold a map"),
        (b"{}" + b" " * MAX_BYTES, "bytes are too many"),
        (b'{"a": ' * 200 + b"1" + b"}" * 200, "nested more than 64 deep"),
        (b'{"type": "object", "type": "array"}', "given twice"),
        ({"$ref": "https://example.org/x.json"}, "mlver fetches nothing"),
        ({"$ref": "file:///etc/passwd"}, "mlver fetches nothing"),
        ({"$ref": "#"}, "mlver fetches nothing"),
        ({"properties": {"a": {"$ref": "#/$defs/b"}}}, "leads nowhere"),
        ({"$dynamicRef": "#x"}, "does not take"),
        ({"$defs": {"a": {"$id": "http://x"}}}, "only the whole schema"),
        ({"patternProperties": {"(a+)+$": {}}}, "does not take"),
        ({"uniqueItems": True}, "does not take"),
        ({"unevaluatedProperties": False}, "does not take"),
        ({"$defs": {"x": {"not": {"allOf": [{"pattern": "(?=a)"}]}}}}, "look-around"),
        ({"pattern": "(a{1000}){1000}"}, "too large"),
        ({"enum": [{"a": 1}]}, "only text"),
        ({"type": "strin"}, "type: "),
        ({"required": "x"}, "required: "),
        ({"allOf": 3}, "allOf: "),
        ({"properties": {"a": 3}}, "a schema is a map"),
    ],
)
def test_refused_with_the_reason(schema: Any, fault: str) -> None:
    assert any(fault in found for found in refusals(schema))


def test_every_reason_at_once() -> None:
    assert len(refusals({"$ref": "http://x", "uniqueItems": True, "pattern": "("})) == 3


WIDE = {"a": {f"k{i}": {"x": [1, 2, 3]} for i in range(50_000)}}
LAUGHS = {f"a{i}": {"allOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(40)} | {"a40": {}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, {}),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}, {}),
        ({"$ref": "#/$defs/a0", "$defs": LAUGHS}, {}),
        ({"anyOf": [{"type": "string"}] * 1000}, WIDE),
        (
            {"properties": {"a": {"additionalProperties": {"allOf": [{"type": "object"}] * 1000}}}},
            WIDE,
        ),
        ({"properties": {"a": {"pattern": "(a|b)*c(a|b){200}$"}}}, {"a": "abc" * 1_000_000}),
        ({"properties": {"a": {"items": {"pattern": "^(a+)+$"}}}}, {"a": ["a" * 5000 + "b"] * 500}),
        (
            {"properties": {"a": {"items": {"enum": [f"e{i}" for i in range(5000)]}}}},
            {"a": ["e4999"] * 50_000},
        ),
    ],
)
def test_no_schema_takes_long(schema: Any, value: Any) -> None:
    compiled = compile_schema(as_bytes(schema), "ours")
    begun = time.process_time()
    found = compiled.faults(value, None)
    assert time.process_time() - begun < 5
    assert any("too long" in fault or "too deep" in fault for fault in found)


def test_the_budget_is_new_for_each_document() -> None:
    compiled = compile_schema(as_bytes({"items": {"pattern": "^a*$"}}), "ours")
    for _ in range(5):
        assert compiled.faults(["a" * 1000] * 300, None) == ()


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket, "socket", refuse)
    assert faults(
        {"$id": "http://127.0.0.1/x", "$ref": "#/$defs/a", "$defs": {"a": {"required": ["z"]}}}, {}
    ) == ("`z` is missing",)
    refusals({"$ref": "http://127.0.0.1/x"})


def test_words_of_any_of_are_short() -> None:
    found = faults({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"a": "x" * 5000})
    assert len(found) == 1
    assert len(found[0]) < 250
