"""How far a project's schema expands: a bound on the work of judging, known before anything is
judged.

References multiply: of forty definitions that each refer twice to the next, the last is applied
2^39 times. So the keywords that can meet at one place of a document are counted beforehand, each
schema once for each level of depth. A definition that refers to itself further down the document is
bounded by the depth that a document may have; one that refers to itself at the same place would
never end, and is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mlver.document.faults import MAX_DEPTH, Path

Weigh = Callable[[str, Any], int]
Part = tuple[Path, Any]

DEFINITIONS = "#/$defs/"

# Keywords that hold one schema, or many, for the very place they stand at.
_SAME_PLACE = ("not", "if", "then", "else")
_SAME_PLACE_MANY = ("allOf", "anyOf", "oneOf", "dependentSchemas")
# The same for the places one level below. One place meets one schema of the first two rows at most:
# it has one key.
_BELOW = ("additionalProperties", "items")
_BELOW_MANY = ("properties", "prefixItems")
_BELOW_BESIDE = ("contains", "propertyNames")


class ExpansionRefused(ValueError):
    """The schema expands too far, or without end; `path` is where in the schema."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(reason)
        self.path = path


class SchemaExpansion:
    """Counts what `weigh` says of each keyword, all together at one place; more than `limit`
    `things` are refused.
    """

    def __init__(self, definitions: dict[str, Any], weigh: Weigh, limit: int, things: str) -> None:
        self.definitions = definitions
        self.weigh = weigh
        self.limit = limit
        self.things = things
        # By the identity of a schema and the depth below it: None while it is being counted.
        self.counts: dict[tuple[int, int], int | None] = {}

    def count_most(self, schema: dict[str, Any]) -> int:
        """The most at any one place of a document.

        Raise ExpansionRefused where that is over the limit.
        """
        most = 0
        try:
            for depth in range(MAX_DEPTH + 1):
                # All definitions first: so no count has to go down more than one level at once.
                for name, definition in self.definitions.items():
                    self.count_below(definition, depth, ("$defs", name))
                count = self.count_below(schema, depth, ())
                if not count:
                    break
                most = max(most, count)
        except RecursionError:
            raise ExpansionRefused(
                ("$defs",), "the definitions refer to one another too deep"
            ) from None
        return most

    def count_below(self, schema: Any, depth: int, path: Path) -> int:
        """The count at a place that lies `depth` levels below the one that the schema is applied
        to.
        """
        if not isinstance(schema, dict):
            return int(depth == 0)
        key = (id(schema), depth)
        if key in self.counts:
            known = self.counts[key]
            if known is None:
                raise ExpansionRefused(
                    path, "it refers to itself without going down, which would never end"
                )
            return known
        self.counts[key] = None
        count = self.count_same_place(schema, depth, path)
        if depth > 0:
            count += self.count_one_level_down(schema, depth - 1, path)
        if count > self.limit:
            raise ExpansionRefused(
                path, f"more than {self.limit:,} {self.things} meet at one place of a document"
            )
        self.counts[key] = count
        return count

    def count_same_place(self, schema: dict[str, Any], depth: int, path: Path) -> int:
        count = 0
        if depth == 0:
            count += 1 + sum(self.weigh(keyword, value) for keyword, value in schema.items())
        if "$ref" in schema:
            name = schema["$ref"].removeprefix(DEFINITIONS)
            count += self.count_below(self.definitions[name], depth, ("$defs", name))
        for inner_path, inner in _parts(schema, _SAME_PLACE, _SAME_PLACE_MANY):
            count += self.count_below(inner, depth, path + inner_path)
        return count

    def count_one_level_down(self, schema: dict[str, Any], depth: int, path: Path) -> int:
        count = 0
        for inner_path, inner in _parts(schema, _BELOW, _BELOW_MANY):
            count = max(count, self.count_below(inner, depth, path + inner_path))
        for inner_path, inner in _parts(schema, _BELOW_BESIDE, ()):
            count += self.count_below(inner, depth, path + inner_path)
        return count


def _parts(
    schema: dict[str, Any], single: tuple[str, ...], several: tuple[str, ...]
) -> Iterator[Part]:
    """The schemas that these keywords of a schema hold, each with its path."""
    for keyword in single:
        if keyword in schema:
            yield (keyword,), schema[keyword]
    for keyword in several:
        group = schema.get(keyword, ())
        members = group.items() if isinstance(group, dict) else enumerate(group)
        for name, inner in members:
            yield (keyword, name), inner
