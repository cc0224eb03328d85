"""The repository in which people promote and forge: see `tests.project.audit.forging`."""

from __future__ import annotations

from tests.cli.conftest import first, project, second, stories
from tests.project.audit.conftest import town, town_path

__all__ = ["first", "project", "second", "stories", "town", "town_path"]
