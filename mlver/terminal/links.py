"""Broken links, one below the other: what sort, which file or name, what is wrong with it and what to type.

Neighbours for which the same is to be typed are told it once, and only the first few of them are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from mlver.policy.chain import BrokenLink
from mlver.terminal.screen import Style, TextScreen

_SHOWN = 10


def draw_broken_links(
    broken: Sequence[BrokenLink], screen: TextScreen, style: Style = "bad"
) -> None:
    width = max((len(link.kind) for link in broken), default=0)
    for (kind, hint), alike in groupby(broken, key=lambda link: (link.kind, link.hint)):
        some = list(alike)
        for link in some[:_SHOWN]:
            said = f" {link.message}"
            screen.draw_line(
                "  ", (kind.ljust(width), style), "  ", (link.subject, "bold"), said, hang=width + 2
            )
        if len(some) > _SHOWN:
            screen.draw_line(
                " " * (width + 4), (f"and {len(some) - _SHOWN:,} more (--json lists all)", "dim")
            )
        if hint:
            screen.draw_unbroken(" " * (width + 4), ("hint: ", "dim"), hint)
