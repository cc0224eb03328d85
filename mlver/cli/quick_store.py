"""The far end's own entry, `mlver store -- PATH`, which an `ssh://` remote starts for each session.

Somebody waits for it at the other end, so it does without Typer and all that knows a repository.
"""

from __future__ import annotations

from pathlib import Path

from mlver.features.storing.store import serve_store


def serve_far_end(path: str) -> int:
    """Serve a directory; raise MlverError as every command does."""
    serve_store(Path(path), read_only=False)
    return 0
