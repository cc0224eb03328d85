"""Recipes: written in one form, read strictly, and judged as their schema judges them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.errors import InvalidDocument, NewerFormat
from mlver.storage.recipes import PART_BYTES, Part, Recipe, format_recipe, parse_recipe

CHECKOUT = Path(__file__).parents[2]
WHOLE, ONE, TWO = "ab" * 32, "01" * 32, "02" * 32
RECIPE = Recipe(WHOLE, PART_BYTES + 5, (Part(ONE, PART_BYTES, 0), Part(TWO, 5, PART_BYTES)))
HEX = st.text("0123456789abcdef", min_size=64, max_size=64)


def load_validator() -> Any:
    schema = json.loads((CHECKOUT / "schemas/recipe.schema.json").read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


VALIDATOR = load_validator()


def write_canonical(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def as_document(recipe: Recipe = RECIPE) -> Any:
    return json.loads(format_recipe(recipe))


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    parts: list[Part] = []
    end = 0
    for sha256 in draw(st.lists(HEX, min_size=1, max_size=6)):
        size = draw(st.integers(1, PART_BYTES))
        base = draw(st.none() | HEX)
        encoding = "plain" if base is None else "xor-planes-zstd"
        parts.append(Part(sha256, size, end, encoding, base))
        end += size
    return Recipe(draw(HEX), end, tuple(parts))


@given(recipes())
def test_what_is_written_is_read_and_fits_the_schema(recipe: Recipe) -> None:
    data = format_recipe(recipe)
    assert parse_recipe(data, recipe.sha256, "r") == recipe
    VALIDATOR.validate(json.loads(data))


def test_the_form_is_what_it_was_promised_to_be() -> None:
    recipe = Recipe(WHOLE, 5, (Part(ONE, 5, 0),))
    assert format_recipe(recipe) == (
        b'{"parts":[{"base":null,"encoding":"plain","offset":0,"sha256":"%s","size":5}],'
        b'"schema":"mlver/recipe/1","sha256":"%s","size":5}\n'
    ) % (ONE.encode(), WHOLE.encode())


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3 * PART_BYTES),
    st.sampled_from([2**53, 10**400, 5.0, "plain", "xor-planes-zstd", "", "zz" * 32, ONE, [], {}]),
)


@given(recipes(), st.data())
def test_it_reads_no_document_that_the_schema_refuses(recipe: Recipe, data: st.DataObject) -> None:
    document = as_document(recipe)
    target = data.draw(st.sampled_from([document, *document["parts"]]))
    key = data.draw(st.sampled_from(sorted(target)))
    target[key] = data.draw(VALUES)
    if data.draw(st.booleans()):
        del target[key]
    written = write_canonical(document)
    try:
        parsed = parse_recipe(written, recipe.sha256, "r")
    except InvalidDocument:
        parsed = None
    fits = VALIDATOR.is_valid(document)
    if parsed is not None:
        assert fits
        assert format_recipe(parsed) == written
    elif fits:
        # Only what no schema can say is left: which content it is of, and that no part is missing.
        assert document["sha256"] != recipe.sha256 or not has_no_gaps(document)


def has_no_gaps(document: Any) -> bool:
    end = 0
    for part in document["parts"]:
        if part["offset"] != end:
            return False
        end += part["size"]
    return bool(end == document["size"])


def alter(*path: str | int, value: Any) -> bytes:
    document = as_document()
    target = document
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return write_canonical(document)


HOSTILE = {
    "nothing": b"",
    "not JSON": b"{",
    "no object": b"[]\n",
    "text": b'"x"\n',
    "not UTF-8": b"\xff\xfe",
    "deep": b"[" * 100_000,
    "a number of many digits": b'{"size":' + b"9" * 10_000 + b"}",
    "NaN": format_recipe(RECIPE).replace(b'"size":5', b'"size":NaN'),
    "a gap": alter("parts", 1, "offset", value=PART_BYTES + 1),
    "an overlap": alter("parts", 1, "offset", value=PART_BYTES - 1),
    "a wrong sum": alter("size", value=PART_BYTES + 6),
    "a size below 0": alter("parts", 1, "size", value=-5),
    "a part of nothing": alter("parts", 1, "size", value=0),
    "a huge part": alter("parts", 1, "size", value=PART_BYTES + 1),
    "a huge size": alter("size", value=2**63),
    "a float": alter("size", value=float(PART_BYTES + 5)),
    "true for one": alter("parts", 0, "offset", value=False),
    "no parts": alter("parts", value=[]),
    "parts that are an object": alter("parts", value={}),
    "a part that is a number": alter("parts", 0, value=3),
    "a path for a digest": alter("parts", 0, "sha256", value="../" * 21 + "x"),
    "capitals": alter("parts", 0, "sha256", value="AB" * 32),
    "a newline after a digest": alter("parts", 0, "sha256", value=ONE + "\n"),
    "another content": alter("sha256", value=ONE),
    "a base of a plain part": alter("parts", 0, "base", value=ONE),
    "a part without its base": alter("parts", 0, "encoding", value="xor-planes-zstd"),
    "an encoding that is a list": alter("parts", 0, "encoding", value=[]),
    "one more key": alter("more", value=1),
    "one more key of a part": alter("parts", 0, "more", value=1),
    "a key twice": format_recipe(RECIPE).replace(b'"schema"', b'"size":1,"schema"'),
    "spaces": json.dumps(as_document(), sort_keys=True).encode() + b"\n",
    "no newline": format_recipe(RECIPE).rstrip(),
    "something after it": format_recipe(RECIPE) + b"{}",
    "escapes": format_recipe(RECIPE).replace(b'"plain"', b'"pl\\u0061in"'),
    "too long": b" " * ((16 << 20) + 1),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_somebody_made_up_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(InvalidDocument, match="the bucket/recipes/ab") as caught:
        parse_recipe(data, WHOLE, "the bucket/recipes/ab")
    assert not isinstance(caught.value, NewerFormat)
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (alter("parts", 1, "encoding", value="brotli"), "brotli"),
        (alter("schema", value="mlver/recipe/2"), "mlver/recipe/2"),
        (alter("parts", 1, "encoding", value="e" * 9999), "e" * 20),
    ],
)
def test_what_a_newer_one_wrote_is_named(data: bytes, named: str) -> None:
    with pytest.raises(NewerFormat, match=named) as caught:
        parse_recipe(data, WHOLE, "r")
    assert len(caught.value.message) < 400


def test_what_could_not_be_read_is_not_written() -> None:
    with pytest.raises(InvalidDocument):
        format_recipe(Recipe(WHOLE, 6, (Part(ONE, 5, 0),)))
