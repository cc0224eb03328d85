"""What may become of a record in a commit that is about to be made: it may be added, and otherwise
stays as it is.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Literal

RecordChange = Literal["changed", "deleted", "replaced"]


def judge_change(
    new: str | None, held: Sequence[str | None], landed: Container[str]
) -> RecordChange | None:
    """What a commit does to a record that it has as `new` and its parents as `held`.

    Both are ids, None where there is no such record.

    A merge may settle a conflict by taking one parent's record, unless what it drops is among
    `landed`.
    """
    there = [content for content in held if content is not None]
    if not there or all(content == new for content in there):
        return None
    if new is None:
        return "deleted"
    if new not in there:
        return "changed"
    return "replaced" if any(content != new and content in landed for content in there) else None
