"""Trees are drawn as `tree` draws folders, also where only ASCII is shown, and at any depth."""

from __future__ import annotations

import io

import pytest

from mlver.terminal.screen import TextScreen
from mlver.terminal.tree import TreeBranch, draw_tree
from tests.terminal.test_screen import seen


def draw(tree: TreeBranch) -> str:
    stream = io.StringIO()
    draw_tree(tree, TextScreen(stream))
    return stream.getvalue()


TREE = TreeBranch(
    ["top"],
    [TreeBranch(["one"], [TreeBranch(["deep"])]), TreeBranch(["two"], [TreeBranch(["last"])])],
)


def test_branches_hang_together(monkeypatch: pytest.MonkeyPatch) -> None:
    assert draw(TREE) == "top\n├─ one\n│  └─ deep\n└─ two\n   └─ last\n"
    monkeypatch.setenv("LC_ALL", "C")
    assert draw(TREE) == "top\n|- one\n|  `- deep\n`- two\n   `- last\n"


def test_a_wrapped_line_goes_on_beside_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    words = "so many words that no terminal of forty columns has the room for them"
    tree = TreeBranch(["top"], [TreeBranch([words], [TreeBranch(["deep"])]), TreeBranch([words])])
    shown = seen(lambda screen: draw_tree(tree, screen), 40, monkeypatch).splitlines()
    assert [line[:5].rstrip() for line in shown] == [
        *("top", "├─ so", "│  │", "│  └─", "└─ so", ""),
    ]
    assert shown[2].startswith("│  │ ")
    assert all(len(line) <= 40 for line in shown)


def test_a_tree_may_be_deeper_than_the_stack() -> None:
    top = branch = TreeBranch(["a"])
    for _ in range(3000):
        following = TreeBranch(["a"])
        branch.branches.append(following)
        branch = following
    assert draw(top).count("a\n") == 3001
