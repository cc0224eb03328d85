"""What `mlver config` prints."""

from __future__ import annotations

import json
from typing import Any

from mlver.errors import shell_command
from mlver.features.settings.config import ConfigResult, SettingValue
from mlver.records import layout
from mlver.terminal.screen import Cell, TextScreen


def draw_config(result: ConfigResult, screen: TextScreen) -> None:
    if result.action == "list":
        _draw_list(result, screen)
    elif result.action == "get":
        for line in _list_lines(result.settings[0].value):
            screen.draw_unbroken(line)
    else:
        _draw_change(result, screen)


def _draw_list(result: ConfigResult, screen: TextScreen) -> None:
    screen.draw_line((result.path, "bold"))
    rows = [_draw_setting(setting) for setting in result.settings]
    screen.draw_table(rows, indent=2, fold=1)


def _draw_setting(setting: SettingValue) -> list[Cell]:
    if setting.given:
        return [(setting.key, "name"), _format_value(setting.value)]
    if setting.value is not None:
        return [(setting.key, "name"), [_format_value(setting.value), ("  by default", "dim")]]
    return [(setting.key, "dim"), (setting.description or "", "dim")]


def _draw_change(result: ConfigResult, screen: TextScreen) -> None:
    (setting,) = result.settings
    if not result.changed:
        screen.draw_line(f"{result.path} says so already; nothing changed")
        return
    verb = "Would set" if result.dry_run else "Set"
    words = f" to {_format_value(setting.value)} in "
    files = [result.path]
    if result.action == "pin":
        verb = "Would pin" if result.dry_run else "Pinned"
        words = f", what is at {setting.value['path']}, as {setting.value['digest']} in "
        # Of a directory, its digest is of the list of its files.
        files.append(layout.MANIFESTS)
    if not setting.given:
        verb = "Would take out" if result.dry_run else "Took out"
        words = " from "
    screen.draw_line((verb, "bold"), " ", (setting.key, "name"), f"{words}{result.path}")
    if result.before is not None:
        before = result.before["digest"] if result.action == "pin" else result.before
        screen.draw_line("  ", (f"before: {_format_value(before)}", "dim"))
    if result.dry_run:
        screen.draw_line(("nothing was written", "dim"))
        return
    add = shell_command("git", "add", *files)
    commit = shell_command("git", "commit", "-m", "WHY", "--", *files)
    screen.draw_next(f"{add} && {commit}")


def _format_value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_format_value, value)) or "[]"
    if isinstance(value, str):
        return value
    return json.dumps(value)


def _list_lines(value: Any) -> list[str]:
    """The value for a script: each entry of a list on a line of its own."""
    if value is None:
        return []
    if isinstance(value, list):
        return [_format_value(entry) for entry in value]
    return [_format_value(value)]
