"""YAML as it is read: the 1.2 core schema's values, and every refusal, with libyaml and without."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlver.document import strict
from mlver.errors import InvalidDocument
from tests.conftest import try_examples


@pytest.fixture(params=["libyaml", "pure Python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "libyaml" and not yaml.__with_libyaml__:
        pytest.skip("this PyYAML was built without libyaml")
    monkeypatch.setattr(yaml, "__with_libyaml__", request.param == "libyaml")
    return str(request.param)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("y", "y"),
        ("true", True),
        ("True", True),
        ("~", None),
        ("", None),
        ("null", None),
        ("012", 12),
        ("0o14", 12),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("0b1", "0b1"),
        ("1.10", 1.1),
        ("1e-3", 0.001),
        ("12e3", 12000.0),
        (".5", 0.5),
        ("-0.0", -0.0),
        ("+7", 7),
        ("1.2.0", "1.2.0"),
        ("2026-11-21", "2026-11-21"),
        ("=", "="),
        ("<<", "<<"),
        ("'1'", "1"),
        ('"\\u00e9"', "é"),
        (".", "."),
        ("-", [None]),
        ("- - 1", [[1]]),
        ("{}", {}),
        ("9" * 100, int("9" * 100)),
    ],
)
def test_values_are_those_of_yaml_1_2(parser: str, text: str, value: Any) -> None:
    if text == "-":
        text = "\n- "
    read = strict.load_document(
        f"k: {text}\n".encode() if text != "- - 1" else b"k:\n- - 1\n", "f"
    ).value["k"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "line 1: the file is empty"),
        (b"# only a comment\n", "line 2: the file is empty"),
        (b"a: 1\nb: {a: 1, a: 2}", "line 2: b.a: given twice in the same map"),
        (b"a: &x 1", "line 1: a: `&x`: anchors and aliases are refused"),
        (b"a: *x", "line 1: a: `*x`: anchors and aliases are refused"),
        (b"a: [*x]", "line 1: a[0]: `*x`: anchors and aliases are refused"),
        (b"*x : 1", "line 1: `*x`: anchors and aliases are refused"),
        (
            b"a: !!python/object/apply:os.system [x]",
            "the tag `tag:yaml.org,2002:python/object/apply:os.system`",
        ),
        (b"a: !x 1", "line 1: a: the tag `!x` is refused"),
        (b"a: 1\n---\nb: 1", "line 2: a second document begins"),
        (b"%YAML 1.2\n---\na: 1", "line 1: a line cannot begin with `%`"),
        (b"1: a", "line 1: the key `1` is not text"),
        (b"null: a", "line 1: the key `null` is not text"),
        (b"[a]: b", "line 1: a key is a map or a list"),
        (b"a: .nan", "line 1: a: `.nan` is not a finite number"),
        (b"a: -.INF", "is not a finite number"),
        (b"a: 12e45678", "is not a finite number"),
        (b"a: " + b"1" * 5000, "an integer of 5000 characters is too long"),
        (b"a: 1\nb: \xff", "line 2: byte 0xff is not UTF-8"),
        (b"\xff\xfea\x00", "is not UTF-8"),
        (b"a: 1\nb: '\x00'", "line 2: a control character"),
        (b'a: "\\ud800"', "line 1"),
        (b"a: b: c", "line 1, column 5: a `:` cannot stand here"),
        (b"a:\n  b: 1\n c: 2", "line 3, column 2: the indentation does not fit"),
        (b"a: [1, 2\nb: 3", "a `[` or `{` is not closed"),
        (b'a: "x', "a quoted text is not closed"),
        (b"[" * 200_000, "nested more than 64 deep"),
        (b"{a: " * 200_000, "nested more than 64 deep"),
        (b"- " * 100_000, "nested more than 64 deep"),
        (b"a: 1\n" * (strict.MAX_BYTES // 5 + 1), "bytes are too many"),
    ],
)
def test_refused(parser: str, data: bytes, fault: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        strict.load_document(data, "f.yaml")
    assert any(fault in found for found in caught.value.faults), caught.value.faults


def test_every_fault_at_once(parser: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        strict.load_document(b"a: 1\na: 2\nb: &x [.nan]\n1: *x\n", "f.yaml")
    assert [fault.split(":")[0] for fault in caught.value.faults] == [
        "line 2",
        "line 3",
        "line 3",
        "line 4",
        "line 4",
    ]


def test_a_document_full_of_faults_is_cut_short() -> None:
    with pytest.raises(InvalidDocument) as caught:
        strict.load_document(b"- .nan\n" * 5000, "f.yaml")
    assert len(caught.value.faults) == 101


def test_sixty_four_levels_are_read(parser: str) -> None:
    strict.load_document(b"[" * 64 + b"]" * 64, "f")
    with pytest.raises(InvalidDocument):
        strict.load_document(b"[" * 65 + b"]" * 65, "f")


HOSTILE = {
    "open brackets": b"[" * strict.MAX_BYTES,
    "open maps": b"{" * strict.MAX_BYTES,
    "question marks": b"? " * (strict.MAX_BYTES // 2),
    "directives": b"".join(b"%%TAG !%d! x\n" % n for n in range(200_000)) + b"---\na: 1",
    "directives behind": b"a: 1\n...\n"
    + b"".join(b"%%TAG !%d! x\n" % n for n in range(200_000))
    + b"---\na: 1",
    "quotes": b'"' * strict.MAX_BYTES,
    "one long key": b"a" * (strict.MAX_BYTES - 4) + b": 1",
    "letters": b"a: " + b"x" * (strict.MAX_BYTES - 4),
    "duplicate keys": b"a: 1\n" * (strict.MAX_BYTES // 5),
    "aliases": b"a: &a [x]\n" + b"".join(b"k%d: [*a, *a]\n" % n for n in range(100_000)),
    "long integer": b"a: " + b"1" * (strict.MAX_BYTES - 3),
    "spaces": b" " * strict.MAX_BYTES,
    "indents": b"\n".join(b" " * n + b"a:" for n in range(2500)),
}

HARMLESS = {"letters"}


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="the bound is libyaml's")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_fail_fast(name: str) -> None:
    begun = time.process_time()
    with contextlib.nullcontext() if name in HARMLESS else pytest.raises(InvalidDocument):
        strict.load_document(HOSTILE[name], "f.yaml")
    assert time.process_time() - begun < 3


def test_lines_are_known_by_key_path() -> None:
    lines = strict.load_document(b"a: 1\nb:\n  c:\n    - x\n    - d: 1\n", "f").lines
    assert [
        lines.find_line(path)
        for path in ((), ("b", "c"), ("b", "c", 1, "d"), ("b", "c", 1, "missing"))
    ] == [1, 3, 5, 5]


@try_examples(100)
@given(
    st.binary(max_size=60)
    | st.text(alphabet="ab:-?[]{},&*!|>'\"%@#\n\t 01.~", max_size=40).map(str.encode)
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(InvalidDocument):
        strict.load_document(data, "f.yaml")
