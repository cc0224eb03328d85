"""What `mlver hook` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlver.errors import shell_command
from mlver.features.hooks.checks import HookResult, HookState
from mlver.features.hooks.install import InstallResult
from mlver.terminal.links import draw_findings
from mlver.terminal.screen import Style, TextScreen
from mlver.terminal.words import format_count, join_listed

if TYPE_CHECKING:
    from mlver.project.retraining.due import DueResult

_LOOKED = {
    "check": ("record touched", "records touched"),
    "guard": ("file touched", "files touched"),
    "status": ("record", "records"),
}
_AT_COMMIT = frozenset({"check", "guard", "pre-commit"})
# git runs these, and people see what they print at each commit or push.
_QUIET = frozenset({"pre-commit", "pre-push", "pre-receive"})


def draw_hook(result: HookResult, screen: TextScreen) -> None:
    """Nothing at all where git runs the hook, nothing was sent and all is well."""
    for text in result.sent:
        screen.draw_line(("mlver: ", "dim"), text)
    if result.broken:
        refused = "this commit" if result.hook in _AT_COMMIT else "this push"
        reasons = format_count(len(result.broken), "reason")
        screen.draw_line(("mlver refuses", "bad"), f" {refused}: {reasons}")
        draw_findings(result.broken, screen)
    elif result.notes:
        screen.draw_line(("mlver: ", "warn"), "nobody else can resolve these yet")
        draw_findings(result.notes, screen, "warn")
    elif result.hook not in _QUIET:
        looked = format_count(result.looked, *_LOOKED[result.hook])
        screen.draw_line(("All is well", "good"), f"  {looked}")
    width = max(map(len, result.hooks), default=0)
    for name, state in result.hooks.items():
        screen.draw_line("  ", (name.ljust(width), "name"), "  ", _INSTALLED[state])


def draw_due_hook(result: DueResult, screen: TextScreen) -> None:
    """A line a model that is due; nothing where none is."""
    for model in result.models:
        reasons = join_listed([check.check for check in model.checks if check.answer == "due"])
        name = f"{model.model} {model.version}"
        screen.draw_line(
            ("mlver: ", "warn"), (name, "name"), f" is due for another training: {reasons}", hang=2
        )
        screen.draw_unbroken("  ", ("hint: ", "dim"), shell_command("mlver", "due", model.model))


_INSTALLED: dict[HookState, tuple[str, Style]] = {
    "installed": ("is installed", "good"),
    "chained": ("is your own, and calls mlver", "good"),
    "foreign": ("is somebody else's, and does not call mlver itself", "warn"),
    "missing": ("is not installed  (mlver hook install)", "warn"),
}
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
        description, style = _STATES[hook.state]
        if result.dry_run and hook.state == "written":
            description = "would be written"
        if hook.state == "foreign":
            advice = (
                "add this line to it" if hook.hint else "list mlver's in .pre-commit-config.yaml"
            )
            description = f"{description}; {advice}"
        screen.draw_line("  ", (hook.name.ljust(width), "name"), "  ", (description, style))
        if hook.hint:
            screen.draw_unbroken(" " * (width + 4), ("hint: ", "dim"), hook.hint)
    if all(hook.state in ("unchanged", "chained") for hook in result.hooks):
        screen.draw_line("nothing changed")
