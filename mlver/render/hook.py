from __future__ import annotations

from mlver.commands.hook import HookResult
from mlver.commands.hook_install import InstallResult
from mlver.render.links import links
from mlver.render.screen import Screen, Style
from mlver.render.words import count

_LOOKED = {
    "check": ("record touched", "records touched"),
    "guard": ("file touched", "files touched"),
    "status": ("version", "versions"),
}
_QUIET = frozenset({"pre-commit", "pre-push", "pre-receive"})
_STATES: dict[str, tuple[str, Style]] = {
    "written": ("written", "good"),
    "unchanged": ("was there already", "dim"),
    "chained": ("is your own, and calls mlver already", "dim"),
    "foreign": ("is somebody else's, and was left as it is", "warn"),
}


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


def installed(result: InstallResult, screen: Screen) -> None:
    verb = "Would install hooks in" if result.dry_run else "Hooks in"
    screen.line((verb, "bold"), " ", result.folder)
    width = max(len(hook.name) for hook in result.hooks)
    for hook in result.hooks:
        said, style = _STATES[hook.state]
        if result.dry_run and hook.state == "written":
            said = "would be written"
        screen.line("  ", (hook.name.ljust(width), "name"), "  ", (said, style))
        if hook.hint:
            screen.unbroken(" " * (width + 4), ("hint: ", "dim"), hook.hint)
    if all(hook.state in ("unchanged", "chained") for hook in result.hooks):
        screen.line("nothing changed")
