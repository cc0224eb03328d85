"""A lineage shows what is within reach, counts what is not, and ends on any graph."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlver.project.lineage.graph import (
    EVERYTHING,
    LineageEdge,
    LineageReach,
    ShownEdge,
    is_version,
    list_nodes,
    name_version,
    select_lineage,
    split_version,
)

CHAIN = [
    LineageEdge(name_version("m", str(n)), name_version("m", str(n + 1)), "parent")
    for n in range(5)
]
DATA = [LineageEdge("data:x", name_version("m", str(n)), "data", "rows") for n in (2, 4, 5)]


def node(number: int) -> str:
    return name_version("m", str(number))


def ends(edges: tuple[ShownEdge, ...], way: str) -> list[tuple[str, str]]:
    return [(edge.origin, edge.result) for edge in edges if edge.way == way]


def test_a_selection_ends_where_its_reach_does() -> None:
    found = select_lineage(CHAIN, node(3), LineageReach(up=2, down=1))
    assert ends(found.edges, "up") == [(node(2), node(3)), (node(1), node(2))]
    assert ends(found.edges, "down") == [(node(3), node(4))]
    assert (found.hidden_up, found.hidden_down) == (1, 1)


def test_one_way_shows_nothing_of_the_other() -> None:
    found = select_lineage([*CHAIN, *DATA], node(4), LineageReach(up=EVERYTHING, down=None))
    assert {edge.way for edge in found.edges} == {"up"}
    assert (found.hidden_up, found.hidden_down) == (0, 0)
    assert ("data:x", node(2)) in ends(found.edges, "up")


def test_others_that_share_data_stand_beside() -> None:
    found = select_lineage([*CHAIN, *DATA], node(4), LineageReach(up=1, down=1))
    assert ends(found.edges, "beside") == [("data:x", node(2)), ("data:x", node(5))]
    # What is met on the way anyhow is not shown a second time.
    found = select_lineage([*CHAIN, *DATA], node(4), LineageReach(up=2, down=1))
    assert ends(found.edges, "beside") == [("data:x", node(5))]


def test_the_nearest_way_from_data_counts() -> None:
    """Version 5 is three steps behind 2, and has the data itself as well."""
    found = select_lineage([*CHAIN, *DATA], "data:x", LineageReach(up=None, down=0))
    assert ends(found.edges, "down") == [
        ("data:x", node(2)),
        ("data:x", node(4)),
        ("data:x", node(5)),
        (node(4), node(5)),
    ]
    assert found.hidden_down == 1


def test_a_version_can_be_named_and_found_again() -> None:
    assert split_version(name_version("my.model-1", "1.0.0-rc.1+x")) == (
        "my.model-1",
        "1.0.0-rc.1+x",
    )


numbers = st.integers(0, 6)


@given(st.lists(st.tuples(numbers, numbers), max_size=20), numbers)
def test_any_graph_is_walked_whole_and_once(pairs: list[tuple[int, int]], root: int) -> None:
    """Forged parents may lead in a circle."""
    edges = [LineageEdge(node(one), node(other), "parent") for one, other in set(pairs)]
    found = select_lineage(edges, node(root), LineageReach(up=EVERYTHING, down=None))
    reached = {node(root)}
    while more := {edge.origin for edge in edges if edge.result in reached} - reached:
        reached |= more
    assert set(list_nodes(node(root), found.edges)) == reached
    assert len(set(found.edges)) == len(found.edges)
    near = select_lineage(edges, node(root), LineageReach(up=1, down=None))
    shown = list_nodes(node(root), near.edges)
    assert len(shown) + near.hidden_up == len(reached)
    assert all(map(is_version, shown))
