"""git's hooks, and which of them are ours."""

from __future__ import annotations

import os
from pathlib import Path

from mlver.git.process import GitProcess
from mlver.system.regular import read_regular

OWN_HOOK_MARK = "# Written by `mlver hook install`, which may write it anew."


def is_own_hook(hook: Path) -> bool:
    """Say whether a hook is one that `install` wrote; one that cannot be read is not."""
    try:
        return OWN_HOOK_MARK.encode() in read_regular(hook, follow=True)
    except OSError:
        return False


def find_hooks_folder(process: GitProcess) -> Path:
    """Find where git looks for hooks, which the settings may lead elsewhere."""
    arguments = ["rev-parse", "--path-format=absolute", "--git-path", "hooks"]
    return Path(os.fsdecode(process.read(arguments).removesuffix(b"\n")))


def find_hook(process: GitProcess, name: str) -> Path | None:
    """Find a hook that git runs; None where there is none, or git skips it."""
    hook = find_hooks_folder(process) / name
    if not os.access(hook, os.X_OK):
        return None
    return hook
