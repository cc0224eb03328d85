"""Broken links, one below the other: what sort, which file or name, what is wrong with it and what to type."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.policy.trust import Broken
from mlver.render.screen import Screen, Style


def links(broken: Sequence[Broken], screen: Screen, style: Style = "bad") -> None:
    width = max((len(link.kind) for link in broken), default=0)
    for link in broken:
        said = f" {link.message}"
        screen.line("  ", (link.kind.ljust(width), style), "  ", (link.subject, "bold"), said, hang=width + 2)
        if link.hint:
            screen.unbroken(" " * (width + 4), ("hint: ", "dim"), link.hint)
