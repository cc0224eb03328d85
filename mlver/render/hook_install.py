from __future__ import annotations

from mlver.commands.hook_install import InstallResult
from mlver.render.screen import TextScreen, Style

_STATES: dict[str, tuple[str, Style]] = {
    "written": ("written", "good"),
    "unchanged": ("was there already", "dim"),
    "chained": ("is your own, and calls mlver already", "dim"),
    "foreign": ("is somebody else's, and was left as it is", "warn"),
}


def draw_hook_install(result: InstallResult, screen: TextScreen) -> None:
    verb = "Would install hooks in" if result.dry_run else "Hooks in"
    screen.draw_line((verb, "bold"), " ", result.folder)
    width = max(len(hook.name) for hook in result.hooks)
    for hook in result.hooks:
        said, style = _STATES[hook.state]
        if result.dry_run and hook.state == "written":
            said = "would be written"
        screen.draw_line("  ", (hook.name.ljust(width), "name"), "  ", (said, style))
        if hook.hint:
            screen.draw_unbroken(" " * (width + 4), ("hint: ", "dim"), hook.hint)
    if all(hook.state in ("unchanged", "chained") for hook in result.hooks):
        screen.draw_line("nothing changed")
