"""A project's own schema: obeyed if it is sound, refused if it could reach out or never end."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from typing import Any

import pytest

from mlver.document.codec import decode_document, encode_document
from mlver.document.project_schema import MAX_BYTES, compile_schema
from mlver.errors import InvalidDocument
from tests.conftest import CHECKOUT
from tests.document.documents import VERSION_1_TEXT, VERSION_TEXT

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
    return compile_schema(as_bytes(schema), "ours").judge_document(value, None)


def refusals(schema: Any) -> tuple[str, ...]:
    with pytest.raises(InvalidDocument) as caught:
        compile_schema(schema if isinstance(schema, bytes) else as_bytes(schema), "ours")
    return caught.value.faults


def test_a_list_of_no_allowed_values_or_types_is_worded() -> None:
    fault = "model: must be one of no values at all, not `m`"
    assert faults({"properties": {"model": {"enum": []}}}, {"model": "m"}) == (fault,)


@pytest.mark.parametrize(("text", "line"), [(VERSION_1_TEXT, 18), (VERSION_TEXT, 27)])
def test_it_is_obeyed_on_top_of_ours(text: bytes, line: int) -> None:
    document = decode_document("version", text, "f", as_bytes(TEAM))
    encode_document("version", document, as_bytes(TEAM))
    with pytest.raises(InvalidDocument) as caught:
        decode_document("version", text.replace(b"team: mt", b"team: x"), "f", as_bytes(TEAM))
    assert caught.value.faults == (f"line {line}: labels.team: `x` is not a team",)
    with pytest.raises(InvalidDocument, match="`team` is missing"):
        encode_document(
            "version",
            {**document, "labels": {}},
            as_bytes({"properties": {"labels": {"required": ["team"]}}}),
        )


def test_ours_is_obeyed_whatever_it_says() -> None:
    with pytest.raises(InvalidDocument, match="unknown key"):
        decode_document(
            "version", VERSION_TEXT + b"x: 1\n", "f", as_bytes({"additionalProperties": True})
        )


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
        ({"pattern": "(a{1000}){1000}"}, "at most 1,000 times"),
        ({"allOf": [{"pattern": f"^a{i}$"} for i in range(101)]}, "more than 100 patterns"),
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


def diamond(depth: int) -> dict[str, Any]:
    """A schema of `depth` definitions, each of which refers to the next twice."""
    definitions: dict[str, Any] = {"a0": {"type": "object"}}
    for level in range(1, depth + 1):
        definitions[f"a{level}"] = {"allOf": [{"$ref": f"#/$defs/a{level - 1}"}] * 2}
    return {"$ref": f"#/$defs/a{depth}", "$defs": definitions}


def twice_below(keywords: tuple[str, str]) -> dict[str, Any]:
    """A schema that applies itself one level down by two keywords, so that each level doubles the
    work.
    """
    return {
        "$ref": "#/$defs/a",
        "$defs": {"a": {keyword: {"$ref": "#/$defs/a"} for keyword in keywords}},
    }


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        (diamond(28), "$defs.a7: more than 1,000 keywords meet at one place"),
        (
            {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
            "$defs.a: it refers to itself",
        ),
        (
            {"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}},
            "$defs.a: it refers to itself",
        ),
        ({"items": {"anyOf": [{"type": "string"}] * 1000}}, "items: more than 1,000 keywords"),
        (
            {"properties": {"a": {"enum": list(range(5000))}}},
            "properties.a: more than 1,000 keywords",
        ),
        (twice_below(("items", "contains")), "$defs.a: more than 1,000 keywords"),
        (
            twice_below(("additionalProperties", "propertyNames")),
            "$defs.a: more than 1,000 keywords",
        ),
        ({"allOf": [{"pattern": "[^a]{999}"}] * 50}, "(): more than 100,000 steps of patterns"),
        (
            {
                "$defs": {f"a{i}": {"not": {"$ref": f"#/$defs/a{i + 1}"}} for i in range(1500)}
                | {"a1500": {}}
            },
            "$defs.a1357: more than 1,000 keywords meet at one place",
        ),
        (b'{"properties": {"a": ' * 200 + b"{}" + b"}}" * 200, "nested more than 64 deep"),
    ],
)
def test_a_schema_that_expands_too_far_is_refused_at_once(schema: Any, place: str) -> None:
    begun = time.process_time()
    with pytest.raises(InvalidDocument) as caught:
        compile_schema(schema if isinstance(schema, bytes) else as_bytes(schema), "ours")
    assert time.process_time() - begun < 3
    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].startswith(place.removeprefix("(): "))
    assert "fewer `$ref`" in caught.value.faults[0] or isinstance(schema, bytes)


NODE = {
    "type": "object",
    "properties": {
        "left": {"$ref": "#/$defs/node"},
        "right": {"$ref": "#/$defs/node"},
        "name": {"type": "string"},
    },
    "additionalProperties": False,
}


def test_a_definition_may_refer_to_itself_further_down() -> None:
    tree: dict[str, Any] = {"name": "leaf"}
    for _ in range(20):
        tree = {"left": tree, "right": {}}
    schema = {"properties": {"tree": {"$ref": "#/$defs/node"}}, "$defs": {"node": NODE}}
    assert faults(schema, {"tree": tree}) == ()
    assert faults(schema, {"tree": {"left": {"right": {"nam": ""}}}}) == (
        "tree.left.right.nam: unknown key `nam`: did you mean `name`?",
    )


WIDE = {"a": {f"k{i}": {"x": [1, 2, 3]} for i in range(50_000)}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"anyOf": [{"type": "string"}] * 400}, WIDE),
        (
            {"properties": {"a": {"additionalProperties": {"allOf": [{"type": "object"}] * 400}}}},
            WIDE,
        ),
        ({"properties": {"a": {"pattern": "(a|b)*c(a|b){200}$"}}}, {"a": "abc" * 1_000_000}),
        (
            {"properties": {"a": {"items": {"enum": [f"e{i}" for i in range(3000)]}}}},
            {"a": ["e2999"] * 50_000},
        ),
        (diamond(6), {f"k{i}": 0 for i in range(1000)}),
    ],
)
def test_a_document_that_takes_too_long_is_not_judged(schema: Any, value: Any) -> None:
    compiled = compile_schema(as_bytes(schema), "ours")
    begun = time.process_time()
    (fault,) = compiled.judge_document(value, None)
    assert time.process_time() - begun < 1
    assert "takes too long to judge a document of this size" in fault


# Each takes about as many steps as are allowed, of one kind that jsonschema or RE2 is slow at.
@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"items": {"pattern": "^(a+)+$"}}, ["a" * 5000 + "b"] * 500),
        ({"items": {"pattern": "a[ab]{900}c"}}, [("ab" * 3 + "ba" * 5 + "b") * 300] * 20),
        ({"items": {"enum": [float(i) for i in range(3900)]}}, [5e9] * 100),
        ({"items": {"not": {"not": {"enum": [float(i) for i in range(3900)]}}}}, [5e9] * 99),
        ({"items": {"anyOf": [{"type": "string"}] * 450}}, [0] * 100),
        ({"anyOf": [{"type": "string"}] * 9}, {f"k{i}": [0] for i in range(1300)}),
        ({"anyOf": [{"required": [f"k{i}" for i in range(900)]}, False]}, {}),
        (
            {"additionalProperties": {"$ref": "#/$defs/a"}, "$defs": {"a": {}}},
            {f"k{i}": 0 for i in range(4500)},
        ),
        (
            {
                "properties": {f"property{i}": {} for i in range(3000)},
                "additionalProperties": False,
            },
            {"propertz": 1},
        ),
        (
            {
                "properties": {f"{'p' * 90}{i}": {} for i in range(600)},
                "additionalProperties": False,
            },
            {f"{'p' * 89}q{i}": 1 for i in range(150)},
        ),
        (
            {"items": {"enum": [f"{'p' * 90}{i}" for i in range(600)]}},
            [f"{'p' * 89}q{i}" for i in range(150)],
        ),
    ],
)
def test_what_is_judged_is_judged_quickly(schema: Any, value: Any) -> None:
    compiled = compile_schema(as_bytes(schema), "ours")
    begun = time.process_time()
    found = compiled.judge_document(value, None)
    assert time.process_time() - begun < 6
    assert not any("too long" in fault for fault in found)


def test_a_schema_without_patterns_imports_no_engine_for_them() -> None:
    code = (
        "import sys; from mlver.document.project_schema import compile_schema;"
        "compile_schema(b'{\"required\": []}', 'f').judge_document({}, None);"
        "assert 're2' not in sys.modules;"
        "compile_schema(b'{\"pattern\": \"a\"}', 'f').judge_document({}, None);"
        "assert 're2' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=CHECKOUT)


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
