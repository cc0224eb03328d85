"""Fields that a filter, an order or a column asks for by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from mlver.errors import UsageError
from mlver.policy.filters.comparisons import FieldKind, ValueTest

Subject = TypeVar("Subject")
Matcher: TypeAlias = Callable[[Subject], bool]


@dataclass(frozen=True, slots=True)
class FilterField(Generic[Subject]):
    """`read` finds the value by the keys that were written behind the name; None: there is none.

    `key` is what messages call such a key; a field without one takes no keys.
    """

    kind: FieldKind
    read: Callable[[Subject, Sequence[str]], object]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class NamedField(Generic[Subject]):
    """A field, and the keys that were written behind its name."""

    name: str
    field: FilterField[Subject]
    keys: tuple[str, ...]

    @property
    def kind(self) -> FieldKind:
        return self.field.kind

    def read_value(self, subject: Subject) -> object:
        return self.field.read(subject, self.keys)

    def build_matcher(self, test: ValueTest) -> Matcher[Subject]:
        """A subject that lacks the field is not meant."""

        def matches_subject(subject: Subject) -> bool:
            value = self.field.read(subject, self.keys)
            return value is not None and test(value)

        return matches_subject


def find_field(
    segments: Sequence[str], fields: Mapping[str, FilterField[Subject]]
) -> NamedField[Subject]:
    """Find the field that a dotted name means; raise UsageError with the name that may be meant."""
    name = ".".join(segments)
    for length in range(len(segments), 0, -1):
        field = fields.get(".".join(segments[:length]))
        if field is None:
            continue
        keys = tuple(segments[length:])
        if keys and field.key is None:
            break
        if not keys and field.key is not None:
            raise UsageError(f"`{name}` needs a name behind it: {name}.{field.key}")
        return NamedField(name, field, keys)
    raise UsageError(_describe_unknown(name, fields))


def find_metric(
    segments: Sequence[str], fields: Mapping[str, FilterField[Subject]]
) -> NamedField[Subject] | None:
    """Find the metric that a name alone means; None for one that is, or is like, a field's."""
    heads = {name.partition(".")[0] for name in fields}
    if "metrics" not in fields or segments[0] in heads:
        return None
    if _find_close(".".join(segments), fields) or _find_close(segments[0], heads):
        return None
    return find_field(("metrics", *segments), fields)


def _find_close(name: str, fields: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(name, fields, 1, 0.75)


def _describe_unknown(name: str, fields: Iterable[str]) -> str:
    close_names = _find_close(name, fields)
    if close_names:
        return f"there is no field `{name}`; did you mean `{close_names[0]}`?"
    if "." not in name and "metrics" in fields:
        return f"there is no field `{name}`; write metrics.{name}, params.{name} or labels.{name}"
    return f"there is no field `{name}`; the fields are {', '.join(fields)}"
