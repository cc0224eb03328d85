"""What a table holds in short, column by column, as `.mlver/profiles/<64 hex>.json` says it.

The file is named by the digest of the data set that it describes. It is derived and small: it tells
enough of a table to compare it with another one when its bytes are gone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from mlver.digest import Digest
from mlver.errors import InvalidDocument, printable_name
from mlver.records.values import Document, drop_empty_values

PROFILE_SCHEMA = "mlver/profile/1"
ColumnKind = Literal["number", "time", "category", "other"]
# Values of these can be put in order.
ORDERED_KINDS: frozenset[ColumnKind] = frozenset(("number", "time"))
QUANTILES = 256
# The most frequent categories are listed by name, all others are counted together.
CATEGORIES = 50
MOST_COLUMNS = 10_000
_KINDS = get_args(ColumnKind)
_BIGGEST = 2**63 - 1
_LONGEST_NAME = 4096
_LAST_DIGITS = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """One column. `type` is what the reader of the table calls it.

    Of its rows, `missing` have no value and `infinite` one without bounds; `count` are the others.
    Numbers and times (in seconds since 1970) have a `mean`, a `variance` and `quantiles`, from the
    least to the greatest; texts have `categories`, the most frequent first, of which there are
    `distinct` ones in all. Where nearly every value is another one, none of them is listed.
    """

    name: str
    type: str
    kind: ColumnKind
    count: int
    missing: int = 0
    infinite: int = 0
    mean: float | None = None
    variance: float | None = None
    quantiles: tuple[float, ...] = ()
    distinct: int | None = None
    categories: tuple[tuple[str, int], ...] = ()

    @property
    def is_ordered(self) -> bool:
        """Whether its values can be put in order: numbers, and times."""
        return self.kind in ORDERED_KINDS

    @property
    def is_identifier(self) -> bool:
        """Whether nearly every value is another one, so that values say nothing of the column."""
        return self.kind == "category" and is_mostly_distinct(self.distinct or 0, self.count)

    def agrees_with(self, other: ColumnProfile) -> bool:
        """Whether another one says the same; the last digits of a sum may be others elsewhere."""
        pairs = ((self.mean, other.mean), (self.variance, other.variance))
        if not all(_are_close(mine, theirs) for mine, theirs in pairs):
            return False
        alike = replace(other, type=self.type, mean=self.mean, variance=self.variance)
        return alike == self

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ColumnProfile:
        listed = tuple((name, count) for name, count in document.get("categories", ()))
        quantiles = tuple(map(float, document.get("quantiles", ())))
        return cls(**{**document, "categories": listed, "quantiles": quantiles})

    def to_document(self) -> Document:
        return {
            "name": self.name,
            "type": self.type,
            "kind": self.kind,
            "count": self.count,
            "missing": self.missing,
            "infinite": self.infinite,
            **drop_empty_values(
                mean=self.mean,
                variance=self.variance,
                quantiles=list(self.quantiles),
                distinct=self.distinct,
                categories=[list(category) for category in self.categories],
            ),
        }


def _are_close(mine: float | None, theirs: float | None) -> bool:
    if mine is None or theirs is None:
        return mine == theirs
    return math.isclose(mine, theirs, rel_tol=_LAST_DIGITS, abs_tol=_LAST_DIGITS)


def is_mostly_distinct(distinct: int, count: int) -> bool:
    """Whether more than half of the values, and more than are listed, differ from each other."""
    return distinct > CATEGORIES and 2 * distinct > count


@dataclass(frozen=True, slots=True, kw_only=True)
class TableProfile:
    """A table of so many rows, and its columns in their order."""

    rows: int
    columns: tuple[ColumnProfile, ...]

    def find_column(self, name: str) -> ColumnProfile | None:
        """Find a column by its name."""
        return next((column for column in self.columns if column.name == name), None)

    def agrees_with(self, other: TableProfile) -> bool:
        """Whether another one says the same of a table."""
        if (self.rows, len(self.columns)) != (other.rows, len(other.columns)):
            return False
        pairs = zip(self.columns, other.columns, strict=True)
        return all(mine.agrees_with(theirs) for mine, theirs in pairs)

    @classmethod
    def parse(cls, data: bytes, where: str, digest: Digest) -> TableProfile:
        """Read the profile of the data of this digest; raise InvalidDocument, naming `where`."""
        document = _load_document(data, where)
        faults = _list_faults(document, digest)
        if faults:
            raise InvalidDocument(where, tuple(faults))
        columns = tuple(ColumnProfile.from_document(column) for column in document["columns"])
        return cls(rows=document["rows"], columns=columns)

    def to_bytes(self, digest: Digest) -> bytes:
        """Write it as a file for the data of this digest, a line a column."""
        head = {"schema": PROFILE_SCHEMA, "data": str(digest), "rows": self.rows}
        opening = json.dumps(head)[:-1]
        lines = ",\n".join(
            json.dumps(column.to_document(), ensure_ascii=False, allow_nan=False)
            for column in self.columns
        )
        return f'{opening}, "columns": [\n{lines}\n]}}\n'.encode()


def _load_document(data: bytes, where: str) -> Any:
    try:
        return json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        reason = printable_name(str(error))[:100]
        raise InvalidDocument(where, (f"it is no JSON: {reason}",)) from None


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _list_faults(document: Any, digest: Digest) -> list[str]:
    if not isinstance(document, dict) or document.get("schema") != PROFILE_SCHEMA:
        return [f"its schema is not {PROFILE_SCHEMA}"]
    if document.get("data") != str(digest):
        return [f"it is not of the data {digest}, which its name says"]
    columns, rows = document.get("columns"), document.get("rows")
    if type(rows) is not int or not isinstance(columns, list) or document.keys() - _HEAD:
        return ["`rows` is no count, `columns` no list, or there is more"]
    if not columns or len(columns) > MOST_COLUMNS:
        return [f"it has {len(columns):,} columns, and may have 1 to {MOST_COLUMNS:,}"]
    for number, column in enumerate(columns, 1):
        fault = _find_column_fault(column, rows)
        if fault is not None:
            return [f"column {number}: {fault}"]
    if len({column["name"] for column in columns}) < len(columns):
        return ["two columns have the same name"]
    return []


_HEAD = frozenset(("schema", "data", "rows", "columns"))
_COUNTS = ("count", "missing", "infinite")
_FIELDS = frozenset(ColumnProfile.__dataclass_fields__)


def _find_column_fault(column: Any, rows: int) -> str | None:
    """What is wrong with a column; None where nothing is."""
    if not isinstance(column, dict) or column.keys() - _FIELDS:
        return "it is no map of what a column has"
    if not all(_is_short_text(column.get(key)) for key in ("name", "type")):
        return "`name` or `type` is no short text"
    if column.get("kind") not in _KINDS:
        return f"`kind` is none of {', '.join(_KINDS)}"
    if not all(_is_count(column.get(key)) for key in _COUNTS):
        return "`count`, `missing` or `infinite` is no count"
    if sum(column[key] for key in _COUNTS) != rows:
        return f"its values are not as many as the {rows:,} rows"
    if column["kind"] in ORDERED_KINDS and column["count"]:
        return _find_number_fault(column)
    if column["kind"] == "category":
        return _find_category_fault(column)
    return None


def _find_number_fault(column: Mapping[str, Any]) -> str | None:
    quantiles = column.get("quantiles")
    if not isinstance(quantiles, list) or not 1 <= len(quantiles) <= QUANTILES:
        return f"`quantiles` is no list of at most {QUANTILES}"
    if not all(map(_is_finite, quantiles)) or sorted(quantiles) != quantiles:
        return "`quantiles` are no finite numbers in order"
    if not _is_finite(column.get("mean")) or not _is_finite(column.get("variance")):
        return "`mean` or `variance` is no finite number"
    return None if column["variance"] >= 0 else "`variance` is less than 0"


def _find_category_fault(column: Mapping[str, Any]) -> str | None:
    categories = column.get("categories", [])
    if not _is_count(column.get("distinct")):
        return "`distinct` is no count"
    if not isinstance(categories, list) or len(categories) > CATEGORIES:
        return f"`categories` is no list of at most {CATEGORIES}"
    for entry in categories:
        is_pair = isinstance(entry, list) and len(entry) == 2
        if not is_pair or not _is_short_text(entry[0]) or not _is_count(entry[1]):
            return "`categories` are not pairs of a text and a count"
    names = {name for name, _ in categories}
    counted = sum(count for _, count in categories)
    if len(names) < len(categories) or len(names) > column["distinct"] or counted > column["count"]:
        return "`categories` are more than there are values, or twice the same"
    return None


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= _BIGGEST


def _is_finite(value: object) -> bool:
    if type(value) is int:
        return abs(value) <= _BIGGEST
    return type(value) is float and math.isfinite(value)


def _is_short_text(value: object) -> bool:
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        return False
    return not any("\ud800" <= letter <= "\udfff" for letter in value)
