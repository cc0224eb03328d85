"""The section `insight`: what is kept of tables, and when their columns count as moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from mlver.records.values import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftThresholds:
    """A column drifts where its adjusted p-value is below `p` and one of its distances is reached.

    `ks` is that of Kolmogorov and Smirnov, for numbers and for the share of missing values, `js`
    the Jensen–Shannon divergence of categories in bits, `psi` the population stability index.
    Fewer than `rows` rows tell nothing. The columns in `ignore` are not looked at.
    """

    ks: float = 0.1
    js: float = 0.02
    psi: float = 0.2
    p: float = 0.05
    rows: int = 200
    ignore: tuple[str, ...] = ()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> DriftThresholds:
        return cls(**{**document, "ignore": tuple(document.get("ignore", ()))})

    def to_document(self) -> Document:
        """All of them, whether they are as by default or not."""
        values = {threshold.name: getattr(self, threshold.name) for threshold in fields(self)}
        return {**values, "ignore": sorted(self.ignore)}


@dataclass(frozen=True, slots=True, kw_only=True)
class InsightSettings:
    """`profiles`: `register` keeps a profile of each data set that is a table."""

    profiles: bool = False
    drift: DriftThresholds = field(default_factory=DriftThresholds)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> InsightSettings:
        return cls(
            profiles=document.get("profiles", False),
            drift=DriftThresholds.from_document(document.get("drift", {})),
        )

    def to_document(self) -> Document:
        document: Document = {"profiles": True} if self.profiles else {}
        thresholds = _write_thresholds(self.drift)
        return {**document, "drift": thresholds} if thresholds else document


def _write_thresholds(drift: DriftThresholds) -> Document:
    """Only what is not as by default."""
    document: Document = {}
    for threshold in fields(drift):
        value = getattr(drift, threshold.name)
        if value != threshold.default:
            document[threshold.name] = list(value) if isinstance(value, tuple) else value
    return document
