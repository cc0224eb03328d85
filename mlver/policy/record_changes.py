"""What may become of a record in a commit that is about to be made: it may be added, and otherwise
stays as it is.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Literal

RecordChange = Literal["changed", "deleted", "replaced"]


def judge_change(
    new: str | None, parent_ids: Sequence[str | None], landed: Container[str]
) -> RecordChange | None:
    """What a commit does to a record that it has as `new` and its parents as `parent_ids`.

    Both are ids, None where there is no such record.

    A merge may settle a conflict by taking one parent's record, unless what it drops is among
    `landed`.
    """
    parent_records = [content for content in parent_ids if content is not None]
    if not parent_records or all(content == new for content in parent_records):
        return None
    if new is None:
        return "deleted"
    if new not in parent_records:
        return "changed"
    return (
        "replaced"
        if any(content != new and content in landed for content in parent_records)
        else None
    )
