"""Faults in people's words, all at once, each with its line and key path."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.document import strict
from mlver.document.accept import UnknownKeyword, compile_accept
from mlver.document.codec import decode_document, encode_document
from mlver.document.emit import dump_document
from mlver.document.schema import (
    KINDS,
    NEWEST_FORMATS,
    Kind,
    build_validator,
    compile_kind,
    load_schema,
    name_schema,
    validate_document,
)
from mlver.errors import InvalidDocument
from tests.conftest import CHECKOUT, try_examples
from tests.document.documents import (
    APPROVAL_TEXT,
    DOCUMENT_TEXTS,
    EVALUATION_TEXT,
    FORMATS,
    PROMOTION_TEXT,
    SMALL,
    VERSION_TEXT,
    make_small,
)


def faults(kind: Kind, data: bytes) -> tuple[str, ...]:
    with pytest.raises(InvalidDocument) as caught:
        decode_document(kind, data, "f.yaml")
    return caught.value.faults


def test_the_documents_of_the_design_are_right() -> None:
    assert decode_document("version", VERSION_TEXT, "v")["params"] == {"lr": 0.001, "seed": 42}
    assert decode_document("promotion", PROMOTION_TEXT, "p")["gates"][0]["actual"] == 0.931


@pytest.mark.parametrize(("kind", "number"), FORMATS)
def test_what_is_encoded_decodes(kind: Kind, number: int) -> None:
    document = make_small(kind, number)
    assert decode_document(kind, encode_document(kind, document), "f") == document


@pytest.mark.parametrize(
    ("kind", "number", "key"),
    [
        ("version", 1, "previous"),
        ("version", 1, "mixed"),
        ("promotion", 1, "policy"),
        ("promotion", 1, "adopted"),
        ("evaluation", 1, "window"),
        ("approval", 1, "action"),
    ],
)
def test_a_format_has_its_own_keys_only(kind: Kind, number: int, key: str) -> None:
    document = {**make_small(kind, number), key: None}
    with pytest.raises(InvalidDocument, match=f"unknown key `{key}`"):
        encode_document(kind, document)


@pytest.mark.parametrize(
    ("text", "old", "new", "fault"),
    [
        (VERSION_TEXT, b"[bin/serve, run.sh]", b"[run.sh, run.sh]", "holds the same entry twice"),
        (VERSION_TEXT, b"[age1qx]", b"[]", "recipients: must have at least 1 items"),
        (EVALUATION_TEXT, b"served: s3:", b"saved: s3:", "`path` is missing"),
        (EVALUATION_TEXT, b"s3://logs/kr2en", b"7", "served.served: must be text, not `7`"),
        (EVALUATION_TEXT, b"coverage: 0.8", b"coverage: 80", "coverage: must be at most 1"),
        (APPROVAL_TEXT, b"action: revoke", b"action: withdraw", "must be `approve` or `revoke`"),
        (PROMOTION_TEXT, b"{from: 2,", b'{from: "2",', "from: must be a whole number"),
    ],
)
def test_what_the_second_format_refuses(text: bytes, old: bytes, new: bytes, fault: str) -> None:
    (kind,) = [kind for (kind, _), known in DOCUMENT_TEXTS.items() if known == text]
    assert old in text
    assert any(fault in message for message in faults(kind, text.replace(old, new)))


def test_every_fault_is_told_at_once_with_its_line() -> None:
    broken = (
        VERSION_TEXT.replace(b"\nmodel:", b"\nmodle:")
        .replace(b'"1.2.0"', b"1.20")
        .replace(b"incremental ", b"increment ")
        .replace(b"dirty: false", b"dirty: no")
        .replace(b"size: 812", b"size: -812")
        .replace(b"0.931", b"good")
        .replace(b"labels: {team: mt}", b"labels: {team: 7, -x: y}")
    )
    assert faults("version", broken) == (
        "line 1: `model` is missing",
        "line 2: modle: unknown key `modle`: did you mean `model`?",
        "line 3: version: must be text, not `1.2` (write it in quotes)",
        "line 9: update: must be `full`, `incremental` or `hybrid`, not `increment`: "
        "did you mean `incremental`?",
        "line 10: code.dirty: must be true or false, not `no`",
        "line 15: data.golden.size: must be at least 0, not `-812`",
        "line 17: metrics.accuracy: must be a number or a map, not `good`",
        "line 27: labels.-x: `-x` is not a label key, such as team",
        "line 27: labels.team: must be text, not `7` (write it in quotes)",
    )


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            b'"1.2.0"',
            b'"1.2.0+b1"',
            "line 3: version: `1.2.0+b1` is not a semantic version without build metadata",
        ),
        (b'"1.2.0"', b'"v1.2.0"', "is not a semantic version"),
        (b'"1.2.0"', b'"1.2.0\\n"', "is not a semantic version"),
        (b"05Z", b"05+09:00", "is not a UTC time such as 2026-11-21T03:04:05Z"),
        (b"T03", b"T24", "is not a UTC time"),
        (b"sha256:ab", b"sha256:AB", "is not a digest"),
        (
            b"models/kr2en",
            b"../kr2en",
            "weights.path: `../kr2en` is not a path inside the repository",
        ),
        (b"models/kr2en", b"/etc", "is not a path"),
        (b"size: 812", b"size: 812.0", "data.golden.size: must be a whole number, not `812.0`"),
        (b"  train:", b"  weights:", "data.weights: `weights` is not a data set name"),
        (b"0.931", b"true", "metrics.accuracy: must be a number or a map, not `true`"),
        (b"author: Kim", b"author: Kim\\e[31m", ""),
        (b"Kim <kim@example.org>", b'"Kim\\e[31m"', "author:"),
        (
            b"{numpy: 2.1.0}",
            b"{numpy: 2.1}",
            "environment.packages.numpy: must be text, not `2.1` (write it in quotes)",
        ),
        (b"4f1c", "\u0664f1c".encode(), "code.commit"),
    ],
)
def test_one_fault(old: bytes, new: bytes, fault: str) -> None:
    assert old in VERSION_TEXT
    if fault:
        assert any(fault in found for found in faults("version", VERSION_TEXT.replace(old, new)))


def test_unknown_keys_are_welcome_in_labels_and_extra_only() -> None:
    document = {**SMALL["version"], "labels": {"any": "thing"}, "extra": {"any": [{"thing": None}]}}
    assert decode_document("version", encode_document("version", document), "f") == document
    with pytest.raises(InvalidDocument, match="unknown key `anything`"):
        encode_document("version", {**document, "anything": 1})


@pytest.mark.parametrize(
    ("said", "fault", "upgrade"),
    [
        (
            "mlver/version/3",
            "written by a newer mlver (mlver/version/3); this one reads mlver/version/2",
            True,
        ),
        ("mlver/version/123456789", "written by a newer mlver", True),
        ("mlver/promotion/1", "this is `mlver/promotion/1`, not mlver/version/2", False),
        ("mlver/version/0", "this is `mlver/version/0`", False),
        ("mlver/version/02", "this is `mlver/version/02`", False),
    ],
)
def test_another_format_is_one_clear_fault(said: str, fault: str, upgrade: bool) -> None:
    with pytest.raises(InvalidDocument) as caught:
        decode_document("version", f"schema: {said}\nnews: 1\n".encode(), "f")
    assert len(caught.value.faults) == 1
    assert fault in caught.value.faults[0]
    assert (caught.value.hint is not None) == upgrade


@pytest.mark.parametrize("data", [b"[]", b"1", b"a: 1", b"schema: 1"])
def test_what_is_no_record_at_all_is_refused(data: bytes) -> None:
    assert faults("version", data)


def test_what_decode_would_refuse_is_never_encoded() -> None:
    for wrong in (
        {**SMALL["version"], "metrics": {"a": float("nan")}},
        {**SMALL["version"], "version": "1"},
    ):
        with pytest.raises(InvalidDocument):
            encode_document("version", wrong)


def test_a_flood_of_faults_is_cut_short() -> None:
    document = SMALL["version"] | {f"unknown_{n}": 1 for n in range(50_000)}
    found = faults("version", dump_document(document))
    assert len(found) == 101


REPLACEMENTS: list[Any] = [
    None,
    True,
    1,
    -1,
    1.0,
    0.5,
    "",
    "x",
    "1.0.0",
    "1.0.0\n",
    "sha256:",
    {},
    [],
    {"x": 1},
    [1],
    "a/../b",
    "latest",
    "mlver/version/1",
    "mlver/version/2",
    2**63,
]


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(spot for key, item in items for spot in spots(item, (*path, key)))]


def full(kind: Kind, number: int) -> dict[str, Any]:
    text = DOCUMENT_TEXTS.get((kind, number))
    read: dict[str, Any] = (
        strict.load_document(text, "f").value if text else copy.deepcopy(make_small(kind, number))
    )
    return read


@try_examples(400)
@given(st.data())
def test_the_quick_yes_never_says_yes_to_what_jsonschema_refuses(data: st.DataObject) -> None:
    kind, number = data.draw(st.sampled_from(FORMATS))
    document: Any = full(kind, number)
    for _ in range(data.draw(st.integers(0, 2))):
        spot = data.draw(st.sampled_from(spots(document)[1:]))
        holder = document
        for key in spot[:-1]:
            holder = holder[key]
        change = data.draw(st.sampled_from(["replace", "drop", "add"]))
        if change == "replace":
            holder[spot[-1]] = copy.deepcopy(data.draw(st.sampled_from(REPLACEMENTS)))
        elif change == "drop":
            del holder[spot[-1]]
        elif isinstance(holder, dict):
            key = data.draw(
                st.sampled_from(["extra", "x", "format", "", "-x", "command", "served"])
            )
            holder[key] = copy.deepcopy(data.draw(st.sampled_from(REPLACEMENTS)))
        if len(spots(document)) < 2:
            break
    accepted = compile_kind(kind, number)(document)
    assert accepted == build_validator(kind, number).is_valid(document)


@pytest.mark.parametrize(("kind", "number"), FORMATS)
def test_the_quick_yes_covers_every_schema(kind: Kind, number: int) -> None:
    compile_accept(load_schema(kind, number))


def test_the_quick_yes_does_not_guess() -> None:
    with pytest.raises(UnknownKeyword, match="oneOf"):
        compile_accept({"properties": {"a": {"oneOf": []}}})
    with pytest.raises(UnknownKeyword, match="if of more"):
        compile_accept({"if": {"items": {"uniqueItems": True}}, "else": {"type": "null"}})
    # Python holds 1, 1.0 and true for the same, JSON does not.
    assert not compile_accept({"uniqueItems": True})([1, True])


def test_reading_and_writing_what_is_right_imports_no_jsonschema() -> None:
    code = (
        "import sys; from mlver.document.codec import decode_document, encode_document;"
        "from mlver.records.version import VersionRecord;"
        "assert 'yaml' not in sys.modules;"
        f"encode_document('version', decode_document('version', {VERSION_TEXT!r}, 'v'));"
        "assert 'yaml' in sys.modules; assert 'jsonschema' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=CHECKOUT)


@pytest.mark.parametrize(("kind", "number"), FORMATS)
def test_each_schema_is_a_schema_and_says_what_its_parts_are(kind: Kind, number: int) -> None:
    loaded = load_schema(kind, number)
    jsonschema.Draft202012Validator.check_schema(loaded)
    assert loaded["$id"] == f"https://mlver.dev/schemas/{name_schema(kind, number)}.schema.json"
    assert loaded["properties"]["schema"]["const"] == f"mlver/{kind}/{number}"
    for name, part in loaded["properties"].items():
        referred = loaded["$defs"][part["$ref"].split("/")[-1]] if "$ref" in part else {}
        assert part.get("description") or referred.get("description"), name
    assert "$ref" not in json.dumps(loaded).replace('"$ref": "#/$defs/', "")


def test_what_two_schemas_define_alike_is_the_same() -> None:
    seen: dict[str, Any] = {}
    for kind in KINDS:
        for name, definition in load_schema(kind, NEWEST_FORMATS[kind])["$defs"].items():
            if (kind, name) != ("model", "artifact"):  # where an artifact lies, not what it is
                assert seen.setdefault(name, definition) == definition, name


def test_validate_works_without_lines() -> None:
    with pytest.raises(InvalidDocument) as caught:
        validate_document("model", {"schema": "mlver/model/1"}, None, "f")
    assert caught.value.faults == ("`model` is missing",)
