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


def find_hook(process: GitProcess, name: str) -> Path | None:
    """Find a hook that git runs; None where there is none, or git skips it."""
    arguments = ["rev-parse", "--path-format=absolute", "--git-path", "hooks"]
    answer = process.read(arguments)
    hook = Path(os.fsdecode(answer.rstrip(b"\n")), name)
    if not os.access(hook, os.X_OK):
        return None
    return hook
