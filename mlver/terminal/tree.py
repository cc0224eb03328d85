"""Trees of lines, as `tree` draws the folders of a disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mlver.terminal.screen import Part, TextScreen


@dataclass(frozen=True, slots=True)
class TreeBranch:
    """A line of text, and the branches below it."""

    parts: Sequence[Part]
    branches: list[TreeBranch] = field(default_factory=list)


def draw_tree(tree: TreeBranch, screen: TextScreen) -> None:
    """Draw a tree of any depth."""
    # Each waits with the text before its own line, and before those below it. Not by recursion:
    # a chain may be longer than Python's stack.
    waiting = [(tree, "", "")]
    while waiting:
        branch, own, below = waiting.pop()
        # A line that is wrapped goes on beside the lines of the tree.
        wrapped = below + ("│ " if branch.branches else "  ")
        screen.draw_behind((own, "dim"), (wrapped, "dim"), *branch.parts)
        last = len(branch.branches) - 1
        for position in range(last, -1, -1):
            is_last = position == last
            lead, rest = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
            waiting.append((branch.branches[position], below + lead, below + rest))
