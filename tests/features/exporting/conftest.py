from __future__ import annotations

from tests.cli.conftest import first, project, second, stories

__all__ = ["first", "project", "second", "stories"]
