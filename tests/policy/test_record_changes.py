"""What a commit may do to a record, whatever its parents hold."""

from __future__ import annotations

import pytest

from mlver.policy.record_changes import judge_change

OURS, THEIRS, THIRD = "1", "2", "3"


@pytest.mark.parametrize(
    ("new", "held", "deed"),
    [
        (OURS, [None], None),  # added
        (OURS, [OURS], None),
        (THIRD, [OURS], "changed"),
        (None, [OURS], "deleted"),
        (None, [None], None),
        (THEIRS, [None, THEIRS], None),  # merged
        (THIRD, [None, THEIRS], "changed"),
        (None, [None, THEIRS], "deleted"),
        (None, [OURS, THEIRS], "deleted"),
        (THIRD, [OURS, THEIRS], "changed"),
        (OURS, [OURS, THEIRS], "replaced"),  # a conflict settled, whichever side is the first
        (THEIRS, [OURS, THEIRS], "replaced"),
        (OURS, [OURS, THEIRS, THIRD], "replaced"),
        (OURS, [OURS, None, OURS], None),
    ],
)
def test_a_record_may_be_added_and_otherwise_stays(
    new: str | None, held: list[str | None], deed: str | None
) -> None:
    assert judge_change(new, held) == deed
