"""Words of a command line before and behind `--`, for a command that runs another one.

Typer hands both over as one list, in which nobody could tell a model from a program.
"""

from __future__ import annotations

from collections.abc import Sequence

import typer

_BEHIND = "mlver.words-behind"
_MARK = "--"


def remember_words(ctx: typer.Context, args: Sequence[str]) -> None:
    """Remember how many words stand behind the first `--`, before Typer takes it away."""
    words = list(args)
    ctx.meta[_BEHIND] = len(words) - words.index(_MARK) - 1 if _MARK in words else 0


def split_command(ctx: typer.Context, words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split the words of an argument into those before `--` and the command behind it."""
    place = len(words) - ctx.meta.get(_BEHIND, 0)
    return list(words[:place]), list(words[place:])
