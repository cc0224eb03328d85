"""What becomes of each file of a local store."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlver.policy.local_collection import LocalFate, judge_stored, judge_trashed

members = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 100), min_size=1)
needed = st.sets(st.sampled_from("abcdef"))
moments = st.floats(0, 200)


@given(members, moments, needed)
def test_what_is_needed_is_never_trashed_or_deleted(
    held: dict[str, int], moment: float, wanted: set[str]
) -> None:
    stored = judge_stored(held, moment, wanted, now=200, grace=100)
    trashed = judge_trashed(held, moment, wanted, now=200, grace=100)
    if wanted & held.keys():
        assert stored in (LocalFate.KEPT, LocalFate.REPACKED, LocalFate.YOUNG)
        assert trashed is LocalFate.RESTORED
    else:
        assert stored in (LocalFate.KEPT, LocalFate.YOUNG, LocalFate.TRASHED)
        assert trashed is (LocalFate.WAITING if moment > 100 else LocalFate.DELETED)


def test_half_of_a_pack_is_worth_keeping() -> None:
    assert judge_stored({"a": 5, "b": 5}, 0, {"a"}, now=200, grace=100) is LocalFate.KEPT
    assert judge_stored({"a": 5, "b": 6}, 0, {"a"}, now=200, grace=100) is LocalFate.REPACKED
    assert judge_stored({"a": 5, "b": 6}, 150, {"a"}, now=200, grace=100) is LocalFate.YOUNG


def test_what_cannot_be_told_stays_in_service() -> None:
    assert judge_stored(None, 0, set(), now=200, grace=100) is LocalFate.KEPT
    assert judge_trashed(None, 0, set(), now=200, grace=100) is LocalFate.RESTORED
