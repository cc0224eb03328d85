"""No text of others reaches out of a label in DOT or Mermaid, and no graph is too large for it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.errors import MlverError
from mlver.features.lineage.dot import write_dot
from mlver.features.lineage.lineage import LineageResult
from mlver.features.lineage.mermaid import write_mermaid
from mlver.project.lineage.graph import LineageNode, NodeKind, ShownEdge
from tests.cli.conftest import assert_works
from tests.conftest import Repository

# A label in quotes, in which a backslash escapes what follows.
DOT_TEXT = r'"(?:[^"\\\n]|\\["\\n])*"'
DOT_LINE = re.compile(
    rf"digraph lineage {{|  rankdir=LR;|  node \[fontname={DOT_TEXT}\];"
    rf"|  n[0-9]+ \[shape=\w+, label={DOT_TEXT}(?:, style=bold)?\];"
    rf"|  n[0-9]+ -> n[0-9]+ \[label={DOT_TEXT}\];|}}|"
)
MERMAID_TEXT = r'"(?:[A-Za-z0-9 ,.:@_=+-]|#[0-9]+;|<br/>)*"'
MERMAID_LINE = re.compile(
    rf"flowchart LR|  n[0-9]+[\[(/>]+{MERMAID_TEXT}[\])/]+"
    rf"|  n[0-9]+ -->\|{MERMAID_TEXT}\| n[0-9]+|"
)
KINDS: tuple[NodeKind, ...] = ("version", "data", "code", "evaluation", "promotion")
ATTACKS = (
    '"]; evil [label="x',
    "\\",
    'a\\"',
    "]\nclick a href javascript:alert(1)",
    "<script>alert(1)</script>",
    "%%{init: {}}%%",
    "```\n::set-output name=x::y",
    "##[group]\u202e",
)


def build_result(text: str, edges: int = 1) -> LineageResult:
    nodes = tuple(
        LineageNode(id=f"{kind}:{text}", kind=kind, name=text, detail=text, remarks=(text,))
        for kind in KINDS
    )
    shown = ShownEdge(origin=nodes[1].id, result=nodes[0].id, relation="data", name=text, way="up")
    return LineageResult(
        root=nodes[0].id,
        nodes=nodes,
        edges=(shown,) * edges,
        hidden_up=0,
        hidden_down=0,
        unread=(),
    )


def assert_tame(text: str) -> None:
    result = build_result(text)
    for line in write_dot(result).split("\n"):
        assert DOT_LINE.fullmatch(line), line
    for line in write_mermaid(result).split("\n"):
        assert MERMAID_LINE.fullmatch(line), line


@pytest.mark.parametrize("text", ATTACKS)
def test_an_attack_stays_in_its_label(text: str) -> None:
    assert_tame(text)


@given(st.text())
def test_any_text_stays_in_its_label(text: str) -> None:
    assert_tame(text)


def test_mermaid_is_given_no_more_than_it_draws() -> None:
    write_mermaid(build_result("m", edges=400))
    with pytest.raises(MlverError, match="401 edges") as caught:
        write_mermaid(build_result("m", edges=401))
    assert caught.value.hints[0].endswith("--format dot")
    write_dot(build_result("m", edges=401))


def test_both_are_printed_whole(family: Repository) -> None:
    dot = assert_works(family, "lineage", "digits@1.1.0", "--format", "dot")
    assert all(DOT_LINE.fullmatch(line) for line in dot.split("\n"))
    mermaid = assert_works(family, "lineage", "digits@1.1.0", "--format", "mermaid")
    assert all(MERMAID_LINE.fullmatch(line) for line in mermaid.split("\n"))
    assert "digits 1.1.0<br/>staging" in mermaid
