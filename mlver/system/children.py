"""Processes that another process started."""

from __future__ import annotations

from pathlib import Path


def list_children(pid: int) -> list[int]:
    """List the children of a process; none where the system does not tell (proc(5), `children`)."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]
