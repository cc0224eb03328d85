"""YAML as it is written: it reads back the same, here and in YAML 1.1 readers, and looks as people
expect.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from mlver.document import strict
from mlver.document.emit import dump_document
from mlver.errors import InvalidDocument
from tests.conftest import try_examples

TRAPS = st.sampled_from(
    [
        "",
        " ",
        "1_000",
        "0x1f",
        "1:30",
        "~",
        "=",
        "<<",
        "y",
        "No",
        "null",
        "012",
        "1e3",
        ".5",
        "-",
        "- a",
        "? a",
        "a: b",
        "a #b",
        "#",
        "'",
        '"',
        "\\",
        "|",
        ">",
        "%x",
        "@x",
        "`x",
        "&a",
        "*a",
        "!x",
        "a\n",
        "\na",
        "a\n\n",
        " a\nb",
        "a\n b",
        "a \nb",
        "a\r\nb",
        "a\tb",
        "\t",
        "\x85",
        "\u2028",
        "\u2029",
        "\ufeff",
        "\ufffe",
        "\x00",
        "\x7f",
        "\u202e",
        "😀",
        "---",
        "...",
        "--- a\nb",
        "2026-11-21",
        "1.2.0",
        "a:",
        "deadbeef",
        "2026-11-21T03:04:05Z",
        "[x]",
        "{x}",
        "a, b",
        "\xa0",
        "NaN",
        "inf",
        "a\n\n\nb",
        "a\n\n",
        "\n",
        "\n\n",
        "é\nü\n",
        "0o7",
        "+1",
    ]
)
TEXTS = (
    TRAPS
    | st.text(max_size=12)
    | st.lists(TRAPS, max_size=3).map("".join)
    | st.lists(TRAPS, max_size=4).map("\n".join)
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


@try_examples(250)
@given(st.dictionaries(TEXTS, VALUES, max_size=5))
@example({"k" * 2000: 1, "x": {"😀" * 300: ["a\nb"], "k" * 1100: {"a": 1}}})
@example({"": {"": [[[]], [{}], [["a\n\nb"]]]}})
def test_what_is_written_reads_back_the_same(document: dict[str, Any]) -> None:
    data = dump_document(document)
    for value in (
        strict.load_document(data, "f").value,
        yaml.safe_load(data),
        yaml.load(data, getattr(yaml, "CSafeLoader", yaml.SafeLoader)),
    ):
        assert _exactly(value) == _exactly(document)
    assert all(character == "\n" or character.isprintable() for character in data.decode())
    assert dump_document(strict.load_document(data, "f").value) == data


def _exactly(value: Any) -> Any:
    """The value with its order and types, which `==` on its own passes over (1 == 1.0 == True)."""
    if isinstance(value, dict):
        return [(key, _exactly(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [_exactly(item) for item in value]
    return repr(value)


def test_it_looks_as_people_expect() -> None:
    document = {
        "schema": "mlver/version/1",
        "version": "1.10.0",
        "author": "Kim <kim@example.org>",
        "message": "첫 버전\n\nIt's better: see #4\n",
        "commit": "abcdef0" * 5,
        "on": "no",
        "gates": [{"gate": "x", "list": [1, [2]]}, "y"],
        "empty": {"a": {}, "b": []},
        "lr": 1e-05,
    }
    assert dump_document(document).decode() == EXPECTED


EXPECTED = """\
schema: mlver/version/1
version: "1.10.0"
author: Kim <kim@example.org>
message: |
  첫 버전

  It's better: see #4
commit: "abcdef0abcdef0abcdef0abcdef0abcdef0"
"on": "no"
gates:
  - gate: x
    list:
      - 1
      - - 2
  - "y"
empty:
  a: {}
  b: []
lr: 1.0e-05
"""


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (float("nan"), "a.b: nan is not a finite number"),
        (float("-inf"), "finite"),
        (10**100, "too long"),
        ("\ud800", "Unicode"),
        ({1: 2}, "the key 1 is not text"),
        (b"x", "a bytes cannot be written"),
        ("x" * strict.MAX_BYTES, "too many"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(value: Any, fault: str) -> None:
    with pytest.raises(InvalidDocument, match=fault):
        dump_document({"a": {"b": value}})


def test_what_nests_too_deep_is_not_written() -> None:
    deep: Any = 1
    for _ in range(64):
        deep = [deep]
    with pytest.raises(InvalidDocument, match="deep"):
        dump_document({"a": deep})
    assert strict.load_document(dump_document({"a": deep[0]}), "f").value == {"a": deep[0]}
