"""The section `retention`: what `gc` keeps beyond what anything leads to, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mlver.records.durations import read_duration
from mlver.records.values import Document, drop_empty_values

DEFAULT_GRACE = "14d"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    """`gc` always keeps whatever a branch, a tag, a reflog or a work tree leads to.

    Of versions whose records nothing leads to any more, it keeps the `keep_last` highest of each
    model, those that a promotion to one of `keep_stages` names, those
    recorded within `keep_for`, and those with one of `keep_labels`: `name`, or `name=value`.
    `grace` is how long it waits before it deletes anything.
    """

    keep_last: int = 0
    keep_stages: tuple[str, ...] = ()
    keep_for: str | None = None
    keep_labels: tuple[str, ...] = ()
    grace: str = DEFAULT_GRACE

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> RetentionSettings:
        listed = {key: tuple(document.get(key, ())) for key in ("keep_stages", "keep_labels")}
        return cls(**{**document, **listed})

    @property
    def grace_time(self) -> timedelta:
        return read_days(self.grace)

    @property
    def keeps_versions(self) -> bool:
        """Whether it keeps anything that nothing leads to."""
        return bool(self.keep_last or self.keep_stages or self.keep_for or self.keep_labels)

    def to_document(self) -> Document:
        kept = drop_empty_values(
            keep_last=self.keep_last,
            keep_stages=list(self.keep_stages),
            keep_for=self.keep_for,
            keep_labels=list(self.keep_labels),
        )
        return {**kept, "grace": self.grace}


def read_days(text: str) -> timedelta:
    """`90d` or `2w`; the schema lets nothing else through."""
    seconds = read_duration(text)
    if seconds is None:
        raise ValueError(f"{text!r} is no number of days or weeks")
    return timedelta(seconds=seconds)
