"""The same repositories the command line is tested in."""

from tests.cli.conftest import second, stories

__all__ = ["second", "stories"]
