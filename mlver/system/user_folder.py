"""Where mlver keeps what belongs to a user, and to no repository."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def name_user_folder() -> Path | None:
    """Name the state folder of mlver (XDG Base Directory Specification); None without a home."""
    base = Path(os.environ.get("XDG_STATE_HOME") or "")
    # The specification says to ignore a relative path.
    if base.is_absolute():
        return base / "mlver"
    with suppress(RuntimeError):
        home = Path.home()
        if home.is_absolute():
            return home / ".local" / "state" / "mlver"
    return None
