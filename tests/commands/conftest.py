"""The same repositories the command line is tested in."""

from tests.cli.conftest import first, project, second, stories

__all__ = ["first", "project", "second", "stories"]
