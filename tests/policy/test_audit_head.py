"""The head of a history: it stands for every change in its order, and for no commit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlver.digest import Digest
from mlver.policy.ancestry import build_ancestry
from mlver.policy.audit_head import count_changes, extend_head, list_heads

A, B = Digest.of_bytes(b"a"), Digest.of_bytes(b"b")
PATHS = st.sampled_from(["a", "b", "a b", "a\nb", "é", "\udcff"])
STEPS = st.lists(st.dictionaries(PATHS, st.sampled_from([A, B, None]), min_size=1), max_size=5)


def fold(steps: list[dict[str, Digest | None]]) -> Digest | None:
    head: Digest | None = None
    for step in steps:
        head = extend_head(head, step)
    return head


def test_a_head_is_what_it_was_when_the_first_was_noted() -> None:
    assert extend_head(None, {}) == Digest.of_bytes(b"mlver/audit-head/1\n")
    first = Digest.of_bytes(f"{extend_head(None, {}).hex} {A.hex} one\n".encode())
    assert extend_head(None, {"one": A}) == first
    assert extend_head(first, {"one": None}) == Digest.of_bytes(
        f"{first.hex} deleted one\n".encode()
    )


def test_within_a_commit_paths_count_in_their_order() -> None:
    assert extend_head(None, {"b": B, "a": A}) == extend_head(None, {"a": A, "b": B})
    assert fold([{"a": A}, {"b": B}]) == extend_head(None, {"a": A, "b": B})
    assert fold([{"b": B}, {"a": A}]) != fold([{"a": A}, {"b": B}])


@given(STEPS, STEPS)
def test_two_histories_of_one_head_are_one(
    first: list[dict[str, Digest | None]], second: list[dict[str, Digest | None]]
) -> None:
    flat = [
        [(path, step[path]) for step in steps for path in sorted(step)] for steps in (first, second)
    ]
    assert (fold(first) == fold(second)) == (flat[0] == flat[1])


def test_a_merge_goes_on_from_its_first_parent() -> None:
    ancestry = build_ancestry({"m": ("x", "c"), "x": ("a",), "c": ("a",), "a": ()})
    changes = {"a": {"1": A}, "x": {"2": A}, "c": {"3": B}, "m": {"3": B}}
    heads = list_heads(ancestry, changes)
    assert heads["m"] == fold([{"1": A}, {"2": A}, {"3": B}])
    assert heads["c"] == fold([{"1": A}, {"3": B}])
    assert count_changes(ancestry, changes, "m") == 3
