"""git's hooks, and which of them are ours."""

from __future__ import annotations

from pathlib import Path

from mlver.system.regular import read_regular

OWN_HOOK_MARK = "# Written by `mlver hook install`, which may write it anew."


def is_own_hook(hook: Path) -> bool:
    """Say whether a hook is one that `install` wrote; one that cannot be read is not."""
    try:
        return OWN_HOOK_MARK.encode() in read_regular(hook, follow=True)
    except OSError:
        return False
