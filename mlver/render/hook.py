from __future__ import annotations

from mlver.commands.hook import HookResult
from mlver.render.links import links
from mlver.render.screen import Screen
from mlver.render.words import count

_LOOKED = {
    "check": ("record touched", "records touched"),
    "guard": ("file touched", "files touched"),
    "status": ("version", "versions"),
}
_QUIET = frozenset({"pre-commit", "pre-push", "pre-receive"})


def text(result: HookResult, screen: Screen) -> None:
    """Nothing at all where git runs the hook and all is well."""
    if result.broken:
        what = "this commit" if result.hook in ("check", "guard", "pre-commit") else "this push"
        screen.line(("mlver refuses", "bad"), f" {what}: {count(len(result.broken), 'reason')}")
        links(result.broken, screen)
    elif result.notes:
        screen.line(("mlver: ", "warn"), "nobody else can resolve these yet")
        links(result.notes, screen, "warn")
    elif result.hook not in _QUIET:
        screen.line(("All is well", "good"), f"  {count(result.looked, *_LOOKED[result.hook])}")
