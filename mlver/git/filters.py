"""Clean and smudge filters that a repository brings: looking at its files must not run them."""

from __future__ import annotations

from collections.abc import Iterable

FILTERS = r"^filter\..*\.(clean|smudge|process)$"
# These run a program found on PATH, not one the repository brings.
_TRUSTED = frozenset({"git-lfs clean -- %f", "git-lfs smudge -- %f", "git-lfs filter-process"})


def switch_off(settings: Iterable[tuple[str, str, str]]) -> tuple[tuple[str, str], ...]:
    """Build settings that disarm the filters in `settings`, given as scope, name and value."""
    switches: list[tuple[str, str]] = []
    for scope, name, value in settings:
        if scope not in ("local", "worktree") or value in _TRUSTED:
            continue
        section = name.rsplit(".", 1)[0]
        switches.append((name, ""))
        switches.append((f"{section}.required", "false"))
    return tuple(switches)
