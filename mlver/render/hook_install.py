from __future__ import annotations

from mlver.commands.hook_install import InstallResult
from mlver.render.screen import Screen, Style

_STATES: dict[str, tuple[str, Style]] = {
    "written": ("written", "good"),
    "unchanged": ("was there already", "dim"),
    "chained": ("is your own, and calls mlver already", "dim"),
    "foreign": ("is somebody else's, and was left as it is", "warn"),
}


def text(result: InstallResult, screen: Screen) -> None:
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
