"""The order of commits, asked of random histories and of the plain definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from mlver.policy.ancestry import build_ancestry


@st.composite
def _draw_history(draw: st.DrawFn) -> dict[str, list[str]]:
    """Commits with their parents, children first; not all of them lead to one newest commit."""
    count = draw(st.integers(1, 12))
    history: dict[str, list[str]] = {}
    for number in range(count):
        older = st.sampled_from([str(parent) for parent in range(number)] or ["outside"])
        history[str(number)] = draw(st.lists(older, max_size=3, unique=True))
    return dict(reversed(history.items()))


def _walk(history: Mapping[str, Sequence[str]], newest: str) -> set[str]:
    """Every commit that `newest` leads to."""
    walked = {newest}
    for parent in history.get(newest, ()):
        walked |= _walk(history, parent)
    return walked


@given(history=_draw_history())
def test_a_commit_comes_after_what_it_leads_to_and_after_nothing_else(
    history: dict[str, list[str]],
) -> None:
    ancestry = build_ancestry(history)
    for newer in history:
        before = _walk(history, newer)
        for older in history:
            assert ancestry.is_ancestor(older, newer) == (older in before)


def test_an_empty_history_has_an_order() -> None:
    assert build_ancestry({}).order == {}
