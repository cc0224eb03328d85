"""How far two tables are apart, as an evaluation records it: what was compared, and each distance.

The distances are kept, and not only what somebody's thresholds made of them: whoever judges later
can apply other ones to the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from mlver.digest import Digest
from mlver.records.profile import ColumnKind
from mlver.records.sections.insight import DriftThresholds
from mlver.records.values import Document, drop_empty_values

# What a version was trained on against what it serves, and what was then against what is now.
DriftKind = Literal["skew", "drift"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredColumn:
    """One column of both tables; None is what cannot be told.

    `new_kind` is None where its values are of the same kind as they were. The p-values are not
    adjusted: for which columns, the thresholds say. `old_missing` and `new_missing` are shares of
    the rows.
    """

    name: str
    kind: ColumnKind
    new_kind: ColumnKind | None = None
    old_count: int
    new_count: int
    ks: float | None = None
    psi: float | None = None
    js: float | None = None
    p: float | None = None
    old_missing: float = 0.0
    new_missing: float = 0.0
    missing_p: float | None = None

    def to_document(self) -> Document:
        """Leave out what cannot be told, and that no values are missing."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        for field in fields(self):
            if values[field.name] is None or values[field.name] == field.default:
                del values[field.name]
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredDrift:
    """What a comparison of two tables found.

    `digest` is that of the version's own data set `dataset`, which had `old_rows` rows; the other
    table had `new_rows`. `exact`: values were compared, and not only profiles. `repeated` is the
    share of the other table's rows that are rows of the data set, None where rows do not tell.
    `removed` are the columns that only the data set has, `ignored` those that nobody looked at by
    the `thresholds` of the time.
    """

    kind: DriftKind
    dataset: str
    digest: Digest
    old_rows: int
    new_rows: int
    exact: bool
    thresholds: DriftThresholds
    columns: tuple[MeasuredColumn, ...]
    repeated: float | None = None
    removed: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> MeasuredDrift:
        names = {key: tuple(document.get(key, ())) for key in ("removed", "ignored")}
        return cls(
            **{
                **document,
                **names,
                "digest": Digest.parse(document["digest"]),
                "thresholds": DriftThresholds.from_document(document["thresholds"]),
                "columns": tuple(MeasuredColumn(**column) for column in document["columns"]),
            }
        )

    def to_document(self) -> Document:
        return {
            "kind": self.kind,
            "dataset": self.dataset,
            "digest": str(self.digest),
            "old_rows": self.old_rows,
            "new_rows": self.new_rows,
            "exact": self.exact,
            "thresholds": self.thresholds.to_document(),
            "columns": [column.to_document() for column in self.columns],
            **drop_empty_values(
                repeated=self.repeated, removed=list(self.removed), ignored=list(self.ignored)
            ),
        }
