"""The bound on how far a schema expands: right, and cheap however its definitions refer."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from mlver.document.expansion import (
    DEFINITIONS,
    ExpansionCount,
    ExpansionRefused,
    build_graph,
    count_expansion,
)
from mlver.document.faults import MAX_DEPTH


def count_keywords(definitions: dict[str, Any], limit: int = 1000) -> ExpansionCount:
    """Count how many keywords meet; the first definition is applied to the whole document."""
    first = next(iter(definitions))
    schema = {"$ref": f"{DEFINITIONS}{first}"}
    graph = build_graph(schema, definitions)
    return count_expansion(graph, lambda keyword, value: 1, limit, "keywords")


def refer_to(name: object) -> dict[str, str]:
    return {"$ref": f"{DEFINITIONS}{name}"}


def chain_definitions(count: int, keyword: str) -> dict[str, Any]:
    """Definitions in a ring, each of which refers to the next one level down."""
    definitions: dict[str, Any] = {}
    for number in range(count):
        definition: dict[str, Any] = {keyword: refer_to((number + 1) % count)}
        # of different weights, so that no two levels count alike
        if number % 7 == 0:
            definition["type"] = "array"
        if number % 11 == 0:
            definition["minItems"] = 1
        definitions[str(number)] = definition
    return definitions


def test_definitions_that_refer_to_one_another_are_visited_once_a_level() -> None:
    """Each definition is two nodes, itself and its reference, and the whole schema is one more."""
    count = 10_000
    counted = count_keywords(chain_definitions(count, "items"))
    assert counted.steps <= (2 * count + 1) * (MAX_DEPTH + 1)
    # the whole schema's reference; itself, `items`, `type` and `minItems` of the first
    assert counted.most == 2 + 4


def test_levels_that_count_alike_are_counted_once() -> None:
    definitions = {str(number): {"items": refer_to((number + 1) % 50)} for number in range(50)}
    counted = count_keywords(definitions)
    assert counted.steps <= (2 * 50 + 1) * 3


@pytest.mark.parametrize(
    ("definition", "most"),
    [
        ({}, 1),
        ({"type": "object", "title": "a"}, 3),
        ({"allOf": [{"type": "object"}, True, {}]}, 2 + 2 + 1 + 1),
        # a place below has one key, so it meets one of `properties`: the heavier
        ({"properties": {"a": {"const": 1}, "b": dict.fromkeys("vwxyz", 1)}}, 6),
        # but every item meets `contains` beside `items`
        ({"items": {"const": 1}, "contains": dict.fromkeys("vwxyz", 1)}, 2 + 6),
    ],
    ids=str,
)
def test_what_can_meet_at_one_place_is_added_up(definition: Any, most: int) -> None:
    graph = build_graph(definition, {})
    assert count_expansion(graph, lambda keyword, value: 1, 1000, "keywords").most == most


def test_a_chain_as_long_as_it_likes_needs_no_stack() -> None:
    count = 5000
    definitions: dict[str, Any] = {}
    for number, following in itertools.pairwise(range(count)):
        definitions[str(number)] = {"not": refer_to(following)}
    definitions[str(count - 1)] = {}
    # two keywords and two schemas for each link
    assert count_keywords(definitions, limit=5 * count).most == 2 + 4 * (count - 1) + 1
    definitions[str(count - 1)] = refer_to(0)
    with pytest.raises(ExpansionRefused, match="it refers to itself"):
        count_keywords(definitions)
