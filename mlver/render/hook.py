from __future__ import annotations

from mlver.commands.hook import HookResult
from mlver.render.links import draw_broken_links
from mlver.render.screen import TextScreen
from mlver.render.words import format_count

_LOOKED = {
    "check": ("record touched", "records touched"),
    "guard": ("file touched", "files touched"),
    "status": ("version", "versions"),
}
_QUIET = frozenset({"pre-commit", "pre-push", "pre-receive"})


def draw_hook(result: HookResult, screen: TextScreen) -> None:
    """Nothing at all where git runs the hook and all is well."""
    if result.broken:
        what = "this commit" if result.hook in ("check", "guard", "pre-commit") else "this push"
        screen.draw_line(("mlver refuses", "bad"), f" {what}: {format_count(len(result.broken), 'reason')}")
        draw_broken_links(result.broken, screen)
    elif result.notes:
        screen.draw_line(("mlver: ", "warn"), "nobody else can resolve these yet")
        draw_broken_links(result.notes, screen, "warn")
    elif result.hook not in _QUIET:
        screen.draw_line(("All is well", "good"), f"  {format_count(result.looked, *_LOOKED[result.hook])}")
