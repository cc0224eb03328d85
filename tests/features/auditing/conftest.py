"""The repository in which people promote and forge: see `tests.project.audit.forging`."""

from __future__ import annotations

from tests.project.audit.conftest import town, town_path

__all__ = ["town", "town_path"]
