"""What may become of a record in a commit that is about to be made: it may be added, and otherwise
stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

RecordChange = Literal["changed", "deleted", "replaced"]


def judge_change(new: str | None, parent_ids: Sequence[str | None]) -> RecordChange | None:
    """Judge what a commit does to a record that it has as `new` and its parents as `parent_ids`.

    Both are ids, None where there is no such record. A merge that settles a conflict by taking one
    parent's record has `replaced` the other's, whichever parent that is.
    """
    parent_records = [content for content in parent_ids if content is not None]
    if all(content == new for content in parent_records):
        return None
    if new is None:
        return "deleted"
    return "replaced" if new in parent_records else "changed"
