"""Which number a version gets that cannot keep its own, and what makes it the same version all the
same.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlver.digest import Digest
from mlver.policy.renumber import renumber_versions, strip_numbering
from mlver.records.promotion import PromotionRecord
from mlver.version import parse_version

CASES = {
    "free": ("1.1.0", "1.0.0", "1.0.0 2.0.0", {}),
    "minor": ("1.1.0", "1.0.0", "1.0.0 1.1.0", {"1.1.0": "1.2.0"}),
    "over several": ("1.1.0", "1.0.0", "1.0.0 1.1.0 1.2.0 2.0.0", {"1.1.0": "1.3.0"}),
    "major": ("2.0.0", "1.0.0", "1.0.0 2.0.0", {"2.0.0": "3.0.0"}),
    "patch of an older line": ("1.0.1", "1.0.0 1.1.0", "1.0.0 1.0.1 1.1.0", {"1.0.1": "1.0.2"}),
    "pre-release": ("1.1.0-rc.1", "1.0.0", "1.0.0 1.1.0-rc.1", {"1.1.0-rc.1": "1.1.0-rc.2"}),
    "what counts from it follows": (
        "1.1.0 1.1.1",
        "1.0.0",
        "1.0.0 1.1.0",
        {"1.1.0": "1.2.0", "1.1.1": "1.2.1"},
    ),
    "what lies above it stays": ("1.1.0 2.0.0", "1.0.0", "1.0.0 1.1.0", {"1.1.0": "1.2.0"}),
    "two in a row": ("1.1.0 1.2.0", "1.0.0", "1.0.0 1.1.0", {"1.1.0": "1.2.0", "1.2.0": "1.3.0"}),
    "first": ("1.0.0", "", "1.0.0", {"1.0.0": "2.0.0"}),
}


@pytest.mark.parametrize(("own", "before", "taken", "wanted"), CASES.values(), ids=CASES)
def test_numbers(own: str, before: str, taken: str, wanted: dict[str, str]) -> None:
    sides = [list(map(parse_version, text.split())) for text in (own, before, taken)]
    found = renumber_versions(sides[0], sides[1], sides[2], {})
    assert {str(old): str(new) for old, new in found.items()} == wanted


def test_a_number_follows_what_moved_earlier() -> None:
    moved = {parse_version("1.1.0"): parse_version("1.2.0")}
    found = renumber_versions(
        [parse_version("1.1.1")],
        [parse_version("1.0.0")],
        [parse_version("1.1.0"), parse_version("1.2.0")],
        moved,
    )
    assert found == {parse_version("1.1.1"): parse_version("1.2.1")}


def test_the_essence_is_all_but_the_number_and_what_follows_from_it() -> None:
    record = PromotionRecord(
        model="m",
        stage="production",
        sequence=2,
        action="promote",
        version="1.1.0",
        previous="1.0.0",
        created="2026-01-02T03:04:05Z",
        author="Kim",
        message="why",
        record=Digest("1" * 64),
        prior=Digest("2" * 64),
    )
    moved = replace(
        record, sequence=3, version="1.2.0", previous="1.1.0", record=Digest("3" * 64), prior=None
    )
    assert strip_numbering(record) == strip_numbering(moved)
    for changed in (
        replace(moved, author="Lee"),
        replace(moved, forced=True),
        replace(moved, action="rollback"),
    ):
        assert strip_numbering(changed) != strip_numbering(record)
